"""What goes up from a lane to Python: STUN and DTLS datagrams, facts, and memory that the lane no longer uses.

Two rings of fixed size under the lane's mutex, so that a flood of datagrams cannot push out facts. The last quarter of
the datagram ring is kept for peers that are known, and no peer holds more than an eighth of it.
"""


cdef inline void count(Lane *lane, int counter) noexcept nogil:
    lane.counters[counter] += 1


cdef void wake_python(Lane *lane) noexcept nogil:
    """Make the plane's eventfd readable. Called without the mutex."""
    if lane.signal >= 0:
        conclave_notify(lane.signal)


cdef void raise_datagram(Lane *lane, const Path *path, Peer *peer, bint stun, const uint8_t *data, int size) noexcept nogil:
    cdef UpDatagram *entry
    cdef bint wake = False
    cdef uint32_t limit = RING_SIZE if peer != NULL else RING_SIZE - RING_SIZE // 4
    pthread_mutex_lock(&lane.mutex)
    if lane.datagram_count >= limit or (peer != NULL and peer.raised - peer.taken >= RING_PER_PEER):
        pthread_mutex_unlock(&lane.mutex)
        count(lane, D_RING_FULL)
        return
    entry = &lane.datagrams[(lane.datagram_head + lane.datagram_count) % RING_SIZE]
    lane.datagram_count += 1
    lane.up_order += 1
    entry.order = lane.up_order
    entry.peer = -1
    if peer != NULL:
        entry.peer = <int64_t>peer.id
        peer.raised += 1
    entry.path = path[0]
    entry.stun = stun
    entry.size = size
    memcpy(entry.data, data, size)
    if not lane.signalled:
        lane.signalled = 1
        wake = True
    pthread_mutex_unlock(&lane.mutex)
    if wake:
        wake_python(lane)


cdef void raise_fact(Lane *lane, int name, Peer *peer, Track *track, int64_t value, const Path *path) noexcept nogil:
    cdef UpFact *entry
    cdef bint wake = False
    pthread_mutex_lock(&lane.mutex)
    if lane.fact_count >= RING_SIZE:
        lane.facts_lost += 1
    else:
        entry = &lane.facts[(lane.fact_head + lane.fact_count) % RING_SIZE]
        lane.fact_count += 1
        lane.up_order += 1
        entry.order = lane.up_order
        entry.name = name
        entry.peer = <int64_t>peer.id if peer != NULL else -1
        entry.track = <int64_t>track.id if track != NULL else -1
        entry.value = value
        if path != NULL:
            entry.path = path[0]
        else:
            memset(&entry.path, 0, sizeof(Path))
    if not lane.signalled:
        lane.signalled = 1
        wake = True
    pthread_mutex_unlock(&lane.mutex)
    if wake:
        wake_python(lane)


cdef void retire(Lane *lane, Retired *retired) noexcept nogil:
    """Give memory back to Python, which frees it; the lane holds no pointer to it any more (queued messages leave first)."""
    cdef bint wake = False
    flush(lane)
    pthread_mutex_lock(&lane.mutex)
    retired.next = lane.retired
    lane.retired = retired
    if not lane.signalled:
        lane.signalled = 1
        wake = True
    pthread_mutex_unlock(&lane.mutex)
    if wake:
        wake_python(lane)
