"""Bits of codec headers, most significant first, with the variable-length numbers of H.264, VP9 and AV1."""


class OutOfBits(ValueError):
    """The header is shorter than what it announces."""


class BitReader:
    """Reads `data` from its first bit. Raises OutOfBits beyond its end."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "big")
        self._left = 8 * len(data)

    def read(self, bits: int) -> int:
        if bits > self._left:
            raise OutOfBits("a codec header is cut off")
        self._left -= bits
        return (self._value >> self._left) & ((1 << bits) - 1)

    def flag(self) -> bool:
        return self.read(1) == 1

    def exp_golomb(self) -> int:
        """ue(v) of H.264, section 9.1."""
        zeros = 0
        while not self.flag():
            zeros += 1
            if zeros > 32:
                raise OutOfBits("a number is too long")
        return (1 << zeros) - 1 + self.read(zeros)

    def signed_exp_golomb(self) -> int:
        """se(v) of H.264, section 9.1.1."""
        number = self.exp_golomb()
        return (number + 1) // 2 if number & 1 else -(number // 2)

    def uvlc(self) -> int:
        """uvlc() of AV1, section 4.10.3."""
        return self.exp_golomb()


def read_leb128(data: bytes, position: int) -> tuple[int, int]:
    """Return (number, position after it): at most 8 octets, 7 bits each, least significant first (AV1, section 4.10.5)."""
    value = 0
    for at in range(8):
        if position + at >= len(data):
            break
        octet = data[position + at]
        value |= (octet & 0x7F) << (7 * at)
        if octet < 0x80:
            return value, position + at + 1
    raise OutOfBits("a length is cut off or too long")


def write_leb128(number: int) -> bytes:
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)
