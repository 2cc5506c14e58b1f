"""The tap: decrypted packets of chosen tracks, and sender reports of those, on their way to a recorder.

One ring of octets a lane. The lane's thread alone writes `tap_tail`, Python alone `tap_head`, so neither waits for the other:
a full ring is a counted drop. Both positions only grow; an entry starts with a TapHeader and fills a multiple of 8 octets,
wrapping at the ring's end. The ring is made at the first tap and stays as long as the lane.
"""

cdef enum:
    TAP_BYTES = 1 << 22
    TAP_RTP = 0
    TAP_REPORT = 1


cdef struct TapHeader:
    uint64_t track
    int64_t index                 # extended sequence number; of a report its NTP timestamp
    int64_t arrival_ns
    uint32_t timestamp
    uint16_t size                 # octets of payload that follow
    uint8_t kind
    uint8_t payload_type          # with the marker in the highest bit


cdef inline uint32_t tap_room(uint32_t size) noexcept nogil:
    return (<uint32_t>sizeof(TapHeader) + size + 7) & ~<uint32_t>7


cdef inline void tap_write(uint8_t *ring, uint64_t position, const void *data, uint32_t size) noexcept nogil:
    cdef uint32_t at = <uint32_t>(position & (TAP_BYTES - 1))
    cdef uint32_t first = TAP_BYTES - at
    if size <= first:
        memcpy(ring + at, data, size)
    else:
        memcpy(ring + at, data, first)
        memcpy(ring, <const uint8_t *>data + first, size - first)


cdef inline void tap_fetch(const uint8_t *ring, uint64_t position, void *data, uint32_t size) noexcept nogil:
    cdef uint32_t at = <uint32_t>(position & (TAP_BYTES - 1))
    cdef uint32_t first = TAP_BYTES - at
    if size <= first:
        memcpy(data, ring + at, size)
    else:
        memcpy(data, ring + at, first)
        memcpy(<uint8_t *>data + first, ring, size - first)


cdef void tap_put(Lane *lane, TapHeader *header, const uint8_t *payload) noexcept nogil:
    cdef uint32_t room = tap_room(header.size)
    if lane.tap_tail + room - conclave_load(&lane.tap_head) > TAP_BYTES:
        count(lane, D_TAP_OVERFLOW)
        return
    tap_write(lane.tap_ring, lane.tap_tail, header, sizeof(TapHeader))
    tap_write(lane.tap_ring, lane.tap_tail + sizeof(TapHeader), payload, header.size)
    conclave_store(&lane.tap_tail, lane.tap_tail + room)
    count(lane, N_TAPPED)


cdef void tap_packet(Lane *lane, const Track *track, const Packet *packet) noexcept nogil:
    """Copy the payload without padding; a packet of padding alone is an empty one, so that no number is missing."""
    cdef TapHeader header
    header.track = track.id
    header.index = packet.index
    header.arrival_ns = lane.now_ns
    header.timestamp = packet.timestamp
    header.size = <uint16_t>payload_size(packet)
    header.kind = TAP_RTP
    header.payload_type = <uint8_t>((packet.marker << 7) | packet.payload_type)
    tap_put(lane, &header, packet.data + packet.payload_offset)


cdef void tap_report(Lane *lane, const Track *track) noexcept nogil:
    """The publisher's latest sender report."""
    cdef TapHeader header
    header.track = track.id
    header.index = <int64_t>track.sr_ntp
    header.arrival_ns = track.sr_ns
    header.timestamp = track.sr_rtp
    header.size = 0
    header.kind = TAP_REPORT
    header.payload_type = 0
    tap_put(lane, &header, NULL)


cdef void tap_track(Lane *lane, Track *track, bint on) noexcept nogil:
    """Begin with what a recorder needs first: a report that came before, and a keyframe. What was lost before and is repaired
    later is not for the recorder."""
    if track.tapped == on:
        return
    track.tapped = on
    if not on:
        return
    track.tapped_from = track.highest + 1
    if track.sr_ns != 0:
        tap_report(lane, track)
    if track.video and not track.muted:
        keyframe_wanted(lane, track)


cdef int make_tap_ring(Lane *lane) except -1:
    """Allocate the ring before the lane is told of the first tap. Raises MemoryError."""
    if lane.tap_ring == NULL:
        lane.tap_ring = <uint8_t *>malloc(TAP_BYTES)
        if lane.tap_ring == NULL:
            raise MemoryError
    return 0


cdef list take_tapped(Lane *lane, int limit):
    """Copy out up to `limit` entries, oldest first."""
    cdef list out = []
    cdef TapHeader header
    cdef bytes payload
    cdef uint64_t head = lane.tap_head
    cdef uint64_t tail = conclave_load(&lane.tap_tail)
    while head != tail and len(out) < limit:
        tap_fetch(lane.tap_ring, head, &header, sizeof(TapHeader))
        if header.kind == TAP_REPORT:
            out.append(TappedReport(header.track, <uint64_t>header.index, header.timestamp, header.arrival_ns))
        else:
            payload = PyBytes_FromStringAndSize(NULL, header.size)
            tap_fetch(lane.tap_ring, head + sizeof(TapHeader), <char *>payload, header.size)
            out.append(TappedPacket(header.track, header.payload_type & 0x7F, header.payload_type >> 7 == 1,
                                    header.index, header.timestamp, header.arrival_ns, payload))
        head += tap_room(header.size)
        conclave_store(&lane.tap_head, head)
    return out
