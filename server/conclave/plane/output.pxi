"""Outgoing datagrams: an arena in which packets for one destination lie side by side, and the only sends of media.

`reserve` gives room for one packet, `commit` appends it; packets of equal size for one peer become one message with
UDP_SEGMENT (GSO), of which the last may be shorter. `flush` sends up to 64 messages with one sendmmsg.
Nothing blocks: what the socket does not take is a counted drop.
"""


cdef inline uint8_t *reserve(Lane *lane) noexcept nogil:
    """Room for PACKET_ROOM octets at the end of the arena; flushes first when it or the messages are full."""
    if lane.arena_used + PACKET_ROOM > ARENA_SIZE or lane.message_count >= BATCH - 1:
        flush(lane)
    return lane.arena + lane.arena_used


cdef void commit(Lane *lane, Peer *peer, int size) noexcept nogil:
    """Append the `size` octets written at `reserve`'s pointer to what goes to `peer`."""
    cdef Message *message
    peer.packets_out += 1
    peer.bytes_out += size
    if lane.message_count > 0:
        message = &lane.messages[lane.message_count - 1]
        if (message.peer == peer and not message.closed and lane.gso and size <= message.segment
                and message.count < GSO_SEGMENTS and message.size + size <= GSO_BYTES):
            message.size += size
            message.count += 1
            message.closed = size < message.segment
            lane.arena_used += size
            return
    message = &lane.messages[lane.message_count]
    lane.message_count += 1
    message.peer = peer
    message.offset = lane.arena_used
    message.size = size
    message.segment = size
    message.count = 1
    message.closed = 0
    lane.arena_used += size


cdef void capture(Lane *lane, const Path *path, const uint8_t *data, int size) noexcept nogil:
    """Keep a datagram for LaneCore instead of sending it."""
    cdef Captured *captured = <Captured *>malloc(sizeof(Captured) + size)
    if captured == NULL:
        return
    captured.path = path[0]
    captured.size = size
    captured.next = NULL
    memcpy(<uint8_t *>captured + sizeof(Captured), data, size)
    if lane.captured_last == NULL:
        lane.captured_first = captured
    else:
        lane.captured_last.next = captured
    lane.captured_last = captured


cdef void flush(Lane *lane) noexcept nogil:
    """Send everything in the arena and empty it."""
    cdef int at
    cdef int datagrams = 0
    cdef uint32_t offset
    cdef uint32_t size
    cdef Message *message
    for at in range(lane.message_count):
        message = &lane.messages[at]
        if message.peer.connection == NULL and not lane.capturing:
            lane.messages[datagrams] = message[0]
            datagrams += 1
            continue
        offset = 0
        while offset < message.size:
            size = message.segment if message.size - offset > message.segment else message.size - offset
            if lane.capturing:
                capture(lane, &message.peer.nominated, lane.arena + message.offset + offset, size)
                lane.counters[N_PACKETS_OUT] += 1
                lane.counters[N_BYTES_OUT] += size
            else:
                tcp_send(lane, message.peer.connection, lane.arena + message.offset + offset, size)
            offset += size
    if datagrams > 0:
        send_messages(lane, datagrams)
    lane.message_count = 0
    lane.arena_used = 0


cdef void send_messages(Lane *lane, int total) noexcept nogil:
    cdef int at
    cdef int done = 0
    cdef int sent
    cdef int error
    cdef Message *message
    cdef msghdr *header
    for at in range(total):
        message = &lane.messages[at]
        header = &lane.out_headers[at].msg_hdr
        lane.out_vectors[at].iov_base = lane.arena + message.offset
        lane.out_vectors[at].iov_len = message.size
        header.msg_name = &message.peer.address
        header.msg_namelen = message.peer.address_size
        header.msg_iov = &lane.out_vectors[at]
        header.msg_iovlen = 1
        if message.count > 1:
            conclave_set_segment(&lane.out_controls[at], header, message.segment)
        else:
            header.msg_control = NULL
            header.msg_controllen = 0
    while done < total:
        count(lane, N_SEND_CALLS)
        sent = sendmmsg(lane.udp, &lane.out_headers[done], total - done, MSG_DONTWAIT | MSG_NOSIGNAL)
        if sent > 0:
            for at in range(done, done + sent):
                message = &lane.messages[at]
                lane.counters[N_PACKETS_OUT] += message.count
                lane.counters[N_BYTES_OUT] += message.size
                if message.count > 1:
                    count(lane, N_GSO_SENDS)
            done += sent
            continue
        error = errno
        if error == EINTR:
            continue
        message = &lane.messages[done]
        if message.count > 1 and (error == EIO or error == EINVAL or error == EOPNOTSUPP or error == EMSGSIZE):
            count(lane, N_GSO_REFUSED)
            if error != EMSGSIZE:
                lane.gso = 0
            send_segments(lane, message)
        elif error == EAGAIN or error == EWOULDBLOCK or error == ENOBUFS:
            lane.counters[D_SEND_WOULD_BLOCK] += message.count
            message.peer.send_drops += message.count
        else:
            lane.counters[D_SEND_ERROR] += message.count
            message.peer.send_drops += message.count
        done += 1


cdef void send_segments(Lane *lane, Message *message) noexcept nogil:
    """Send a group as single datagrams, where the kernel or the device refuses UDP_SEGMENT."""
    cdef mmsghdr headers[64]
    cdef iovec vectors[64]
    cdef int at = 0
    cdef int sent
    cdef int total = message.count
    cdef uint32_t offset = 0
    memset(headers, 0, sizeof(headers))
    for at in range(total):
        vectors[at].iov_base = lane.arena + message.offset + offset
        vectors[at].iov_len = message.segment if message.size - offset > message.segment else message.size - offset
        offset += <uint32_t>vectors[at].iov_len
        headers[at].msg_hdr.msg_name = &message.peer.address
        headers[at].msg_hdr.msg_namelen = message.peer.address_size
        headers[at].msg_hdr.msg_iov = &vectors[at]
        headers[at].msg_hdr.msg_iovlen = 1
    at = 0
    while at < total:
        count(lane, N_SEND_CALLS)
        sent = sendmmsg(lane.udp, &headers[at], total - at, MSG_DONTWAIT | MSG_NOSIGNAL)
        if sent > 0:
            lane.counters[N_PACKETS_OUT] += sent
            at += sent
        elif errno != EINTR:
            count(lane, D_SEND_WOULD_BLOCK if errno == EAGAIN or errno == ENOBUFS else D_SEND_ERROR)
            message.peer.send_drops += 1
            at += 1
    lane.counters[N_BYTES_OUT] += message.size
