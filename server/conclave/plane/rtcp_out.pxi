"""RTCP that the plane makes: receiver reports, REMB, NACK and PLI for publishers, sender reports for subscribers."""

cdef enum:
    OUR_SSRC = 1                 # of the receiver that we are; it sends no media


cdef void send_rtcp(Lane *lane, Peer *peer, uint8_t *out, int size) noexcept nogil:
    """Protect and append what was written at `reserve`'s pointer."""
    if lane.srtp.protect_rtcp(peer.session.outbound, out, &size) != SRTP_OK:
        count(lane, D_PROTECT)
        return
    commit(lane, peer, size)
    count(lane, N_RTCP_OUT)


cdef inline int write_report_header(uint8_t *out, int blocks, int kind, int size, uint32_t ssrc) noexcept nogil:
    out[0] = <uint8_t>(0x80 | blocks)
    out[1] = <uint8_t>kind
    write16(out + 2, size // 4 - 1)
    write32(out + 4, ssrc)
    return 8


cdef inline uint64_t ntp_span(int64_t elapsed_ns) noexcept nogil:
    """Nanoseconds as a 32.32 fixed point number of seconds."""
    return (<uint64_t>(elapsed_ns // SECOND) << 32) + (<uint64_t>(elapsed_ns % SECOND) << 32) // SECOND


cdef void send_sender_report(Lane *lane, Sender *sender) noexcept nogil:
    """The publisher's clock pair carried to now, in the sender's names and counts, with its CNAME."""
    cdef Track *track = sender.track
    cdef Peer *peer = sender.peer
    cdef uint8_t *out
    cdef int64_t elapsed
    cdef uint64_t ntp
    cdef int size
    if track == NULL or track.sr_ns == 0 or not sender.started or sender.resync or sender.waiting or not reachable(peer):
        return
    elapsed = lane.now_ns - track.sr_ns
    ntp = track.sr_ntp + ntp_span(elapsed)
    out = reserve(lane)
    write_report_header(out, 0, 200, 28, sender.ssrc)
    write32(out + 8, <uint32_t>(ntp >> 32))
    write32(out + 12, <uint32_t>ntp)
    write32(out + 16, track.sr_rtp + sender.timestamp_offset + <uint32_t>clock_ticks(elapsed, sender.clock_rate))
    write32(out + 20, <uint32_t>sender.packets)
    write32(out + 24, <uint32_t>sender.bytes)
    size = 28 + write_description(out + 28, sender.ssrc, sender.cname, sender.cname_size)
    sender.sr_middle[1] = sender.sr_middle[0]
    sender.sr_ns[1] = sender.sr_ns[0]
    sender.sr_middle[0] = <uint32_t>(ntp >> 16)
    sender.sr_ns[0] = lane.now_ns
    send_rtcp(lane, peer, out, size)


cdef int write_description(uint8_t *out, uint32_t ssrc, const char *cname, int cname_size) noexcept nogil:
    """An SDES packet with the CNAME alone; nothing when there is none."""
    cdef int size = 10 + cname_size
    if cname_size == 0:
        return 0
    out[8] = 1
    out[9] = <uint8_t>cname_size
    memcpy(out + 10, cname, cname_size)
    out[size] = 0
    size += 1
    while size & 3:
        out[size] = 0
        size += 1
    write_report_header(out, 1, 202, size, ssrc)
    return size


cdef int write_preamble(Lane *lane, uint8_t *out) noexcept nogil:
    """An empty receiver report and our CNAME: what RFC 3550 6.1 wants before feedback. Not every publisher negotiates reduced
    size (RFC 5506), and the 28 octets are not worth a distinction."""
    write_report_header(out, 0, 201, 8, OUR_SSRC)
    return 8 + write_description(out + 8, OUR_SSRC, lane.cname, CNAME_OURS)


cdef void send_keyframe_request(Lane *lane, Track *track) noexcept nogil:
    """Picture loss indication (RFC 4585 6.3.1), after an empty receiver report."""
    cdef uint8_t *out = reserve(lane)
    cdef int size = write_preamble(lane, out)
    write_report_header(out + size, 1, 206, 12, OUR_SSRC)
    write32(out + size + 8, track.ssrc)
    track.pli_ns = lane.now_ns
    track.pli_wanted = 0
    track.plis_sent += 1
    count(lane, N_PLIS_OUT)
    send_rtcp(lane, track.peer, out, size + 12)


cdef void keyframe_wanted(Lane *lane, Track *track) noexcept nogil:
    """Ask the publisher for a keyframe now, or when the interval since the last request is over; again while one is awaited."""
    if not track.video or track.muted:
        return
    track.pli_wanted = 1
    if (not ask_keyframe(lane, track) or track.waiting > 0) and track.highest >= 0:
        heat(lane, track)


cdef bint awaited(const Track *track) noexcept nogil:
    """Whether a route to somebody who can be reached waits for a keyframe."""
    cdef const Sender *sender = track.senders
    if track.waiting == 0:
        return False
    while sender != NULL:
        if sender.waiting and reachable(sender.peer):
            return True
        sender = sender.track_next
    return False


cdef bint ask_keyframe(Lane *lane, Track *track) noexcept nogil:
    """Send the wanted request if it may go; False while it may not."""
    if track.highest < 0 or track.silent or not reachable(track.peer):
        return False
    if track.pli_ns != 0 and lane.now_ns - track.pli_ns < lane.keyframe_interval_ns:
        return False
    send_keyframe_request(lane, track)
    return True


cdef void send_nacks(Lane *lane, Track *track) noexcept nogil:
    """Ask for what has been missing for 10 ms, again after a round trip (20 to 200 ms, 50 while unknown), 10 times in 1.5 s."""
    cdef uint8_t *out = reserve(lane)
    cdef int64_t again = track.rtt_ns + 10 * MS if track.rtt_ns != 0 else 50 * MS
    cdef int64_t pid = -1
    cdef int kept = 0
    cdef int at
    cdef int feedback = write_preamble(lane, out)
    cdef int size = feedback + 12
    cdef uint16_t mask = 0
    cdef Missing *entry
    if again < 20 * MS:
        again = 20 * MS
    elif again > 200 * MS:
        again = 200 * MS
    for at in range(track.missing_count):
        entry = &track.missing[at]
        if (entry.asks >= 10 and lane.now_ns - entry.asked_ns >= again) or lane.now_ns - entry.since_ns > 1500 * MS:
            continue
        if lane.now_ns - (entry.asked_ns if entry.asks > 0 else entry.since_ns) >= (again if entry.asks > 0 else 10 * MS) \
                and entry.asks < 10:
            entry.asks += 1
            entry.asked_ns = lane.now_ns
            track.nacks_sent += 1
            count(lane, N_NACKS_OUT)
            if pid >= 0 and entry.index - pid <= 16:
                mask |= <uint16_t>(1 << (entry.index - pid - 1))
                write16(out + size - 2, mask)
            else:
                pid = entry.index
                mask = 0
                write16(out + size, <uint32_t>(pid & 0xFFFF))
                write16(out + size + 2, 0)
                size += 4
        track.missing[kept] = entry[0]
        kept += 1
    track.missing_count = kept
    if size == feedback + 12 or not reachable(track.peer):
        return
    write_report_header(out + feedback, 1, 205, size - feedback, OUR_SSRC)
    write32(out + feedback + 8, track.ssrc)
    send_rtcp(lane, track.peer, out, size)


cdef void write_block(Lane *lane, Track *track, uint8_t *block) noexcept nogil:
    """A reception report block (RFC 3550 6.4.1, A.3)."""
    cdef int64_t expected = track.highest - track.first + 1
    cdef int64_t lost = expected - <int64_t>track.media_packets
    cdef int64_t expected_now = expected - <int64_t>track.expected_prior
    cdef int64_t lost_now = expected_now - <int64_t>(track.media_packets - track.received_prior)
    track.expected_prior = expected
    track.received_prior = track.media_packets
    if lost > 0x7FFFFF:
        lost = 0x7FFFFF
    elif lost < -0x800000:
        lost = -0x800000
    write32(block, track.ssrc)
    write32(block + 4, <uint32_t>(lost & 0xFFFFFF))
    if expected_now > 0 and lost_now > 0:
        block[4] = <uint8_t>(255 if lost_now >= expected_now else lost_now * 256 // expected_now)
    write32(block + 8, <uint32_t>(track.highest - track.floor - 65536))
    write32(block + 12, <uint32_t>(track.jitter >> 4))
    write32(block + 16, <uint32_t>(track.sr_ntp >> 16) if track.sr_ns != 0 else 0)
    write32(block + 20, <uint32_t>((lane.now_ns - track.sr_ns) // 1000 * 65536 // 1000000) if track.sr_ns != 0 else 0)


cdef int write_remb(uint8_t *out, Peer *peer) noexcept nogil:
    """Receiver Estimated Maximum Bitrate for all SSRCs of the peer (draft-alvestrand-rmcat-remb)."""
    cdef uint64_t mantissa = peer.remb_bps
    cdef int exponent = 0
    cdef int ssrcs = 0
    cdef Track *track = peer.tracks
    while mantissa > 0x3FFFF:
        mantissa >>= 1
        exponent += 1
    while track != NULL and ssrcs < 31:
        if track.ssrc != 0:
            write32(out + 20 + 4 * ssrcs, track.ssrc)
            ssrcs += 1
        track = track.peer_next
    write_report_header(out, 15, 206, 20 + 4 * ssrcs, OUR_SSRC)
    write32(out + 8, 0)
    memcpy(out + 12, b"REMB", 4)
    out[16] = <uint8_t>ssrcs
    out[17] = <uint8_t>((exponent << 2) | (mantissa >> 16))
    write16(out + 18, <uint32_t>(mantissa & 0xFFFF))
    return 20 + 4 * ssrcs


cdef void send_receiver_report(Lane *lane, Peer *peer) noexcept nogil:
    """What we received from a publisher in the last second, and how much it may send."""
    cdef uint8_t *out = reserve(lane)
    cdef Track *track = peer.tracks
    cdef int blocks = 0
    cdef int size
    while track != NULL and blocks < 31:
        if track.highest >= 0:
            write_block(lane, track, out + 8 + 24 * blocks)
            blocks += 1
        track = track.peer_next
    if blocks == 0 and peer.remb_bps == 0:
        return
    size = 8 + 24 * blocks
    write_report_header(out, blocks, 201, size, OUR_SSRC)
    size += write_description(out + size, OUR_SSRC, lane.cname, CNAME_OURS)
    if peer.remb_bps != 0:
        size += write_remb(out + size, peer)
        count(lane, N_REMB_OUT)
    send_rtcp(lane, peer, out, size)
