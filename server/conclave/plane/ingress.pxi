"""From a datagram to an authenticated packet of a known track, in the order of rising cost.

First byte (RFC 7983), path, nominated?, secured?, SSRC bound or learnable with a negotiated payload type; only then libsrtp. So
garbage costs a hash look-up, and no table grows by a packet that is not authenticated.
"""


cdef void receive_datagram(Lane *lane, const Path *path, uint8_t *data, int size) noexcept nogil:
    """Take one datagram; media ends in the batch of its track."""
    cdef Peer *peer
    lane.counters[N_PACKETS_IN] += 1
    lane.counters[N_BYTES_IN] += size
    if size < 1 or size > DATAGRAM_MAX:
        count(lane, D_TOO_LARGE if size > 0 else D_FIRST_BYTE)
        return
    if lane.last_peer != NULL and path_equal(path, &lane.last_path):
        peer = lane.last_peer
    else:
        peer = path_find(&lane.paths, path)
        lane.last_path = path[0]
        lane.last_peer = peer
    if 128 <= data[0] <= 191:
        receive_media(lane, peer, path, data, size)
    elif data[0] <= 3:
        count(lane, N_STUN_IN)
        if stun_framed(data, size):
            raise_datagram(lane, path, peer, True, data, size)
        else:
            count(lane, D_STUN_MALFORMED)
    elif 20 <= data[0] <= 63:
        count(lane, N_DTLS_IN)
        if peer != NULL:
            raise_datagram(lane, path, peer, False, data, size)
        else:
            count(lane, D_UNKNOWN_PATH)
    else:
        count(lane, D_FIRST_BYTE)


cdef inline void receive_media(Lane *lane, Peer *peer, const Path *path, uint8_t *data, int size) noexcept nogil:
    if peer == NULL:
        count(lane, D_UNKNOWN_PATH)
        return
    if not peer.has_nominated or not path_equal(path, &peer.nominated):
        count(lane, D_NOT_NOMINATED)
        return
    if peer.session == NULL:
        count(lane, D_NOT_SECURED)
        return
    peer.packets_in += 1
    peer.bytes_in += size
    if size >= 2 and 192 <= data[1] <= 223:
        count(lane, N_RTCP_IN)
        receive_rtcp(lane, peer, data, size)
    else:
        count(lane, N_RTP_IN)
        receive_rtp(lane, peer, data, size)


cdef void authentication_failed(Lane *lane, Peer *peer, int status) noexcept nogil:
    """Count why libsrtp refused, and tell Python at most once a second."""
    if status == SRTP_REPLAY_FAIL or status == SRTP_REPLAY_OLD:
        count(lane, D_REPLAY)
        peer.replays += 1
    elif status == SRTP_AUTH_FAIL:
        count(lane, D_AUTHENTICATION)
    else:
        count(lane, D_SRTP_ERROR)
    peer.failures += 1
    peer.failing += 1
    if peer.failing_ns == 0 or lane.now_ns - peer.failing_ns >= SECOND:
        raise_fact(lane, FACT_SRTP_FAILING, peer, NULL, <int64_t>peer.failing, NULL)
        peer.failing_ns = lane.now_ns
        peer.failing = 0


cdef bint remember_ssrc(Lane *lane, Peer *peer, uint32_t ssrc, void *target, int kind) noexcept nogil:
    """Bind an inbound SSRC and note it for the peer's end. False at the peer's limit or without memory."""
    cdef size_t bound = ssrc_find(&lane.inbound, peer, ssrc)
    cdef uint32_t *bigger
    if bound == 0:
        if peer.ssrc_count >= SSRCS_PER_PEER:
            count(lane, D_SSRC_LIMIT)
            return False
        if peer.ssrc_count == peer.ssrc_room:
            bigger = <uint32_t *>realloc(peer.ssrcs, (peer.ssrc_room + 16) * sizeof(uint32_t))
            if bigger == NULL:
                return False
            peer.ssrcs = bigger
            peer.ssrc_room += 16
    if not ssrc_put(&lane.inbound, peer, ssrc, target, kind):
        return False
    if bound == 0:
        peer.ssrcs[peer.ssrc_count] = ssrc
        peer.ssrc_count += 1
    return True


cdef inline bint may_learn(const Track *track, int payload_type) noexcept nogil:
    """Whether the track takes an SSRC that was not announced with this payload type."""
    if track.clock_rate[payload_type] != 0:
        return not track.announced
    return track.rtx_to_media[payload_type] != UNMAPPED and not track.announced_rtx


cdef Track *learnable(const Peer *peer, int payload_type, int *candidates) noexcept nogil:
    """A track of the peer that takes unannounced SSRCs with this payload type, and how many there are."""
    cdef Track *track = peer.tracks
    cdef Track *found = NULL
    candidates[0] = 0
    while track != NULL:
        if may_learn(track, payload_type):
            found = track
            candidates[0] += 1
        track = track.peer_next
    return found


cdef Track *learn_track(Peer *peer, const Packet *packet) noexcept nogil:
    """Whose an authenticated packet with an unknown SSRC is: by its mid, or without one by its unique payload type."""
    cdef Track *track = peer.tracks
    cdef Track *only
    cdef const uint8_t *mid
    cdef int size = 0
    cdef int candidates = 0
    cdef bint named = False
    while track != NULL:
        mid = extension_find(packet, track.mid_ext_id, &size)
        if mid != NULL:
            named = True
            if size == track.mid_size and memcmp(mid, track.mid, size) == 0 and may_learn(track, packet.payload_type):
                return track
        track = track.peer_next
    only = learnable(peer, packet.payload_type, &candidates)
    if named or candidates != 1:
        return NULL
    if only.clock_rate[packet.payload_type] != 0:
        return only if only.ssrc == 0 else NULL
    return only if only.rtx_ssrc == 0 else NULL


cdef bint bind_ssrc(Lane *lane, Track *track, uint32_t ssrc, bint rtx) noexcept nogil:
    """Make `ssrc` the track's; the one it had before is never accepted again. False at the peer's limit."""
    cdef uint32_t before = track.rtx_ssrc if rtx else track.ssrc
    cdef Sender *sender
    if before == ssrc:
        return True
    if not remember_ssrc(lane, track.peer, ssrc, track, SSRC_RTX if rtx else SSRC_MEDIA):
        return False
    if before != 0:
        remember_ssrc(lane, track.peer, before, track, SSRC_RETIRED)
    if rtx:
        track.rtx_ssrc = ssrc
        return True
    track.ssrc = ssrc
    if before != 0:
        restart_track(track)
        sender = track.senders
        while sender != NULL:
            close_route(lane, sender, True)
            sender = sender.track_next
    return True


cdef void restart_track(Track *track) noexcept nogil:
    """Forget the numbering of a stream that ended; totals stay. The new one is numbered above `floor`."""
    cdef int at
    if track.highest >= 0:
        track.floor = ((track.highest >> 16) + 2) << 16
    track.highest = -1
    track.media_packets = 0
    track.expected_prior = 0
    track.received_prior = 0
    track.missing_count = 0
    track.keyframe_index = -1
    track.has_transit = 0
    track.sr_ns = 0
    for at in range(track.cache_size):
        track.cache[at].packet.data = NULL


cdef void receive_rtp(Lane *lane, Peer *peer, uint8_t *data, int size) noexcept nogil:
    cdef size_t bound
    cdef uint32_t ssrc
    cdef Track *track = NULL
    cdef int kind = SSRC_MEDIA
    cdef int payload_type
    cdef int candidates = 0
    cdef int status
    cdef Packet *packet
    if lane.packet_count >= BATCH or rtp_header_size(data, size - peer.session.tag_size) < 0:
        count(lane, D_RTP_MALFORMED)
        return
    ssrc = read32(data + 8)
    payload_type = data[1] & 0x7F
    bound = ssrc_find(&lane.inbound, peer, ssrc)
    if bound != 0:
        kind = bound_kind(bound)
        track = <Track *>bound_target(bound)
        if kind == SSRC_RETIRED:
            count(lane, D_UNKNOWN_SSRC)
            return
    if track != NULL and kind != SSRC_RTCP:
        if (track.clock_rate[payload_type] == 0) if kind == SSRC_MEDIA else (track.rtx_to_media[payload_type] == UNMAPPED):
            count(lane, D_PAYLOAD_TYPE)
            return
    else:
        track = NULL
        if learnable(peer, payload_type, &candidates) == NULL:
            count(lane, D_UNKNOWN_SSRC)
            return
        if bound == 0 and peer.ssrc_count >= SSRCS_PER_PEER:
            count(lane, D_SSRC_LIMIT)
            return
    status = lane.srtp.unprotect(peer.session.inbound, data, &size)
    if status != SRTP_OK:
        authentication_failed(lane, peer, status)
        return
    peer.heard_ns = lane.now_ns
    packet = &lane.packets[lane.packet_count]
    if not rtp_parse(data, size, packet):
        count(lane, D_RTP_MALFORMED)
        return
    if track == NULL:
        track = learn_track(peer, packet)
        if track != NULL:
            kind = SSRC_MEDIA if track.clock_rate[payload_type] != 0 else SSRC_RTX
        if track == NULL or not bind_ssrc(lane, track, ssrc, kind == SSRC_RTX):
            if bound == 0:
                lane.srtp.remove_stream(peer.session.inbound, htonl(ssrc))
            count(lane, D_UNKNOWN_SSRC)
            return
        count(lane, N_SSRCS_LEARNT)
        if kind == SSRC_MEDIA:
            raise_fact(lane, FACT_SSRC_LEARNT, peer, track, ssrc, NULL)
    if kind == SSRC_RTX:
        receive_rtx(lane, track, packet)
    else:
        receive_packet(lane, track, packet, False)


cdef void receive_rtx(Lane *lane, Track *track, Packet *packet) noexcept nogil:
    """Unwrap RFC 4588 in place: original sequence number, payload type and SSRC. A probe of padding alone ends here."""
    cdef int header = packet.payload_offset
    cdef int payload = payload_size(packet)
    count(lane, N_RTX_IN)
    if payload == 0:
        return
    if payload < 2:
        count(lane, D_RTX_MALFORMED)
        return
    if track.highest < 0:
        count(lane, D_RTX_UNNEEDED)
        return
    packet.seq = read16(packet.data + header)
    packet.payload_type = track.rtx_to_media[packet.payload_type]
    memmove(packet.data + 2, packet.data, header)
    packet.data += 2
    packet.size -= 2
    write16(packet.data + 2, packet.seq)
    write32(packet.data + 8, track.ssrc)
    packet.data[1] = <uint8_t>((packet.marker << 7) | packet.payload_type)
    if track.clock_rate[packet.payload_type] == 0:
        count(lane, D_PAYLOAD_TYPE)
        return
    receive_packet(lane, track, packet, True)


cdef void receive_packet(Lane *lane, Track *track, Packet *packet, bint repair) noexcept nogil:
    """Number a media packet, keep it, and put it into its track's batch."""
    cdef int64_t delta
    cdef bint first = track.highest < 0
    track.packets += 1
    track.bytes += packet.size
    if first:
        track.first = track.floor + 65536 + packet.seq
        track.highest = track.first - 1
        if track.pli_wanted or track.waiting > 0:
            heat(lane, track)
    delta = <int16_t>(packet.seq - <uint16_t>(track.highest & 0xFFFF))
    packet.index = track.highest + delta
    packet.late = delta <= 0
    if not repair:
        track.media_packets += 1
        note_arrival(lane, track, packet)
    elif delta > 0:
        count(lane, D_RTX_UNNEEDED)
        return
    if packet.late:
        if cache_find(track, packet.index) != NULL:
            track.duplicates += 1
            count(lane, D_DUPLICATE)
            return
        if track.cache == NULL or delta <= -track.cache_size:
            count(lane, D_STALE)
            return
        missing_settle(lane, track, packet.index)
    else:
        if delta > 1:
            missing_add(lane, track, track.highest + 1, packet.index - 1)
        track.highest = packet.index
    if track.muted or packet.index < track.unmuted_from:
        count(lane, D_MUTED)
        return
    if not track.forwarded_once:
        track.forwarded_once = 1
        raise_fact(lane, FACT_FIRST_PACKET, track.peer, track, track.ssrc, NULL)
    if track.tapped and packet.index >= track.tapped_from:
        tap_packet(lane, track, packet)
    mark_packet(lane, track, packet)
    cache_put(lane, track, packet)
    packet.next = NULL
    if track.batch_first == NULL:
        track.batch_first = packet
        track.batch_next = NULL
        if lane.batch_first == NULL:
            lane.batch_first = track
        else:
            lane.batch_last.batch_next = track
        lane.batch_last = track
    else:
        track.batch_last.next = packet
    track.batch_last = packet
    lane.packet_count += 1


cdef inline void note_arrival(Lane *lane, Track *track, const Packet *packet) noexcept nogil:
    """Interarrival jitter (RFC 3550 A.8) and signs of life."""
    cdef uint32_t arrival = <uint32_t>clock_ticks(lane.now_ns, track.clock_rate[packet.payload_type])
    cdef uint32_t transit = arrival - packet.timestamp
    cdef int32_t difference
    if track.has_transit:
        difference = <int32_t>(transit - track.transit)
        if difference < 0:
            difference = -difference
        track.jitter += difference - ((track.jitter + 8) >> 4)
    track.transit = transit
    track.has_transit = 1
    track.last_ns = lane.now_ns
    if track.silent:
        track.silent = 0
        heat(lane, track)
        raise_fact(lane, FACT_TRACK_ALIVE, track.peer, track, 0, NULL)


cdef inline void mark_packet(Lane *lane, Track *track, Packet *packet) noexcept nogil:
    """Keyframe marks of video, level of audio."""
    cdef const uint8_t *level
    cdef int size = 0
    cdef int codec
    if track.video:
        codec = track.codec[packet.payload_type]
        packet.gated = codec != CODEC_UNKNOWN and not track.opaque
        if packet.gated and keyframe_begins(codec, packet.data + packet.payload_offset, payload_size(packet)):
            packet.keyframe = 1
            track.pli_wanted = 0
            if track.keyframe_index >= 0 and track.keyframe_timestamp == packet.timestamp:
                if packet.index < track.keyframe_index:
                    track.keyframe_index = packet.index
                return
            track.keyframe_ns = lane.now_ns
            track.keyframe_index = packet.index
            track.keyframe_timestamp = packet.timestamp
            track.keyframes += 1
            count(lane, N_KEYFRAMES_IN)
        return
    level = extension_find(packet, track.audio_level_ext_id, &size)
    if level != NULL and size >= 1 and not packet.late:
        track.level_sum += level[0] & 0x7F
        track.level_count += 1
        if track.level_epoch != lane.level_epoch or (level[0] & 0x7F) < track.level_loudest:
            track.level_epoch = lane.level_epoch
            track.level_loudest = level[0] & 0x7F
