"""Plane: lanes with sockets and threads."""

cdef enum:
    SOCKET_BUFFER = 4194304
    PORT_TRIES = 64


def _bind(host, port):
    """A UDP socket and a TCP listener on the same port number, not blocking. Raises OSError that names the address."""
    family = socket.AF_INET6 if ip_address(host).version == 6 else socket.AF_INET
    for attempt in range(PORT_TRIES):
        udp = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        tcp = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            if family == socket.AF_INET6:
                for each in (udp, tcp):
                    each.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if host == "::" else 1)
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            udp.bind((host, port))
            tcp.bind((host, udp.getsockname()[1]))
            tcp.listen(128)
        except OSError as error:
            udp.close()
            tcp.close()
            if port == 0 and attempt + 1 < PORT_TRIES:
                continue
            raise OSError(error.errno, f"cannot bind media address {host} port {port}: {error.strerror}") from error
        for option, forced in ((socket.SO_RCVBUF, 33), (socket.SO_SNDBUF, 32)):
            try:
                udp.setsockopt(socket.SOL_SOCKET, forced, SOCKET_BUFFER)
            except OSError:
                udp.setsockopt(socket.SOL_SOCKET, option, SOCKET_BUFFER)
        return udp, tcp


@cython.no_gc_clear
cdef class Plane(Tables):
    """Lanes of native threads, each with one UDP socket and one TCP listener on the same port number."""

    cdef int event_descriptor
    cdef list sockets
    cdef bint running

    def __cinit__(
        self, addresses, *, max_peers_per_lane=4096, max_tracks_per_lane=4096, max_senders_per_lane=65536,
        max_tcp_connections_per_lane=1024, keyframe_interval_ms=500, tcp_claim_ms=10000,
    ):
        cdef LaneTables tables
        self.event_descriptor = -1
        self.sockets = []
        self.lanes = []
        if not 0 < len(addresses) <= LANES_MAX:
            raise ValueError(f"a plane has 1 to {LANES_MAX} lanes")
        in_range("max_tcp_connections_per_lane", max_tcp_connections_per_lane, 0, 1 << 20)
        in_range("tcp_claim_ms", tcp_claim_ms, 1, 1 << 30)
        self.event_descriptor = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)
        if self.event_descriptor < 0:
            raise OSError(errno, "no eventfd")
        try:
            for number, (host, port) in enumerate(addresses):
                tables = LaneTables(number, self.event_descriptor, max_peers_per_lane, max_tracks_per_lane,
                                    max_senders_per_lane, keyframe_interval_ms, False)
                self.lanes.append(tables)
                self.sockets.append(_bind(host, port))
                tables.lane.claim_ns = <int64_t>tcp_claim_ms * MS
                tables.lane.connection_limit = max_tcp_connections_per_lane
                open_lane(tables.lane, self.sockets[number][0], self.sockets[number][1])
        except BaseException:
            self.close()
            raise

    def __dealloc__(self):
        self.close()

    cdef int descriptor(self) noexcept:
        return self.event_descriptor

    @property
    def addresses(self):
        """The bound addresses, with real port numbers."""
        return tuple(LaneAddress(*udp.getsockname()[:2]) for udp, _ in self.sockets)

    @property
    def event_fd(self):
        """An eventfd that becomes readable when `poll` has something; -1 once closed."""
        return self.event_descriptor

    def start(self):
        """Start the threads. A second call does nothing. Raises OSError when a thread cannot be made."""
        cdef LaneTables tables
        cdef int failed = 0
        if self.lanes is None:
            raise RuntimeError("the plane is closed")
        if self.running:
            return
        self.running = True
        before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            for tables in self.lanes:
                failed = pthread_create(&tables.lane.thread, NULL, lane_main, tables.lane)
                if failed:
                    tables.lane.thread = 0
                    raise OSError(failed, "cannot start a lane's thread")
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def close(self):
        """Stop the threads, close the sockets, free everything. May be called twice."""
        cdef LaneTables tables
        cdef pthread_t thread
        lanes, self.lanes = self.lanes, None
        for tables in lanes or ():
            conclave_store(&tables.lane.stop, 1)
            if tables.lane.wake >= 0:
                conclave_notify(tables.lane.wake)
            if tables.lane.thread != 0:
                thread = tables.lane.thread
                tables.lane.thread = 0
                with nogil:
                    pthread_join(thread, NULL)
            tables.empty()
            tables.lane.signal = -1
            for descriptor in (tables.lane.epoll, tables.lane.wake):
                if descriptor >= 0:
                    close(descriptor)
            tables.lane.epoll = tables.lane.wake = -1
        for udp, tcp in self.sockets or ():
            udp.close()
            tcp.close()
        if self.event_descriptor >= 0:
            close(self.event_descriptor)
            self.event_descriptor = -1

    def send(self, lane, path, data):
        """Send a STUN or DTLS datagram. Dropped and counted when the socket would block."""
        cdef LaneTables tables = self.lane_at(lane)
        cdef Path checked
        cdef sockaddr_in6 address
        cdef uint32_t size
        cdef bytes payload = bytes(data)
        read_path(path, &checked)
        if not 0 < len(payload) <= DATAGRAM_MAX:
            raise ValueError(f"a datagram has 1 to {DATAGRAM_MAX} bytes")
        if path_is_tcp(&checked):
            send_tcp(tables, &checked, payload)
            return
        size = path_to_address(&checked, tables.lane.family, &address)
        if size == 0 or sendto(tables.lane.udp, <const char *>payload, len(payload), MSG_DONTWAIT | MSG_NOSIGNAL,
                               <sockaddr *>&address, size) < 0:
            count(tables.lane, D_SEND_WOULD_BLOCK if size and errno == EAGAIN else D_SEND_ERROR)
            return
        tables.lane.counters[N_PACKETS_OUT] += 1
        tables.lane.counters[N_BYTES_OUT] += len(payload)

    def close_path(self, lane, path):
        """Close a TCP connection (UDP: nothing)."""
        cdef LaneTables tables = self.lane_at(lane)
        cdef Path checked
        read_path(path, &checked)
        if path_is_tcp(&checked):
            tables.push(OP_CLOSE_PATH, NULL, NULL, 0, 0, &checked)


cdef int send_tcp(LaneTables tables, const Path *path, bytes data) except -1:
    cdef void *copy = malloc(len(data))
    if copy == NULL:
        raise MemoryError
    memcpy(copy, <const char *>data, len(data))
    return tables.push(OP_SEND_TCP, NULL, copy, len(data), 0, path)


cdef int watch(Lane *lane, int descriptor, void *source) except -1:
    cdef epoll_event event
    event.events = EPOLLIN
    event.data.ptr = source
    if epoll_ctl(lane.epoll, EPOLL_CTL_ADD, descriptor, &event) != 0:
        raise OSError(errno, "cannot watch a socket")
    return 0


cdef int open_lane(Lane *lane, object udp, object tcp) except -1:
    """Give a lane its descriptors. Raises OSError."""
    cdef int zero = 0
    lane.epoll = epoll_create1(EPOLL_CLOEXEC)
    lane.wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)
    if lane.epoll < 0 or lane.wake < 0:
        raise OSError(errno, "no descriptor for a lane")
    lane.udp = udp.fileno()
    lane.listener = tcp.fileno()
    lane.family = udp.family
    lane.gso = setsockopt(lane.udp, 17, 103, &zero, sizeof(zero)) == 0
    watch(lane, lane.udp, &lane.udp)
    watch(lane, lane.wake, &lane.wake)
    watch(lane, lane.listener, &lane.listener)
    return 0
