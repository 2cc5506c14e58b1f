"""EBML elements (RFC 8794): an id, a size in 1-8 octets with a length marker, and data."""

import struct
from collections.abc import Iterator

from msgspec import Struct

UNKNOWN_SIZE = b"\x01" + b"\xff" * 7


class EbmlError(ValueError):
    """The bytes are not EBML as it is written here."""


class Element(Struct, frozen=True):
    """`size` is None for an unknown one; `start` is where the data begins."""

    number: int
    start: int
    size: int | None


def vint(value: int, octets: int = 0) -> bytes:
    """Return a size in as few octets as hold it, or in `octets`. All ones are never used: they mean unknown."""
    width = octets or next(width for width in range(1, 9) if value < (1 << 7 * width) - 1)
    return (value | 1 << 7 * width).to_bytes(width, "big")


def element(number: int, data: bytes) -> bytes:
    """Return an element; `number` is the id with its length marker."""
    return number.to_bytes((number.bit_length() + 7) // 8, "big") + vint(len(data)) + data


def uint(number: int, value: int, octets: int = 0) -> bytes:
    return element(number, value.to_bytes(octets or max(1, (value.bit_length() + 7) // 8), "big"))


def real(number: int, value: float) -> bytes:
    return element(number, struct.pack(">d", value))


def text(number: int, value: str) -> bytes:
    return element(number, value.encode())


def read_element(data: bytes | bytearray, position: int) -> Element | None:
    """Return the element that begins at `position`, None when its head is not all there. Raises EbmlError."""
    if position >= len(data):
        return None
    width = 9 - data[position].bit_length()
    if width > 4:
        raise EbmlError("an id is too long")
    at = position + width
    if at >= len(data):
        return None
    number = int.from_bytes(data[position:at], "big")
    octets = 9 - data[at].bit_length()
    if octets > 8:
        raise EbmlError("a size is too long")
    if at + octets > len(data):
        return None
    size = int.from_bytes(data[at : at + octets], "big") & ((1 << 7 * octets) - 1)
    return Element(number, at + octets, None if size == (1 << 7 * octets) - 1 else size)


def children(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield (id, data) of the elements inside a master element. Raises EbmlError."""
    position = 0
    while position < len(data):
        found = read_element(data, position)
        if found is None or found.size is None or found.start + found.size > len(data):
            raise EbmlError("an element is cut off")
        yield found.number, data[found.start : found.start + found.size]
        position = found.start + found.size
