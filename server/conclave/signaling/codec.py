"""Bytes to requests and messages to bytes, strictly: what the schema does not know is refused.

`conclave.v1.msgpack` uses binary frames; `conclave.v1.json` uses text frames, with binary fields in base64 (RFC 4648,
section 4). Both carry the same maps.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, Union

import msgspec
from msgspec import Struct

from conclave.model.errors import ErrorCode, ProtocolViolation, Refused
from conclave.policy.limits import MAX_FRAME_BYTES
from conclave.signaling.messages import EVENTS, MESSAGES, SUBPROTOCOL_JSON, SUBPROTOCOL_MSGPACK, Error, Event, Request, Response

Message = Request | Response | Error | Event

MAX_DETAIL = 200


class Encoding(StrEnum):
    """A subprotocol by its name in Sec-WebSocket-Protocol."""

    MSGPACK = SUBPROTOCOL_MSGPACK
    JSON = SUBPROTOCOL_JSON

    @property
    def is_text(self) -> bool:
        return self is Encoding.JSON


class MalformedRequest(Refused):
    """A readable map that is no request of ours. `request_id` is its id when that could be read."""

    def __init__(self, code: ErrorCode, detail: str, request_id: int | None) -> None:
        super().__init__(code, detail)
        self.request_id = request_id


class _Envelope(Struct):
    id: Any = None


_REQUEST: Any = Union.__getitem__(tuple(MESSAGES))
_SERVER: Any = Union.__getitem__((Response, Error, *EVENTS))

_REQUEST_DECODERS: dict[Encoding, Callable[[bytes], Request]] = {
    Encoding.MSGPACK: msgspec.msgpack.Decoder(_REQUEST).decode,
    Encoding.JSON: msgspec.json.Decoder(_REQUEST).decode,
}
_SERVER_DECODERS: dict[Encoding, Callable[[bytes], Response | Error | Event]] = {
    Encoding.MSGPACK: msgspec.msgpack.Decoder(_SERVER).decode,
    Encoding.JSON: msgspec.json.Decoder(_SERVER).decode,
}
_ENVELOPE_DECODERS: dict[Encoding, Callable[[bytes], _Envelope]] = {
    Encoding.MSGPACK: msgspec.msgpack.Decoder(_Envelope).decode,
    Encoding.JSON: msgspec.json.Decoder(_Envelope).decode,
}
_ENCODERS: dict[Encoding, Callable[[Any], bytes]] = {
    Encoding.MSGPACK: msgspec.msgpack.Encoder().encode,
    Encoding.JSON: msgspec.json.Encoder().encode,
}


def decode(frame: bytes | str, encoding: Encoding) -> Request:
    """Return the request in one WebSocket frame (bytes of a binary frame, str of a text frame).

    Raises ProtocolViolation when the frame is of the wrong kind (`invalid`), longer than MAX_FRAME_BYTES
    (`too_large`) or no map at all (`invalid`). Raises MalformedRequest when it is a map but no request of ours:
    `too_large` for a value longer than its field allows, `invalid` for anything else.
    """
    data = _octets(frame, encoding)
    try:
        return _REQUEST_DECODERS[encoding](data)
    except msgspec.ValidationError as error:
        raise _malformed(error, data, encoding) from None
    except (ValueError, RecursionError):
        raise ProtocolViolation(ErrorCode.INVALID, f"not a map in {encoding}") from None


def decode_server_message(frame: bytes | str, encoding: Encoding) -> Response | Error | Event:
    """Return what a server sent, for clients in Python. A response's `result` stays plain maps; see `result_of`.

    Raises ProtocolViolation when it is none of the server's messages.
    """
    data = frame.encode() if isinstance(frame, str) else frame
    try:
        return _SERVER_DECODERS[encoding](data)
    except (ValueError, RecursionError) as error:
        raise ProtocolViolation(ErrorCode.INVALID, str(error)[:MAX_DETAIL]) from None


def encode(message: Message, encoding: Encoding) -> bytes:
    """Return the octets of one frame; for JSON they are UTF-8 and go into a text frame."""
    return _ENCODERS[encoding](message)


def _octets(frame: bytes | str, encoding: Encoding) -> bytes:
    if isinstance(frame, str) is not encoding.is_text:
        expected = "text" if encoding.is_text else "binary"
        raise ProtocolViolation(ErrorCode.INVALID, f"{encoding} uses {expected} frames")
    if len(frame) > MAX_FRAME_BYTES:
        raise _oversized()
    if isinstance(frame, bytes):
        return frame
    try:
        data = frame.encode()
    except UnicodeEncodeError:
        raise ProtocolViolation(ErrorCode.INVALID, "a text frame is not UTF-8") from None
    if len(data) > MAX_FRAME_BYTES:
        raise _oversized()
    return data


def _oversized() -> ProtocolViolation:
    return ProtocolViolation(ErrorCode.TOO_LARGE, f"a message has at most {MAX_FRAME_BYTES} bytes")


def _malformed(error: msgspec.ValidationError, data: bytes, encoding: Encoding) -> Exception:
    try:
        envelope = _ENVELOPE_DECODERS[encoding](data)
    except (ValueError, RecursionError):
        return ProtocolViolation(ErrorCode.INVALID, f"not a map in {encoding}")
    request_id = envelope.id
    readable = isinstance(request_id, int) and not isinstance(request_id, bool) and 0 <= request_id < 2**31
    text = str(error)[:MAX_DETAIL]
    code = ErrorCode.TOO_LARGE if " of length <= " in text else ErrorCode.INVALID
    return MalformedRequest(code, text, request_id if readable else None)
