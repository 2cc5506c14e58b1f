"""ICE-TCP, passive side (RFC 6544), each STUN, DTLS or RTP packet framed by a 16-bit length (RFC 4571).

Buffers are bounded: a connection that does not read loses packets, one that frames nonsense is closed, one that no
peer has claimed in time (10 s) is closed, and a lane takes a limited number. Closing happens at the end of a round of
events (`doomed`), so that no event of the round meets freed memory.
"""

cdef enum:
    TCP_IN = 8192
    TCP_OUT = 131072
    TCP_UNCLAIMED = 64           # connections of one source that no peer has claimed yet
    ACCEPT_PAUSE = 100 * MS      # of the listener while the process has no descriptor left


cdef Connection *find_connection(Lane *lane, const Path *path) noexcept nogil:
    cdef Connection *connection = lane.connections
    while connection != NULL and not path_equal(&connection.path, path):
        connection = connection.next
    return connection


cdef void doom(Lane *lane, Connection *connection) noexcept nogil:
    """Have the connection closed at the end of this round."""
    if not connection.doomed:
        connection.doomed = 1
        connection.doomed_next = lane.doomed
        lane.doomed = connection


cdef void doom_path(Lane *lane, const Path *path) noexcept nogil:
    cdef Connection *connection = find_connection(lane, path)
    if connection != NULL:
        doom(lane, connection)


cdef void close_doomed(Lane *lane) noexcept nogil:
    cdef Connection *connection
    cdef Connection **link
    while lane.doomed != NULL:
        connection = lane.doomed
        lane.doomed = connection.doomed_next
        link = &lane.connections
        while link[0] != connection:
            link = &link[0].next
        link[0] = connection.next
        lane.connection_count -= 1
        leave_connection(lane, connection)
        count(lane, N_TCP_CLOSED)
        free_connection(connection)


cdef void leave_connection(Lane *lane, const Connection *connection) noexcept nogil:
    """Tell the peer of the path that it ended, and whoever still sends there though another peer has claimed the path since."""
    cdef Peer *owner = path_find(&lane.paths, &connection.path)
    cdef Peer *peer = lane.peers if connection.nominated else NULL
    if owner != NULL:
        path_drop(&lane.paths, &connection.path)
        lane.last_peer = NULL
        raise_fact(lane, FACT_PATH_CLOSED, owner, NULL, 0, &connection.path)
    while peer != NULL:
        if peer.connection == connection:
            peer.connection = NULL
            if peer != owner:
                raise_fact(lane, FACT_PATH_CLOSED, peer, NULL, 0, &connection.path)
        peer = peer.lane_next


cdef void free_connection(Connection *connection) noexcept nogil:
    close(connection.fd)
    free(connection.inbound)
    free(connection.outbound)
    free(connection)


cdef void reap_connections(Lane *lane) noexcept nogil:
    """Close what nobody claimed in time."""
    cdef Connection *connection = lane.connections
    while connection != NULL:
        if lane.now_ns - connection.opened_ns > lane.claim_ns and path_find(&lane.paths, &connection.path) == NULL:
            count(lane, D_TCP_IDLE)
            doom(lane, connection)
        connection = connection.next
    close_doomed(lane)


cdef bint crowded(const Lane *lane, const Path *path) noexcept nogil:
    """Whether the path's source holds its share of unclaimed connections, so that it cannot take all of them. A source is an
    IPv4 address or an IPv6 /64, all of which is one subscriber's: eight octets either way."""
    cdef const Connection *connection = lane.connections
    cdef int unclaimed = 0
    while connection != NULL:
        if ((<const uint8_t *>&connection.path)[1] == (<const uint8_t *>path)[1]
                and memcmp(<const uint8_t *>&connection.path + 4, <const uint8_t *>path + 4, 8) == 0
                and path_find(&lane.paths, &connection.path) == NULL):
            unclaimed += 1
        connection = connection.next
    return unclaimed >= TCP_UNCLAIMED


cdef void listen_for(Lane *lane, uint32_t wanted) noexcept nogil:
    cdef epoll_event event
    event.events = wanted
    event.data.ptr = &lane.listener
    epoll_ctl(lane.epoll, EPOLL_CTL_MOD, lane.listener, &event)


cdef void accept_failed(Lane *lane) noexcept nogil:
    """Without a descriptor or memory for it a connection stays in the backlog and the listener readable: look away for a moment,
    or the lane would do nothing else."""
    if errno == EMFILE or errno == ENFILE or errno == ENOBUFS or errno == ENOMEM:
        count(lane, D_TCP_DESCRIPTORS)
        lane.accept_ns = lane.now_ns + ACCEPT_PAUSE
        listen_for(lane, 0)


cdef void accept_again(Lane *lane) noexcept nogil:
    lane.accept_ns = 0
    listen_for(lane, EPOLLIN)


cdef void tcp_accept(Lane *lane) noexcept nogil:
    cdef sockaddr_in6 address
    cdef socklen_t size
    cdef int fd
    cdef int one = 1
    cdef int tries
    cdef Connection *connection
    cdef epoll_event event
    cdef Path path
    for tries in range(16):
        size = sizeof(sockaddr_in6)
        fd = accept4(lane.listener, <sockaddr *>&address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC)
        if fd < 0:
            accept_failed(lane)
            return
        path_from_address(&path, &address, lane.connection_serial + 1)
        if lane.connection_count >= lane.connection_limit or crowded(lane, &path):
            count(lane, D_TCP_LIMIT)
            close(fd)
            continue
        connection = <Connection *>calloc(1, sizeof(Connection))
        if connection == NULL:
            close(fd)
            return
        connection.fd = fd
        connection.inbound = <uint8_t *>malloc(TCP_IN + PACKET_ROOM)
        connection.outbound = <uint8_t *>malloc(TCP_OUT)
        event.events = EPOLLIN | EPOLLRDHUP
        event.data.ptr = connection
        if connection.inbound == NULL or connection.outbound == NULL \
                or epoll_ctl(lane.epoll, EPOLL_CTL_ADD, fd, &event) != 0:
            free_connection(connection)
            continue
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one))
        lane.connection_serial += 1
        connection.path = path
        connection.opened_ns = lane.now_ns
        connection.next = lane.connections
        lane.connections = connection
        lane.connection_count += 1
        count(lane, N_TCP_ACCEPTED)


cdef void tcp_ready(Lane *lane, Connection *connection, uint32_t events) noexcept nogil:
    if connection.doomed:
        return
    if events & EPOLLOUT:
        tcp_drain(lane, connection)
    if events & EPOLLIN:
        tcp_receive(lane, connection)
    elif events & (EPOLLHUP | EPOLLERR | EPOLLRDHUP):
        doom(lane, connection)


cdef void tcp_receive(Lane *lane, Connection *connection) noexcept nogil:
    """Read once, and take every whole frame. Packets are used in place, so they are forwarded before the buffer moves."""
    cdef int room = TCP_IN - connection.inbound_size
    cdef ssize_t got = recv(connection.fd, connection.inbound + connection.inbound_size, room, MSG_DONTWAIT)
    cdef int at = 0
    cdef int size
    if got <= 0:
        if got == 0 or (errno != EAGAIN and errno != EINTR):
            doom(lane, connection)
        return
    obey_first(lane)
    connection.inbound_size += <int>got
    while connection.inbound_size - at >= 2:
        size = read16(connection.inbound + at)
        if size == 0 or size > DATAGRAM_MAX:
            count(lane, D_TCP_FRAMING)
            doom(lane, connection)
            break
        if connection.inbound_size - at - 2 < size:
            break
        if lane.packet_count >= BATCH:
            finish_batch(lane)
        receive_datagram(lane, &connection.path, connection.inbound + at + 2, size)
        at += 2 + size
    finish_batch(lane)
    connection.inbound_size -= at
    memmove(connection.inbound, connection.inbound + at, connection.inbound_size)


cdef void tcp_want_write(Lane *lane, Connection *connection, bint wanted) noexcept nogil:
    cdef epoll_event event
    if connection.writable_wanted == wanted:
        return
    connection.writable_wanted = wanted
    event.events = EPOLLIN | EPOLLRDHUP | (EPOLLOUT if wanted else 0)
    event.data.ptr = connection
    epoll_ctl(lane.epoll, EPOLL_CTL_MOD, connection.fd, &event)


cdef void tcp_drain(Lane *lane, Connection *connection) noexcept nogil:
    cdef ssize_t sent
    while connection.outbound_size > 0:
        count(lane, N_SEND_CALLS)
        sent = send(connection.fd, connection.outbound + connection.outbound_start, connection.outbound_size,
                    MSG_DONTWAIT | MSG_NOSIGNAL)
        if sent < 0:
            if errno == EINTR:
                continue
            if errno != EAGAIN:
                doom(lane, connection)
            break
        connection.outbound_start += <int>sent
        connection.outbound_size -= <int>sent
    if connection.outbound_size == 0:
        connection.outbound_start = 0
    tcp_want_write(lane, connection, connection.outbound_size > 0)


cdef void tcp_send(Lane *lane, Connection *connection, const uint8_t *data, int size) noexcept nogil:
    """Queue one frame and send what the socket takes; without room the packet is a counted drop."""
    cdef uint8_t *out
    if connection.doomed:
        count(lane, D_TCP_GONE)
        return
    if connection.outbound_size + size + 2 > TCP_OUT:
        count(lane, D_TCP_SLOW)
        return
    if connection.outbound_start + connection.outbound_size + size + 2 > TCP_OUT:
        memmove(connection.outbound, connection.outbound + connection.outbound_start, connection.outbound_size)
        connection.outbound_start = 0
    out = connection.outbound + connection.outbound_start + connection.outbound_size
    write16(out, size)
    memcpy(out + 2, data, size)
    connection.outbound_size += size + 2
    lane.counters[N_PACKETS_OUT] += 1
    lane.counters[N_BYTES_OUT] += size
    if not connection.writable_wanted:
        tcp_drain(lane, connection)


cdef void tcp_send_path(Lane *lane, const Path *path, const uint8_t *data, int size) noexcept nogil:
    cdef Connection *connection = find_connection(lane, path)
    if connection == NULL:
        count(lane, D_TCP_GONE)
        return
    tcp_send(lane, connection, data, size)
