"""STUN binding messages as ICE uses them (RFC 8489, RFC 8445 section 7).

Header, 20 bytes, network order: 16 bits type (two zero bits, then method and class interleaved), 16 bits length of what
follows the header (a multiple of 4), 32 bits magic cookie 0x2112A442, 96 bits transaction id. Then attributes: 16 bits
type, 16 bits length, value, padded to 4 bytes. MESSAGE-INTEGRITY is HMAC-SHA1 under the short-term password over all
that precedes it, with the length counting up to its own end; FINGERPRINT is CRC-32 xor 0x5354554E and comes last.
"""

import hmac
from enum import IntEnum
from ipaddress import ip_address
from struct import Struct as Layout
from struct import pack
from zlib import crc32

from msgspec import Struct

from conclave.model.errors import ConclaveError

MAGIC_COOKIE = 0x2112A442
MAGIC_BYTES = MAGIC_COOKIE.to_bytes(4, "big")
FINGERPRINT_XOR = 0x5354554E
HEADER_BYTES = 20
TRANSACTION_ID_BYTES = 12
MAX_MESSAGE_BYTES = 2048
MAX_USERNAME_BYTES = 508
MAX_REASON_BYTES = 763
INTEGRITY_BYTES = 20
METHOD_BINDING = 0x001
SUCCESS_BYTES = b"\x01\x01"
_HEADER = Layout("!HHI12s")
_ATTRIBUTE = Layout("!HH")


class StunError(ConclaveError):
    """Not a STUN message that we may act on. `reason` is one word for a counter."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class StunClass(IntEnum):
    """The class bits of a message type."""

    REQUEST = 0b00
    INDICATION = 0b01
    SUCCESS = 0b10
    ERROR = 0b11


class AttributeType(IntEnum):
    """Attributes that we read or write (RFC 8489 section 18.3, RFC 8445 section 16.1)."""

    MAPPED_ADDRESS = 0x0001
    USERNAME = 0x0006
    MESSAGE_INTEGRITY = 0x0008
    ERROR_CODE = 0x0009
    UNKNOWN_ATTRIBUTES = 0x000A
    REALM = 0x0014
    NONCE = 0x0015
    MESSAGE_INTEGRITY_SHA256 = 0x001C
    PASSWORD_ALGORITHM = 0x001D
    USERHASH = 0x001E
    XOR_MAPPED_ADDRESS = 0x0020
    PRIORITY = 0x0024
    USE_CANDIDATE = 0x0025
    SOFTWARE = 0x8022
    FINGERPRINT = 0x8028
    ICE_CONTROLLED = 0x8029
    ICE_CONTROLLING = 0x802A


_T = AttributeType
_COMPREHENDED = frozenset(int(attribute) for attribute in AttributeType)
_EXACT_BYTES = {
    _T.PRIORITY: 4,
    _T.USE_CANDIDATE: 0,
    _T.ICE_CONTROLLED: 8,
    _T.ICE_CONTROLLING: 8,
    _T.MESSAGE_INTEGRITY: INTEGRITY_BYTES,
    _T.FINGERPRINT: 4,
}

Attribute = tuple[int, bytes]


class TransportAddress(Struct, frozen=True):
    """`address` is packed: 4 bytes for IPv4, 16 for IPv6."""

    address: bytes
    port: int

    def __str__(self) -> str:
        return f"{ip_address(self.address)}:{self.port}"


class StunMessage(Struct, frozen=True):
    """A parsed message. `attributes` are in wire order, up to MESSAGE-INTEGRITY (what follows it is not covered by it).

    `authenticated` is what MESSAGE-INTEGRITY covers, its length field already adjusted, `integrity` the tag; both
    empty without one.
    """

    stun_class: StunClass
    transaction_id: bytes
    attributes: tuple[Attribute, ...]
    authenticated: bytes = b""
    integrity: bytes = b""
    has_fingerprint: bool = False

    def get(self, attribute: int) -> bytes | None:
        """Return the value of the first attribute of that type (RFC 8489 section 14: later ones are ignored)."""
        return next((value for kind, value in self.attributes if kind == attribute), None)

    def has(self, attribute: int) -> bool:
        return self.get(attribute) is not None

    @property
    def unknown_required(self) -> tuple[int, ...]:
        """Types of comprehension-required attributes (below 0x8000) that we do not know, each once."""
        return tuple(dict.fromkeys(kind for kind, _ in self.attributes if kind < 0x8000 and kind not in _COMPREHENDED))

    @property
    def xor_mapped_address(self) -> TransportAddress | None:
        value = self.get(_T.XOR_MAPPED_ADDRESS)
        return None if value is None else _unxor_address(value, self.transaction_id)

    @property
    def error_code(self) -> int | None:
        value = self.get(_T.ERROR_CODE)
        return None if value is None else value[2] * 100 + value[3]


def parse(data: bytes) -> StunMessage:
    """Parse one datagram. Raises StunError on anything that is not a well-formed binding message, on a known attribute
    of the wrong length and on a wrong FINGERPRINT; MESSAGE-INTEGRITY is checked by `verify_integrity`."""
    if not HEADER_BYTES <= len(data) <= MAX_MESSAGE_BYTES:
        raise StunError("length")
    message_type, length, cookie, transaction_id = _HEADER.unpack_from(data)
    if message_type & 0xC000 or cookie != MAGIC_COOKIE:
        raise StunError("header")
    if length % 4 or length != len(data) - HEADER_BYTES:
        raise StunError("length")
    if (message_type & 0xF) | (message_type & 0xE0) >> 1 | (message_type & 0x3E00) >> 2 != METHOD_BINDING:
        raise StunError("method")
    stun_class = StunClass((message_type >> 4 & 1) | (message_type >> 7 & 2))
    attributes: list[Attribute] = []
    authenticated = integrity = b""
    offset = HEADER_BYTES
    while offset < len(data):
        kind, value = _attribute_at(data, offset)
        if kind == _T.FINGERPRINT:
            _check_fingerprint(data, offset, value)
            return StunMessage(stun_class, transaction_id, tuple(attributes), authenticated, integrity, has_fingerprint=True)
        if not integrity:
            if kind == _T.MESSAGE_INTEGRITY:
                authenticated, integrity = _covered_by_integrity(data, offset), value
            else:
                attributes.append((kind, value))
        offset += 4 + len(value) + -len(value) % 4
    return StunMessage(stun_class, transaction_id, tuple(attributes), authenticated, integrity)


def verify_integrity(message: StunMessage, password: bytes) -> None:
    """Raise StunError unless the message carries the MESSAGE-INTEGRITY that `password` gives (constant time)."""
    if not message.integrity:
        raise StunError("no_integrity")
    if not hmac.compare_digest(hmac.digest(password, message.authenticated, "sha1"), message.integrity):
        raise StunError("integrity")


def serialise(
    stun_class: StunClass,
    transaction_id: bytes,
    attributes: tuple[Attribute, ...] = (),
    *,
    password: bytes | None = None,
    fingerprint: bool = True,
) -> bytes:
    """Return the wire form of a binding message, with MESSAGE-INTEGRITY when `password` is given."""
    body = b"".join(_pack_attribute(kind, value) for kind, value in attributes)
    message_type = METHOD_BINDING | (stun_class & 1) << 4 | (stun_class & 2) << 7
    if password is not None:
        covered = _HEADER.pack(message_type, len(body) + 4 + INTEGRITY_BYTES, MAGIC_COOKIE, transaction_id) + body
        body += _pack_attribute(_T.MESSAGE_INTEGRITY, hmac.digest(password, covered, "sha1"))
    if not fingerprint:
        return _HEADER.pack(message_type, len(body), MAGIC_COOKIE, transaction_id) + body
    message = _HEADER.pack(message_type, len(body) + 8, MAGIC_COOKIE, transaction_id) + body
    return message + _pack_attribute(_T.FINGERPRINT, pack("!I", crc32(message) ^ FINGERPRINT_XOR))


def peek_username(data: bytes) -> bytes | None:
    """Return USERNAME of what looks like a binding request, or None. It checks no more than it needs in order to
    find out cheaply whether a datagram concerns any transport at all."""
    if not HEADER_BYTES < len(data) <= MAX_MESSAGE_BYTES or data[:2] != b"\x00\x01" or data[4:8] != MAGIC_BYTES:
        return None
    offset = HEADER_BYTES
    while offset + 4 <= len(data):
        kind, length = _ATTRIBUTE.unpack_from(data, offset)
        if kind == _T.USERNAME:
            return data[offset + 4 : offset + 4 + length]
        offset += 4 + length + -length % 4
    return None


def xor_mapped_address(address: TransportAddress, transaction_id: bytes) -> Attribute:
    """Return the XOR-MAPPED-ADDRESS attribute that tells a client its reflexive `address`."""
    family = 1 if len(address.address) == 4 else 2
    mask = (MAGIC_BYTES + transaction_id)[: len(address.address)]
    xored = bytes(a ^ b for a, b in zip(address.address, mask, strict=True))
    return _T.XOR_MAPPED_ADDRESS, pack("!BBH", 0, family, address.port ^ MAGIC_COOKIE >> 16) + xored


def error_code(code: int, reason: str) -> Attribute:
    """Return the ERROR-CODE attribute (300 to 699) with its reason phrase."""
    return _T.ERROR_CODE, pack("!HBB", 0, code // 100, code % 100) + reason.encode()


def unknown_attributes(kinds: tuple[int, ...]) -> Attribute:
    return _T.UNKNOWN_ATTRIBUTES, b"".join(pack("!H", kind) for kind in kinds)


def _attribute_at(data: bytes, offset: int) -> Attribute:
    if offset + 4 > len(data):
        raise StunError("attribute_length")
    kind, length = _ATTRIBUTE.unpack_from(data, offset)
    value = data[offset + 4 : offset + 4 + length]
    if len(value) != length or offset + 4 + length + -length % 4 > len(data):
        raise StunError("attribute_length")
    if kind in _COMPREHENDED:
        _check_value(kind, value)
    return kind, value


def _check_value(kind: int, value: bytes) -> None:
    """Hold a known attribute to its length and form; raises StunError."""
    exact = _EXACT_BYTES.get(_T(kind))
    well_formed = exact is None or len(value) == exact
    if kind == _T.USERNAME:
        well_formed = 0 < len(value) <= MAX_USERNAME_BYTES
    elif kind in (_T.XOR_MAPPED_ADDRESS, _T.MAPPED_ADDRESS):
        well_formed = len(value) >= 4 and len(value) == {1: 8, 2: 20}.get(value[1])
    elif kind == _T.ERROR_CODE:
        well_formed = 4 <= len(value) <= 4 + MAX_REASON_BYTES and 3 <= value[2] & 7 <= 6 and value[3] <= 99
    elif kind == _T.UNKNOWN_ATTRIBUTES:
        well_formed = len(value) % 2 == 0
    if not well_formed:
        raise StunError("attribute_value")


def _check_fingerprint(data: bytes, offset: int, value: bytes) -> None:
    if offset + 8 != len(data) or int.from_bytes(value, "big") != crc32(data[:offset]) ^ FINGERPRINT_XOR:
        raise StunError("fingerprint")


def _covered_by_integrity(data: bytes, offset: int) -> bytes:
    return data[:2] + pack("!H", offset + 4 + INTEGRITY_BYTES - HEADER_BYTES) + data[4:offset]


def _pack_attribute(kind: int, value: bytes) -> bytes:
    return _ATTRIBUTE.pack(kind, len(value)) + value + bytes(-len(value) % 4)


def _unxor_address(value: bytes, transaction_id: bytes) -> TransportAddress:
    port = int.from_bytes(value[2:4], "big") ^ MAGIC_COOKIE >> 16
    mask = (MAGIC_BYTES + transaction_id)[: len(value) - 4]
    return TransportAddress(bytes(a ^ b for a, b in zip(value[4:], mask, strict=True)), port)
