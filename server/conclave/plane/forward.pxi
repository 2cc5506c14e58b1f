"""From a track's packets to the datagrams of everybody who receives it.

Sequence numbers: outgoing index = track's index + offset, with a new offset at each opening of a route, so that what
leaves is continuous over switches, mutes and silent times, and a late packet keeps its right place. A packet that is older
than the route's first is a counted drop. Timestamps: outgoing = track's + offset; at a change of source the offset makes
them go on by the time that passed.
"""

cdef enum:
    PARAMETERS_MAX = 8           # packets before an IDR: delimiter, parameter sets, SEI


cdef int parameters_owed(const Track *track, const Packet *packet) noexcept nogil:
    """How many packets just before an IDR without parameter sets are of its frame, or may be: they were overtaken by it.

    All have its payload type, which the route maps: what `forward_overtaken` sends can never pause the route and open it again.
    """
    cdef const CacheSlot *slot
    cdef int room = 0
    if (not packet.keyframe or track.codec[packet.payload_type] != CODEC_H264
            or h264_parameters(packet.data + packet.payload_offset, payload_size(packet))):
        return 0
    while room < PARAMETERS_MAX:
        slot = cache_find(track, packet.index - 1 - room)
        if slot == NULL:
            if not is_missing(track, packet.index - 1 - room):
                break
        elif slot.packet.timestamp != packet.timestamp or slot.packet.payload_type != packet.payload_type:
            break
        room += 1
    return room


cdef bint open_route(Lane *lane, Sender *sender, const Packet *packet) noexcept nogil:
    """Let a waiting route begin with `packet` if a decoder can; False while it cannot."""
    cdef int room
    if sender.waiting:
        if packet.gated and not packet.keyframe:
            count(lane, D_AWAITING_KEYFRAME)
            return False
        sender.waiting = 0
        sender.track.waiting -= 1
    if sender.resync:
        sender.resync = 0
        room = parameters_owed(sender.track, packet)
        sender.offset = sender.last_index + 1 + room - packet.index
        sender.first_index = packet.index - room
    if sender.retime:
        sender.retime = 0
        sender.report_due = 1
        sender.track.reports_due = 1
        heat(lane, sender.track)
        sender.timestamp_offset = next_timestamp(sender, lane.now_ns) - packet.timestamp
    return True


cdef inline int64_t clock_ticks(int64_t span_ns, int64_t clock_rate) noexcept nogil:
    """Nanoseconds in units of a media clock, for any span."""
    return span_ns // SECOND * clock_rate + span_ns % SECOND * clock_rate // SECOND


cdef inline uint32_t next_timestamp(const Sender *sender, int64_t now_ns) noexcept nogil:
    """What a timestamp of now is in the sender's outgoing clock, at least one tick after the last."""
    cdef int64_t elapsed
    if not sender.started:
        return sender.last_timestamp
    elapsed = clock_ticks(now_ns - sender.last_ns, sender.clock_rate)
    return sender.last_timestamp + <uint32_t>(elapsed if elapsed > 0 else 1)


cdef void forward_packet(Lane *lane, Sender *sender, Packet *packet) noexcept nogil:
    """Rewrite, protect and append one packet for the sender's peer."""
    cdef Peer *peer = sender.peer
    cdef int payload_type = sender.order.payload_types[packet.payload_type]
    cdef int64_t index
    cdef int size
    cdef bint anew
    cdef uint8_t *out
    if payload_type == UNMAPPED:
        sender.resync = 1
        count(lane, D_UNMAPPED_PAYLOAD_TYPE)
        return
    if packet.index < sender.track.floor:
        count(lane, D_BEFORE_ROUTE)
        return
    if sender.waiting or sender.resync:
        anew = sender.resync
        if not open_route(lane, sender, packet):
            return
        if anew:
            forward_overtaken(lane, sender, packet.index)
    index = packet.index + sender.offset
    if packet.index < sender.first_index or (index <= sender.last_index and not packet.late):
        count(lane, D_BEFORE_ROUTE)
        return
    out = reserve(lane)
    size = write_packet(out, sender, packet, payload_type, sender.ssrc, <uint16_t>(index & 0xFFFF), False)
    if lane.srtp.protect(peer.session.outbound, out, &size) != SRTP_OK:
        count(lane, D_PROTECT)
        return
    commit(lane, peer, size)
    count(lane, N_RTP_OUT)
    sender.packets += 1
    sender.bytes += packet.size - packet.payload_offset
    if index > sender.last_index:
        sender.last_index = index
        sender.last_timestamp = packet.timestamp + sender.timestamp_offset
        sender.last_ns = lane.now_ns
        sender.started = 1


cdef void forward_overtaken(Lane *lane, Sender *sender, int64_t end) noexcept nogil:
    """Send what the route has just been opened for besides its keyframe, up to `end`; a late packet comes by itself."""
    cdef CacheSlot *slot
    cdef int64_t index
    for index in range(sender.first_index, end):
        slot = cache_find(sender.track, index)
        if slot != NULL and not slot.packet.late:
            forward_packet(lane, sender, &slot.packet)


cdef inline bint reachable(const Peer *peer) noexcept nogil:
    return peer.session != NULL and peer.has_nominated and (peer.address_size != 0 or peer.connection != NULL)


cdef void replay_keyframe(Lane *lane, Sender *sender) noexcept nogil:
    """Begin a route with a keyframe that is still fresh in the cache, when every packet since is there.

    In the first half second under new keys the next keyframe is asked for as well: the peer may not have taken the keys into
    use yet, and would miss this one. What is replayed gets numbers of its own, so nothing is protected twice.
    """
    cdef Track *track = sender.track
    cdef int64_t index
    if (not sender.waiting or track.muted or track.keyframe_index < 0 or not reachable(sender.peer)
            or lane.now_ns - track.keyframe_ns > 400 * MS or track.highest - track.keyframe_index >= 96):
        return
    for index in range(track.keyframe_index, track.highest + 1):
        if cache_find(track, index) == NULL:
            return
    count(lane, N_CACHE_REPLAYS)
    for index in range(track.keyframe_index, track.highest + 1):
        forward_packet(lane, sender, &cache_find(track, index).packet)
    if lane.now_ns - sender.peer.secured_ns < 500 * MS:
        keyframe_wanted(lane, track)


cdef void catch_up(Lane *lane, Sender *sender, int64_t index) noexcept nogil:
    """A late keyframe opened the route: send what came after it from the cache."""
    cdef Track *track = sender.track
    cdef CacheSlot *slot
    while index < track.highest:
        index += 1
        slot = cache_find(track, index)
        if slot != NULL:
            forward_packet(lane, sender, &slot.packet)


cdef void forward_batch(Lane *lane) noexcept nogil:
    """Destinations outside, packets inside: what one peer receives from the batch lies side by side in the arena."""
    cdef Track *track = lane.batch_first
    cdef Sender *sender
    cdef Peer *peer
    cdef Packet *packet
    cdef bint waited
    while track != NULL:
        even_sizes(track)
        sender = track.senders
        while sender != NULL:
            if reachable(sender.peer):
                batch_sender(lane, sender)
            else:
                pause_route(sender)
                count(lane, D_NO_DESTINATION)
            sender = sender.track_next
        track = track.batch_next
    peer = lane.batch_peers
    while peer != NULL:
        sender = peer.batch_first
        while sender != NULL:
            packet = sender.track.batch_first
            while packet != NULL:
                waited = sender.waiting
                forward_packet(lane, sender, packet)
                if waited and not sender.waiting and packet.late:
                    catch_up(lane, sender, packet.index)
                packet = packet.next
            sender = sender.batch_next
        peer.batched = 0
        peer.batch_first = NULL
        peer.batch_last = NULL
        peer = peer.batch_next
    clear_batch(lane)


cdef inline void batch_sender(Lane *lane, Sender *sender) noexcept nogil:
    cdef Peer *peer = sender.peer
    sender.batch_next = NULL
    if peer.batched:
        peer.batch_last.batch_next = sender
        peer.batch_last = sender
        return
    peer.batched = 1
    peer.batch_first = sender
    peer.batch_last = sender
    peer.batch_next = NULL
    if lane.batch_peers == NULL:
        lane.batch_peers = peer
    else:
        lane.batch_peers_last.batch_next = peer
    lane.batch_peers_last = peer


cdef void clear_batch(Lane *lane) noexcept nogil:
    cdef Track *track = lane.batch_first
    while track != NULL:
        track.batch_first = NULL
        track.batch_last = NULL
        track = track.batch_next
    lane.batch_first = NULL
    lane.batch_last = NULL
    lane.batch_peers = NULL
    lane.batch_peers_last = NULL
    lane.packet_count = 0


cdef void even_sizes(Track *track) noexcept nogil:
    """Encoders split a frame into payloads that differ by an octet or two: note the RTP padding that makes them one GSO group.

    A run of packets within 8 octets is brought to the size of its longest; its last may stay shorter.
    """
    cdef Packet *packet = track.batch_first
    cdef Packet *last
    cdef int longest
    cdef int shortest
    cdef int size
    while packet != NULL:
        last = packet
        longest = shortest = packet.size - packet.payload_offset
        while last.next != NULL:
            size = last.next.size - last.next.payload_offset
            if size - shortest > 8 or longest - size > 8:
                break
            longest = size if size > longest else longest
            shortest = size if size < shortest else shortest
            last = last.next
        while packet != last:
            size = packet.size - packet.payload_offset
            if size > 0 and not packet.padded:
                packet.pad = <uint8_t>(longest - size)
            packet = packet.next
        packet = last.next
