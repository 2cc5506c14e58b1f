"""Hostile frames: deep nesting, huge counts, truncation. Every one ends as a refusal or a closed connection, quickly."""

import msgpack
import pytest

from conclave.model.errors import ErrorCode, ProtocolViolation
from conclave.signaling.codec import Encoding, MalformedRequest, decode

JSON_FRAMES = {
    "deep arrays": "[" * 65_000,
    "deep objects": '{"a":' * 13_000,
    "deep arrays in an unknown field": '{"type":"ping","id":1,"x":' + "[" * 30_000 + "]" * 30_000 + "}",
    "deep arrays before the type": '{"x":' + "[" * 30_000 + "]" * 30_000 + ',"type":"ping","id":1}',
    "deep arrays as id": '{"type":"ping","id":' + "[" * 30_000 + "]" * 30_000 + "}",
    "deep arrays as type": '{"id":1,"type":' + "[" * 30_000 + "]" * 30_000 + "}",
    "a huge number": '{"type":"ping","id":' + "9" * 60_000 + "}",
    "a huge exponent": '{"type":"ping","id":1e999999999}',
    "not a number": '{"type":"ping","id":NaN}',
    "an endless text": '{"type":"' + "a" * 65_000,
    "an escape without end": '{"type":"\\u12',
    "nothing": "",
    "white space": " " * 65_000,
    "a null": "null",
    "two messages": '{"type":"ping","id":1}{"type":"ping","id":2}',
    "a NUL": "\0",
    "many keys": "{" + ",".join(f'"k{i}":0' for i in range(6_000)) + "}",
}
MSGPACK_FRAMES = {
    "deep arrays": b"\x91" * 65_000,
    "deep maps": b"\x81\xa1a" * 21_000,
    "deep arrays in an unknown field": b"\x83\xa4type\xa4ping\xa2id\x01\xa1x" + b"\x91" * 65_000 + b"\xc0",
    "an array that claims four thousand million members": b"\xdd\xff\xff\xff\xff",
    "a map that claims four thousand million members": b"\xdf\xff\xff\xff\xff",
    "a text that claims four gigabytes": b"\x82\xa4type\xdb\xff\xff\xff\xff",
    "binary that claims four gigabytes": b"\x83\xa4type\xa9chat.send\xa2id\x01\xa8envelope\xc6\xff\xff\xff\xff",
    "a list that claims more identifiers than bytes": b"\x83\xa4type\xa9subscribe\xa2id\x01\xa9track_ids\xdd\xff\xff\xff\xff",
    "an extension type": b"\xc7\x01\x05\x00",
    "a timestamp as id": b"\x82\xa4type\xa4ping\xa2id\xd6\xff\x00\x00\x00\x00",
    "an opcode that never is": b"\xc1",
    "invalid UTF-8": b"\x82\xa4type\xa4\xff\xff\xff\xff\xa2id\x01",
    "a key that is no text": b"\x81\xc0\xc0",
    "nothing": b"",
    "two messages": msgpack.packb({"type": "ping", "id": 1}) * 2,
}


@pytest.mark.parametrize("frame", JSON_FRAMES.values(), ids=JSON_FRAMES.keys())
def test_a_hostile_text_frame_is_refused(frame: str) -> None:
    with pytest.raises((ProtocolViolation, MalformedRequest)) as caught:
        decode(frame, Encoding.JSON)
    assert caught.value.code is ErrorCode.INVALID


@pytest.mark.parametrize("frame", MSGPACK_FRAMES.values(), ids=MSGPACK_FRAMES.keys())
def test_a_hostile_binary_frame_is_refused(frame: bytes) -> None:
    with pytest.raises((ProtocolViolation, MalformedRequest)) as caught:
        decode(frame, Encoding.MSGPACK)
    assert caught.value.code is ErrorCode.INVALID


@pytest.mark.parametrize("length", range(57))
def test_a_truncated_message_is_refused(length: int) -> None:
    whole = msgpack.packb({"type": "join", "id": 1, "display_name": "Ada Lovelace", "auto_subscribe": True})
    assert length < len(whole)
    with pytest.raises((ProtocolViolation, MalformedRequest)):
        decode(whole[:length], Encoding.MSGPACK)


def test_a_refusal_never_quotes_a_token() -> None:
    secret = "s3cret-" * 700
    with pytest.raises(MalformedRequest) as caught:
        decode(f'{{"type":"hello","id":1,"protocol":1,"token":"{secret}"}}', Encoding.JSON)
    assert caught.value.code is ErrorCode.TOO_LARGE
    assert "s3cret" not in caught.value.detail
