"""RTCP from peers (RFC 3550, 4585, 5104): sender reports are passed on rewritten, everything else ends here."""

cdef enum:
    NACK_PAIRS = 64
    REPORT_PAUSE = 100 * MS      # between sender reports of a track that are passed on
    PLI_BURST = 3                # keyframes that one receiver may cost at once: the first, and two that were lost again
    PLI_PERIOD = 2 * SECOND      # ... and then one in this time; everybody pays for each


cdef void receive_rtcp(Lane *lane, Peer *peer, uint8_t *data, int size) noexcept nogil:
    """Authenticate a compound packet and act on each part of it."""
    cdef uint32_t ssrc
    cdef size_t bound
    cdef int status
    cdef int offset = 0
    cdef int length
    if size < 12 + peer.session.tag_size:
        count(lane, D_RTCP_MALFORMED)
        return
    ssrc = read32(data + 4)
    bound = ssrc_find(&lane.inbound, peer, ssrc)
    if bound == 0 and peer.ssrc_count >= SSRCS_PER_PEER:
        count(lane, D_SSRC_LIMIT)
        return
    status = lane.srtp.unprotect_rtcp(peer.session.inbound, data, &size)
    if status != SRTP_OK:
        authentication_failed(lane, peer, status)
        return
    peer.heard_ns = lane.now_ns
    if bound == 0 and not remember_ssrc(lane, peer, ssrc, peer, SSRC_RTCP):
        return
    while offset < size:
        if offset + 8 > size or (data[offset] & 0xC0) != 0x80:
            count(lane, D_RTCP_MALFORMED)
            return
        length = 4 * (read16(data + offset + 2) + 1)
        if length < 8 or offset + length > size:
            count(lane, D_RTCP_MALFORMED)
            return
        receive_report(lane, peer, data + offset, length)
        offset += length


cdef void receive_report(Lane *lane, Peer *peer, const uint8_t *part, int size) noexcept nogil:
    """One part of a compound packet: `size` octets, at least 8, its header among them."""
    cdef int kind = part[1]
    cdef int format = part[0] & 0x1F
    if kind == 200 and size >= 28:
        receive_sender_report(lane, peer, part)
        receive_blocks(lane, peer, part + 28, size - 28, format)
    elif kind == 201:
        receive_blocks(lane, peer, part + 8, size - 8, format)
    elif kind == 205 and format == 1 and size >= 16:
        receive_nack(lane, peer, part, size)
    elif kind == 206 and format == 1 and size >= 12:
        receive_keyframe_request(lane, peer, read32(part + 8))
    elif kind == 206 and format == 4 and size >= 20:
        receive_full_intra_request(lane, peer, part, size)
    else:
        count(lane, N_RTCP_IGNORED)


cdef void receive_sender_report(Lane *lane, Peer *peer, const uint8_t *part) noexcept nogil:
    """Pass a publisher's clock on to all who receive its track, at most every 100 ms: a datagram holds dozens of reports, and
    each would become a packet for every receiver."""
    cdef size_t bound = ssrc_find(&lane.inbound, peer, read32(part + 4))
    cdef Track *track
    cdef Sender *sender
    if bound == 0 or bound_kind(bound) != SSRC_MEDIA:
        return
    track = <Track *>bound_target(bound)
    if track.sr_ns != 0 and lane.now_ns - track.sr_ns < REPORT_PAUSE:
        count(lane, N_RTCP_IGNORED)
        return
    track.sr_ntp = (<uint64_t>read32(part + 8) << 32) | read32(part + 12)
    track.sr_rtp = read32(part + 16)
    track.sr_ns = lane.now_ns
    if track.tapped:
        tap_report(lane, track)
    sender = track.senders
    while sender != NULL:
        send_sender_report(lane, sender)
        sender = sender.track_next


cdef inline Sender *find_sender(const Lane *lane, const Peer *peer, uint32_t ssrc) noexcept nogil:
    cdef size_t bound = ssrc_find(&lane.outbound, peer, ssrc)
    return <Sender *>bound_target(bound) if bound != 0 and bound_kind(bound) == SSRC_MEDIA else NULL


cdef void receive_blocks(Lane *lane, Peer *peer, const uint8_t *blocks, int size, int blocks_said) noexcept nogil:
    """Reception report blocks about our senders."""
    cdef int at
    cdef const uint8_t *block
    cdef Sender *sender
    for at in range(blocks_said):
        if (at + 1) * 24 > size:
            count(lane, D_RTCP_MALFORMED)
            return
        block = blocks + at * 24
        sender = find_sender(lane, peer, read32(block))
        if sender == NULL:
            continue
        sender.fraction_lost = block[4]
        sender.packets_lost = <int32_t>(read32(block + 4) << 8) >> 8
        sender.jitter = read32(block + 12)
        note_round_trip(lane, sender, read32(block + 16), read32(block + 20))


cdef void note_round_trip(Lane *lane, Sender *sender, uint32_t last_report, uint32_t delay) noexcept nogil:
    """RFC 3550 6.4.1, with our own clock for when the report that LSR names had left."""
    cdef int at
    cdef int64_t elapsed
    for at in range(2):
        if last_report == 0 or sender.sr_middle[at] != last_report:
            continue
        elapsed = lane.now_ns - sender.sr_ns[at] - <int64_t>delay * 1000000 // 65536 * 1000
        if 0 <= elapsed < 60 * <int64_t>SECOND:
            sender.rtt_us = <uint64_t>(elapsed // 1000)
        return


cdef void receive_keyframe_request(Lane *lane, Peer *peer, uint32_t ssrc) noexcept nogil:
    cdef Sender *sender = find_sender(lane, peer, ssrc)
    if sender == NULL:
        return
    sender.plis += 1
    count(lane, N_PLIS_IN)
    if sender.track == NULL or not sender.track.video or sender.track.muted:
        return
    if costs_nothing(sender.track) or pli_paid(lane, sender):
        keyframe_wanted(lane, sender.track)
        return
    count(lane, N_PLIS_HELD)
    if sender.pli_held_ns == 0:
        sender.pli_held_ns = lane.now_ns
        sender.track.plis_held = 1
        heat(lane, sender.track)


cdef inline bint marked(const Track *track) noexcept nogil:
    return track.marks and not track.opaque


cdef inline bint costs_nothing(const Track *track) noexcept nogil:
    """Whether a keyframe is on its way already: decoders repeat their request until it comes."""
    return track.pli_wanted or (marked(track) and track.pli_ns != 0 and track.keyframe_ns <= track.pli_ns)


cdef bint pli_paid(Lane *lane, Sender *sender) noexcept nogil:
    """Take the price of one keyframe from the receiver's credit; False while there is too little of it."""
    sender.pli_credit_ns += lane.now_ns - sender.pli_refill_ns
    sender.pli_refill_ns = lane.now_ns
    if sender.pli_credit_ns > PLI_BURST * <int64_t>PLI_PERIOD:
        sender.pli_credit_ns = PLI_BURST * <int64_t>PLI_PERIOD
    if sender.pli_credit_ns < PLI_PERIOD:
        return False
    sender.pli_credit_ns -= PLI_PERIOD
    return True


cdef void serve_held_plis(Lane *lane, Track *track) noexcept nogil:
    """Pass on the requests that were held back as soon as they are paid for; a keyframe that came meanwhile has answered them."""
    cdef Sender *sender = track.senders
    track.plis_held = 0
    while sender != NULL:
        if sender.pli_held_ns != 0 and marked(track) and track.keyframe_ns > sender.pli_held_ns:
            sender.pli_held_ns = 0
        if sender.pli_held_ns != 0 and (costs_nothing(track) or pli_paid(lane, sender)):
            sender.pli_held_ns = 0
            keyframe_wanted(lane, track)
        if sender.pli_held_ns != 0:
            track.plis_held = 1
        sender = sender.track_next


cdef void receive_full_intra_request(Lane *lane, Peer *peer, const uint8_t *part, int size) noexcept nogil:
    cdef int offset = 12
    while offset + 8 <= size:
        receive_keyframe_request(lane, peer, read32(part + offset))
        offset += 8


cdef void receive_nack(Lane *lane, Peer *peer, const uint8_t *part, int size) noexcept nogil:
    """Look at up to 64 pairs, 1,088 packets, which is more than the cache holds; the rest is a counted drop."""
    cdef Sender *sender = find_sender(lane, peer, read32(part + 8))
    cdef int offset = 12
    cdef int bit
    cdef uint16_t seq
    cdef uint16_t mask
    if sender == NULL:
        return
    if size > 12 + 4 * NACK_PAIRS:
        size = 12 + 4 * NACK_PAIRS
        count(lane, D_NACK_LIMITED)
    while offset + 4 <= size:
        seq = read16(part + offset)
        mask = read16(part + offset + 2)
        retransmit(lane, sender, seq)
        for bit in range(16):
            if mask & (1 << bit):
                retransmit(lane, sender, <uint16_t>(seq + bit + 1))
        offset += 4


cdef bint rtx_allowed(Lane *lane, Sender *sender, uint16_t seq) noexcept nogil:
    """A NACK must not be an amplifier: at most 600 packets a second after a burst of 300, a packet once per half a round trip
    (at least 10 ms) and 10 times in all."""
    cdef RtxMemory *memory = &sender.rtx_memory[seq % RTX_MEMORY]
    cdef uint32_t now_ms = <uint32_t>(lane.now_ns // MS)
    cdef uint32_t pause_ms = <uint32_t>(sender.rtt_us // 2000)
    cdef int64_t elapsed_ns
    if pause_ms < 10:
        pause_ms = 10
    elif pause_ms > 250:
        pause_ms = 250
    elapsed_ns = lane.now_ns - sender.rtx_refill_ns
    sender.rtx_tokens += (elapsed_ns if elapsed_ns < SECOND else SECOND) * 600 // MS
    sender.rtx_refill_ns = lane.now_ns
    if sender.rtx_tokens > 300000:
        sender.rtx_tokens = 300000
    if sender.rtx_tokens < 1000:
        return False
    if memory.times > 0 and memory.seq == seq:
        if now_ms - memory.at_ms < pause_ms or memory.times >= 10:
            return False
    else:
        memory.seq = seq
        memory.times = 0
    memory.times += 1
    memory.at_ms = now_ms
    sender.rtx_tokens -= 1000
    return True


cdef void retransmit(Lane *lane, Sender *sender, uint16_t seq) noexcept nogil:
    """Answer one NACKed sequence number from the cache, as RTX. Without RTX there is no answer: the packet would have to be
    protected again under the same index, and where its bytes differ that reuses a GCM nonce."""
    cdef int64_t index = sender.last_index + <int16_t>(seq - <uint16_t>(sender.last_index & 0xFFFF)) - sender.offset
    cdef CacheSlot *slot
    cdef uint8_t *out
    cdef int payload_type
    cdef int size
    sender.nacks += 1
    count(lane, N_NACKS_IN)
    if sender.rtx_ssrc == 0:
        count(lane, N_NACK_WITHOUT_RTX)
        return
    if sender.track == NULL or sender.resync or index < sender.first_index or not reachable(sender.peer):
        missed(lane, sender)
        return
    slot = cache_find(sender.track, index)
    if slot == NULL:
        missed(lane, sender)
        return
    payload_type = sender.order.payload_types[slot.packet.payload_type]
    payload_type = sender.rtx_payload_types[payload_type] if payload_type != UNMAPPED else UNMAPPED
    if payload_type == UNMAPPED:
        count(lane, N_NACK_WITHOUT_RTX)
        return
    if not rtx_allowed(lane, sender, seq):
        count(lane, D_NACK_LIMITED)
        return
    out = reserve(lane)
    sender.rtx_seq += 1
    size = write_packet(out, sender, &slot.packet, payload_type, sender.rtx_ssrc, sender.rtx_seq, True)
    if lane.srtp.protect(sender.peer.session.outbound, out, &size) != SRTP_OK:
        count(lane, D_PROTECT)
        return
    commit(lane, sender.peer, size)
    count(lane, N_RTX_OUT)
    sender.retransmitted += 1


cdef void missed(Lane *lane, Sender *sender) noexcept nogil:
    sender.nack_misses += 1
    count(lane, N_NACK_MISSES)
