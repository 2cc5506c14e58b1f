"""STUN binding requests of a controlling ICE agent (RFC 8489, RFC 8445)."""

import hashlib
import hmac
import struct
import zlib
from typing import NamedTuple

MAGIC_COOKIE = 0x2112A442
BINDING_REQUEST = 0x0001
BINDING_SUCCESS = 0x0101
BINDING_ERROR = 0x0111

_USERNAME = 0x0006
_MESSAGE_INTEGRITY = 0x0008
_ERROR_CODE = 0x0009
_PRIORITY = 0x0024
_USE_CANDIDATE = 0x0025
_FINGERPRINT = 0x8028
_ICE_CONTROLLING = 0x802A
_FINGERPRINT_XOR = 0x5354554E
_HEADER = struct.Struct("!HHI12s")


class StunReply(NamedTuple):
    """A verified answer. `error_code` is 0 for a success response."""

    transaction_id: bytes
    error_code: int


class StunError(ValueError):
    """The datagram is no STUN message, or its integrity or fingerprint does not hold."""


def is_stun(datagram: bytes) -> bool:
    """Tell STUN from DTLS, RTP and RTCP by the first byte (RFC 7983)."""
    return len(datagram) >= 20 and datagram[0] < 4


def binding_request(
    transaction_id: bytes,
    *,
    local_ufrag: str,
    remote_ufrag: str,
    remote_pwd: str,
    tie_breaker: int,
    nominate: bool = True,
    priority: int = 0x6E7F00FF,
) -> bytes:
    """Return a check: USERNAME, PRIORITY, ICE-CONTROLLING, USE-CANDIDATE, MESSAGE-INTEGRITY, FINGERPRINT (RFC 8445, 7.1)."""
    attributes = _attribute(_USERNAME, f"{remote_ufrag}:{local_ufrag}".encode())
    attributes += _attribute(_PRIORITY, struct.pack("!I", priority))
    attributes += _attribute(_ICE_CONTROLLING, struct.pack("!Q", tie_breaker))
    if nominate:
        attributes += _attribute(_USE_CANDIDATE, b"")
    return _seal(BINDING_REQUEST, transaction_id, attributes, remote_pwd.encode())


def read_reply(datagram: bytes, remote_pwd: str) -> StunReply:
    """Verify a binding response with the server's password. Raises StunError."""
    kind, length, cookie, transaction_id = _HEADER.unpack_from(datagram)
    if cookie != MAGIC_COOKIE or length + 20 != len(datagram):
        raise StunError("no STUN message")
    if kind not in (BINDING_SUCCESS, BINDING_ERROR):
        raise StunError(f"unexpected STUN type {kind:#06x}")
    error_code = 0
    integrity = fingerprint = False
    position = 20
    while position + 4 <= len(datagram):
        name, size = struct.unpack_from("!HH", datagram, position)
        value = datagram[position + 4 : position + 4 + size]
        if len(value) != size:
            raise StunError("attribute beyond the message")
        if name == _MESSAGE_INTEGRITY:
            if not hmac.compare_digest(value, _integrity(datagram[:position], remote_pwd.encode())):
                raise StunError("wrong MESSAGE-INTEGRITY")
            integrity = True
        elif name == _FINGERPRINT:
            if value != _fingerprint(datagram[:position]):
                raise StunError("wrong FINGERPRINT")
            fingerprint = True
        elif name == _ERROR_CODE and size >= 4:
            error_code = value[2] * 100 + value[3]
        position += 4 + (size + 3 & ~3)
    if kind == BINDING_SUCCESS and not integrity:
        raise StunError("success response without MESSAGE-INTEGRITY")
    if not fingerprint:
        raise StunError("response without FINGERPRINT")
    return StunReply(transaction_id, error_code)


def _attribute(name: int, value: bytes) -> bytes:
    return struct.pack("!HH", name, len(value)) + value + bytes(-len(value) % 4)


def _integrity(head: bytes, key: bytes) -> bytes:
    """HMAC-SHA1 over the message with its length field as if it ended with this attribute (RFC 8489, 14.5)."""
    return hmac.digest(key, _with_length(head, 24), hashlib.sha1)


def _fingerprint(head: bytes) -> bytes:
    return struct.pack("!I", zlib.crc32(_with_length(head, 8)) ^ _FINGERPRINT_XOR)


def _with_length(head: bytes, more: int) -> bytes:
    return head[:2] + struct.pack("!H", len(head) - 20 + more) + head[4:]


def _seal(kind: int, transaction_id: bytes, attributes: bytes, key: bytes) -> bytes:
    message = _HEADER.pack(kind, len(attributes), MAGIC_COOKIE, transaction_id) + attributes
    message += _attribute(_MESSAGE_INTEGRITY, _integrity(message, key))
    message += _attribute(_FINGERPRINT, _fingerprint(message))
    return _with_length(message, 0)
