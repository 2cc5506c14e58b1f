"""Paths and socket addresses. The 32 bytes are described in plane.pyi."""


cdef inline bint path_is_tcp(const Path *path) noexcept nogil:
    return (<const uint8_t *>path)[0] == 1


cdef void path_from_address(Path *path, const sockaddr_in6 *address, uint64_t connection) noexcept nogil:
    """The path of a datagram's source; an IPv4-mapped IPv6 address is an IPv4 path."""
    cdef uint8_t *out = <uint8_t *>path
    cdef const sockaddr_in *four = <const sockaddr_in *>address
    cdef const uint8_t *bytes = <const uint8_t *>&address.sin6_addr
    memset(path, 0, sizeof(Path))
    out[0] = 1 if connection else 0
    if address.sin6_family == AF_INET:
        out[1] = 4
        memcpy(out + 2, &four.sin_port, 2)
        memcpy(out + 4, &four.sin_addr, 4)
    else:
        memcpy(out + 2, &address.sin6_port, 2)
        if memcmp(bytes, b"\0\0\0\0\0\0\0\0\0\0\xff\xff", 12) == 0:
            out[1] = 4
            memcpy(out + 4, bytes + 12, 4)
        else:
            out[1] = 6
            memcpy(out + 4, bytes, 16)
    memcpy(out + 20, &connection, 8)


cdef uint32_t path_to_address(const Path *path, int family, sockaddr_in6 *address) noexcept nogil:
    """Write the path's address for a socket of `family`; return its size, 0 when the socket cannot reach it."""
    cdef const uint8_t *data = <const uint8_t *>path
    cdef sockaddr_in *four = <sockaddr_in *>address
    memset(address, 0, sizeof(sockaddr_in6))
    if data[1] == 4 and family == AF_INET:
        four.sin_family = AF_INET
        memcpy(&four.sin_port, data + 2, 2)
        memcpy(&four.sin_addr, data + 4, 4)
        return sizeof(sockaddr_in)
    if family != AF_INET6:
        return 0
    address.sin6_family = AF_INET6
    memcpy(&address.sin6_port, data + 2, 2)
    if data[1] == 4:
        memcpy(address.sin6_addr.s6_addr, b"\0\0\0\0\0\0\0\0\0\0\xff\xff", 12)
        memcpy(address.sin6_addr.s6_addr + 12, data + 4, 4)
    else:
        memcpy(address.sin6_addr.s6_addr, data + 4, 16)
    return sizeof(sockaddr_in6)


cdef int read_path(object path, Path *out) except -1:
    """Copy and check 32 bytes from Python. Raises ValueError."""
    cdef bytes data
    if not isinstance(path, bytes) or len(path) != PATH_SIZE:
        raise ValueError("a path is 32 bytes")
    data = path
    if data[0] > 1 or data[1] not in (4, 6):
        raise ValueError("a path of no known transport or address family")
    memcpy(out, <const char *>data, PATH_SIZE)
    return 0


cdef bytes path_bytes(const Path *path):
    return (<const char *>path)[:PATH_SIZE]


def describe_path(path):
    """Return ("udp" | "tcp", host, port). Raises ValueError when it is not 32 bytes or names no known family."""
    cdef Path checked
    read_path(path, &checked)
    host = ip_address(path[4:8] if path[1] == 4 else path[4:20])
    return "tcp" if path[0] else "udp", str(host), int.from_bytes(path[2:4], "big")


def make_path(transport, host, port, connection=0):
    """The inverse of describe_path, for tests and load generators. Raises ValueError on bad input."""
    if transport not in ("udp", "tcp"):
        raise ValueError(f"no transport {transport!r}")
    if not 0 <= port <= 0xFFFF or not 0 <= connection < 1 << 64:
        raise ValueError("port or connection out of range")
    address = ip_address(host)
    head = bytes((transport == "tcp", address.version)) + port.to_bytes(2, "big") + address.packed
    return head.ljust(20, b"\0") + connection.to_bytes(8, sys.byteorder) + bytes(4)
