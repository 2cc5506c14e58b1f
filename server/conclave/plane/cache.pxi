"""The packet cache of a track, and the list of packets that a publisher still owes us.

The cache is a ring indexed by the extended sequence number. It answers NACKs, detects duplicates (a repaired packet whose
original arrives after all), and replays a fresh keyframe to a route that has just opened.
"""


cdef inline CacheSlot *cache_find(const Track *track, int64_t index) noexcept nogil:
    cdef CacheSlot *slot
    if track.cache == NULL or index < 0:
        return NULL
    slot = &track.cache[index % track.cache_size]
    return slot if slot.packet.data != NULL and slot.packet.index == index else NULL


cdef inline void cache_put(Lane *lane, Track *track, const Packet *packet) noexcept nogil:
    cdef CacheSlot *slot
    if track.cache == NULL:
        return
    slot = &track.cache[packet.index % track.cache_size]
    if packet.size > CACHE_BYTES:
        slot.packet.data = NULL
        count(lane, D_NOT_CACHED)
        return
    slot.packet = packet[0]
    slot.packet.data = slot.data
    slot.packet.next = NULL
    memcpy(slot.data, packet.data, packet.size)


cdef void missing_add(Lane *lane, Track *track, int64_t first, int64_t last) noexcept nogil:
    """Note the gap [first, last]. One that is too long to repair asks for a keyframe instead."""
    cdef Missing *entry
    cdef int64_t index
    if not track.video or track.missing == NULL:
        return
    if track.missing_count + last - first + 1 > MISSING_MAX:
        track.missing_count = 0
        keyframe_wanted(lane, track)
        return
    for index in range(first, last + 1):
        entry = &track.missing[track.missing_count]
        entry.index = index
        entry.since_ns = lane.now_ns
        entry.asked_ns = 0
        entry.asks = 0
        track.missing_count += 1
    heat(lane, track)


cdef bint is_missing(const Track *track, int64_t index) noexcept nogil:
    """Whether a gap that is still open holds the number."""
    cdef int at
    for at in range(track.missing_count - 1, -1, -1):
        if track.missing[at].index <= index:
            return track.missing[at].index == index
    return False


cdef void missing_settle(Lane *lane, Track *track, int64_t index) noexcept nogil:
    """A late packet came. If it had been asked for once, the time it took is a sample of the round trip."""
    cdef int at
    cdef Missing *entry
    cdef int64_t sample
    for at in range(track.missing_count):
        entry = &track.missing[at]
        if entry.index != index:
            continue
        if entry.asks > 0:
            track.repaired += 1
        if entry.asks == 1:
            sample = lane.now_ns - entry.asked_ns
            track.rtt_ns = sample if track.rtt_ns == 0 else (7 * track.rtt_ns + sample) // 8
        track.missing_count -= 1
        memmove(entry, entry + 1, (track.missing_count - at) * sizeof(Missing))
        return


cdef void heat(Lane *lane, Track *track) noexcept nogil:
    """Put the track on the list that the fine timer walks."""
    if not track.hot:
        track.hot = 1
        track.hot_next = lane.hot
        lane.hot = track


cdef void cool(Lane *lane, Track *track) noexcept nogil:
    cdef Track **link = &lane.hot
    while link[0] != NULL:
        if link[0] == track:
            link[0] = track.hot_next
            break
        link = &link[0].hot_next
    track.hot = 0
    track.hot_next = NULL
