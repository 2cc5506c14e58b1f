"""A lane: its memory, its sockets' loop and its thread. Nothing in it is locked per packet."""


cdef Lane *new_lane(int number, int signal, double keyframe_interval_ms, bint capturing) except NULL:
    """Allocate a lane without sockets. Raises MemoryError."""
    cdef Lane *lane = <Lane *>calloc(1, sizeof(Lane))
    cdef uint64_t seeds[4]
    cdef uint8_t name[12]
    cdef bytes cname
    cdef int at
    if lane == NULL:
        raise MemoryError
    lane.arena = <uint8_t *>malloc(ARENA_SIZE)
    lane.in_buffers = <uint8_t *>malloc(BATCH * PACKET_ROOM)
    lane.datagrams = <UpDatagram *>calloc(RING_SIZE, sizeof(UpDatagram))
    lane.facts = <UpFact *>calloc(RING_SIZE, sizeof(UpFact))
    if lane.arena == NULL or lane.in_buffers == NULL or lane.datagrams == NULL or lane.facts == NULL:
        free_lane(lane)
        raise MemoryError
    pthread_mutex_init(&lane.mutex, NULL)
    if getrandom(seeds, sizeof(seeds), 0) != sizeof(seeds):
        free_lane(lane)
        raise OSError("no random bytes")
    lane.paths.seed = seeds[0]
    lane.inbound.seed = seeds[1]
    lane.outbound.seed = seeds[2]
    if getrandom(name, sizeof(name), 0) != sizeof(name):
        free_lane(lane)
        raise OSError("no random bytes")
    cname = b64encode((<char *>name)[:12])
    memcpy(lane.cname, <const char *>cname, CNAME_OURS)
    lane.srtp = srtp_functions
    lane.number = number
    lane.signal = signal
    lane.udp = lane.listener = lane.epoll = lane.wake = -1
    lane.gso = 1
    lane.capturing = capturing
    lane.keyframe_interval_ns = <int64_t>(keyframe_interval_ms * MS)
    lane.level_epoch = 1
    for at in range(BATCH):
        lane.in_vectors[at].iov_base = lane.in_buffers + at * PACKET_ROOM
        lane.in_vectors[at].iov_len = PACKET_ROOM
        lane.in_headers[at].msg_hdr.msg_iov = &lane.in_vectors[at]
        lane.in_headers[at].msg_hdr.msg_iovlen = 1
        lane.in_headers[at].msg_hdr.msg_name = &lane.in_addresses[at]
    return lane


cdef void free_lane(Lane *lane) noexcept:
    """Free what the lane itself owns; peers, tracks and senders are Python's."""
    cdef Captured *captured
    while lane.captured_first != NULL:
        captured = lane.captured_first
        lane.captured_first = captured.next
        free(captured)
    free(lane.arena)
    free(lane.in_buffers)
    free(lane.datagrams)
    free(lane.facts)
    free(lane.tap_ring)
    free(lane.paths.entries)
    free(lane.inbound.entries)
    free(lane.outbound.entries)
    pthread_mutex_destroy(&lane.mutex)
    free(lane)


cdef inline int64_t monotonic_ns() noexcept nogil:
    cdef timespec now
    clock_gettime(CLOCK_MONOTONIC, &now)
    return <int64_t>now.tv_sec * 1000000000 + now.tv_nsec


cdef int receive_batch(Lane *lane) noexcept nogil:
    """Take up to 64 datagrams from the socket, forward their media; return how many came."""
    cdef int at
    cdef int got
    cdef Path path
    for at in range(BATCH):
        lane.in_headers[at].msg_hdr.msg_namelen = sizeof(sockaddr_in6)
    got = recvmmsg(lane.udp, lane.in_headers, BATCH, MSG_DONTWAIT, NULL)
    count(lane, N_RECEIVE_CALLS)
    if got <= 0:
        return 0
    obey_first(lane)
    lane.now_ns = monotonic_ns()
    for at in range(got):
        path_from_address(&path, &lane.in_addresses[at], 0)
        receive_datagram(lane, &path, <uint8_t *>lane.in_vectors[at].iov_base, <int>lane.in_headers[at].msg_len)
    finish_batch(lane)
    return got


cdef inline void obey_first(Lane *lane) noexcept nogil:
    """Perform what was asked before the datagrams in hand were read: the answer to a datagram that the control plane has sent
    must find the path that it allowed just before."""
    if conclave_load(<uint64_t *>&lane.commands_first) != 0:
        run_commands(lane)


cdef void finish_batch(Lane *lane) noexcept nogil:
    forward_batch(lane)
    flush(lane)


cdef int wait_ms(Lane *lane) noexcept nogil:
    cdef int64_t due = next_timer_ns(lane)
    if due < 0:
        return -1
    due -= monotonic_ns()
    return 0 if due <= 0 else <int>(due // MS) + 1


cdef void *lane_main(void *argument) noexcept nogil:
    """The lane's thread: sleep until a socket, a command or a timer wants something."""
    cdef Lane *lane = <Lane *>argument
    cdef epoll_event events[64]
    cdef int ready
    cdef int at
    cdef int rounds
    cdef void *source
    while not conclave_load(&lane.stop):
        ready = epoll_wait(lane.epoll, events, 64, wait_ms(lane))
        lane.now_ns = monotonic_ns()
        count(lane, N_WAKEUPS)
        for at in range(ready):
            source = events[at].data.ptr
            if source == &lane.udp:
                rounds = 0
                while rounds < 16 and receive_batch(lane) == BATCH:
                    rounds += 1
            elif source == &lane.wake:
                conclave_drain(lane.wake)
                run_commands(lane)
            elif source == &lane.listener:
                tcp_accept(lane)
            else:
                tcp_ready(lane, <Connection *>source, events[at].events)
        close_doomed(lane)
        run_timers(lane)
        flush(lane)
    return NULL
