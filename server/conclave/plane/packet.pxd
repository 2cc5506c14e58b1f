"""Inline readers and writers of RTP (RFC 3550), its header extensions (RFC 8285), keyframe marks of the codecs, and STUN's frame.

Every function takes the number of octets that exist and reads none beyond. Nothing here allocates.
"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memset
from conclave.plane.layout cimport CODEC_AV1, CODEC_H264, CODEC_VP8, CODEC_VP9, Packet


cdef inline uint16_t read16(const uint8_t *data) noexcept nogil:
    return <uint16_t>((data[0] << 8) | data[1])


cdef inline uint32_t read32(const uint8_t *data) noexcept nogil:
    return (<uint32_t>data[0] << 24) | (<uint32_t>data[1] << 16) | (<uint32_t>data[2] << 8) | data[3]


cdef inline void write16(uint8_t *data, uint32_t value) noexcept nogil:
    data[0] = <uint8_t>(value >> 8)
    data[1] = <uint8_t>value


cdef inline void write32(uint8_t *data, uint32_t value) noexcept nogil:
    data[0] = <uint8_t>(value >> 24)
    data[1] = <uint8_t>(value >> 16)
    data[2] = <uint8_t>(value >> 8)
    data[3] = <uint8_t>value


cdef inline bint stun_framed(const uint8_t *data, int size) noexcept nogil:
    """Whether the datagram has the frame of RFC 8489 section 5: length field, magic cookie, two leading zero bits."""
    return size >= 20 and (data[0] & 0xC0) == 0 and read32(data + 4) == 0x2112A442 \
        and read16(data + 2) == size - 20 and (size & 3) == 0


cdef inline int rtp_header_size(const uint8_t *data, int size) noexcept nogil:
    """Length of the fixed header, CSRC list and extension, or -1 when they do not fit into `size` octets."""
    cdef int offset
    if size < 12 or (data[0] & 0xC0) != 0x80:
        return -1
    offset = 12 + 4 * (data[0] & 0x0F)
    if data[0] & 0x10:
        if offset + 4 > size:
            return -1
        offset += 4 + 4 * read16(data + offset + 2)
    return offset if offset <= size else -1


cdef inline bint rtp_parse(uint8_t *data, int size, Packet *packet) noexcept nogil:
    """Fill `packet` from a decrypted RTP packet. False when a length in it does not hold."""
    cdef int offset
    cdef int padding
    memset(packet, 0, sizeof(Packet))
    packet.payload_offset = rtp_header_size(data, size)
    if packet.payload_offset < 0:
        return False
    packet.data = data
    packet.size = size
    packet.marker = data[1] >> 7
    packet.payload_type = data[1] & 0x7F
    packet.seq = read16(data + 2)
    packet.timestamp = read32(data + 4)
    if data[0] & 0x10:
        offset = 12 + 4 * (data[0] & 0x0F)
        packet.extension_profile = read16(data + offset)
        packet.extension_offset = offset + 4
        packet.extension_size = packet.payload_offset - offset - 4
    if data[0] & 0x20:
        packet.padded = 1
        if packet.payload_offset == size:
            return False
        padding = data[size - 1]
        if padding == 0 or padding > size - packet.payload_offset:
            return False
    return True


cdef inline int payload_size(const Packet *packet) noexcept nogil:
    """Octets of payload without padding."""
    cdef int size = packet.size - packet.payload_offset
    return size - packet.data[packet.size - 1] if packet.padded else size


cdef inline int extension_next(
    const uint8_t *block, int size, uint16_t profile, int position, int *identifier, int *start, int *length
) noexcept nogil:
    """Step over one RFC 8285 element from `position`; return where the next begins, or -1 at the end or when one overruns."""
    if profile == 0xBEDE:
        while position < size and block[position] == 0:
            position += 1
        if position >= size:
            return -1
        identifier[0] = block[position] >> 4
        length[0] = (block[position] & 0x0F) + 1
        start[0] = position + 1
        if identifier[0] == 15:
            return -1
    elif (profile & 0xFFF0) == 0x1000:
        while position < size and block[position] == 0:
            position += 1
        if position + 2 > size:
            return -1
        identifier[0] = block[position]
        length[0] = block[position + 1]
        start[0] = position + 2
    else:
        return -1
    return start[0] + length[0] if start[0] + length[0] <= size else -1


cdef inline const uint8_t *extension_find(const Packet *packet, int wanted, int *length) noexcept nogil:
    """The element with id `wanted`, or NULL."""
    cdef int position = 0
    cdef int identifier = 0
    cdef int start = 0
    cdef const uint8_t *block = packet.data + packet.extension_offset
    if wanted == 0 or packet.extension_offset == 0:
        return NULL
    while True:
        position = extension_next(
            block, packet.extension_size, packet.extension_profile, position, &identifier, &start, length)
        if position < 0:
            return NULL
        if identifier == wanted:
            return block + start


cdef inline bint vp8_keyframe(const uint8_t *data, int size) noexcept nogil:
    """RFC 7741: start of partition 0 and the frame header's P bit clear."""
    cdef int offset = 1
    if size < 1 or (data[0] & 0x10) == 0 or (data[0] & 0x07) != 0:
        return False
    if data[0] & 0x80:
        if size < 2:
            return False
        offset = 2
        if data[1] & 0x80:
            if size < 3:
                return False
            offset += 2 if data[2] & 0x80 else 1
        if data[1] & 0x40:
            offset += 1
        if data[1] & 0x30:
            offset += 1
    return offset < size and (data[offset] & 0x01) == 0


cdef inline bint vp9_keyframe(const uint8_t *data, int size) noexcept nogil:
    """RFC 9628: begins a frame (B), not inter-picture predicted (P clear), spatial layer 0."""
    cdef int offset = 1
    if size < 2 or (data[0] & 0x40) != 0 or (data[0] & 0x08) == 0:
        return False
    if data[0] & 0x80:
        offset += 2 if data[1] & 0x80 else 1
    if data[0] & 0x20:
        return offset < size and (data[offset] & 0x0E) == 0
    return True


cdef inline bint h264_keyframe(const uint8_t *data, int size) noexcept nogil:
    """RFC 6184: IDR or SPS as a single NAL unit, first in a STAP-A, or the first fragment of an FU-A."""
    cdef int kind
    cdef int offset = 1
    if size < 2:
        return False
    kind = data[0] & 0x1F
    if kind == 28:
        return (data[1] & 0x80) != 0 and ((data[1] & 0x1F) == 5 or (data[1] & 0x1F) == 7)
    if kind == 24:
        while offset + 3 <= size:
            kind = data[offset + 2] & 0x1F
            if kind == 5 or kind == 7:
                return True
            offset += 2 + read16(data + offset)
        return False
    return kind == 5 or kind == 7


cdef inline bint h264_parameters(const uint8_t *data, int size) noexcept nogil:
    """A sequence parameter set, as a single NAL unit or in a STAP-A."""
    cdef int offset = 1
    if size < 1 or (data[0] & 0x1F) != 24:
        return size >= 1 and (data[0] & 0x1F) == 7
    while offset + 3 <= size:
        if (data[offset + 2] & 0x1F) == 7:
            return True
        offset += 2 + read16(data + offset)
    return False


cdef inline bint av1_keyframe(const uint8_t *data, int size) noexcept nogil:
    """AV1 RTP specification 4.4: first packet of a coded video sequence (N), not a continuation (Z)."""
    return size >= 1 and (data[0] & 0x08) != 0 and (data[0] & 0x80) == 0


cdef inline bint keyframe_begins(int codec, const uint8_t *data, int size) noexcept nogil:
    """Whether a decoder of `codec` can start with this payload."""
    if codec == CODEC_VP8:
        return vp8_keyframe(data, size)
    if codec == CODEC_VP9:
        return vp9_keyframe(data, size)
    if codec == CODEC_H264:
        return h264_keyframe(data, size)
    if codec == CODEC_AV1:
        return av1_keyframe(data, size)
    return False
