"""Writing an outgoing packet: the fixed header with the sender's names, a rebuilt extension block, the payload."""


cdef int write_extensions(uint8_t *out, const Sender *sender, const Packet *packet) noexcept nogil:
    """Write the RFC 8285 block with mapped ids and the sender's own mid; return its octets, 0 when nothing is left.

    An element without a mapping is removed. The block never outgrows the inbound one by more than 64 octets (one-byte headers
    that become two-byte ones), the mid and padding.
    """
    cdef uint16_t inbound = packet.extension_profile
    cdef bint two_byte = sender.order.two_byte or (packet.extension_offset != 0 and (inbound & 0xFFF0) == 0x1000)
    cdef const uint8_t *block = packet.data + packet.extension_offset
    cdef int limit = 4 + packet.extension_size + (packet.extension_size // 2 if packet.extension_size < 128 else 64)
    cdef int out_at = 4
    cdef int position = 0
    cdef int identifier = 0
    cdef int start = 0
    cdef int length = 0
    cdef int mapped
    while packet.extension_offset != 0:
        position = extension_next(block, packet.extension_size, inbound, position, &identifier, &start, &length)
        if position < 0:
            break
        mapped = sender.order.extensions[identifier]
        if mapped == 0 or identifier == 0 or out_at + length + 1 + two_byte > limit:
            continue
        out_at = write_element(out, out_at, two_byte, mapped, block + start, length)
    if sender.mid_ext_id:
        out_at = write_element(out, out_at, two_byte, sender.mid_ext_id, <const uint8_t *>sender.mid, sender.mid_size)
    if out_at == 4:
        return 0
    while out_at & 3:
        out[out_at] = 0
        out_at += 1
    write16(out, 0x1000 if two_byte else 0xBEDE)
    write16(out + 2, (out_at - 4) // 4)
    return out_at


cdef inline int write_element(uint8_t *out, int at, bint two_byte, int identifier, const uint8_t *data, int size) noexcept nogil:
    if two_byte:
        out[at] = <uint8_t>identifier
        out[at + 1] = <uint8_t>size
        at += 2
    else:
        out[at] = <uint8_t>((identifier << 4) | (size - 1))
        at += 1
    memcpy(out + at, data, size)
    return at + size


cdef inline int write_packet(
    uint8_t *out, const Sender *sender, const Packet *packet, int payload_type, uint32_t ssrc, uint16_t seq, bint rtx,
) noexcept nogil:
    """Write `packet` as the sender's, without CSRCs; `rtx` wraps it as RFC 4588 has it. Returns the octets written."""
    cdef int size
    cdef int payload = packet.size - packet.payload_offset
    cdef int extensions = write_extensions(out + 12, sender, packet)
    cdef int at
    out[0] = 0x80 | (0x10 if extensions else 0) | (0x20 if packet.padded else 0)
    out[1] = <uint8_t>((packet.marker << 7) | payload_type)
    write16(out + 2, seq)
    write32(out + 4, packet.timestamp + sender.timestamp_offset)
    write32(out + 8, ssrc)
    size = 12 + extensions
    if rtx:
        write16(out + size, <uint32_t>((packet.index + sender.offset) & 0xFFFF))
        size += 2
    memcpy(out + size, packet.data + packet.payload_offset, payload)
    size += payload
    if packet.pad and not rtx and not packet.padded:
        out[0] |= 0x20
        for at in range(packet.pad):
            out[size + at] = 0
        size += packet.pad
        out[size - 1] = packet.pad
    return size
