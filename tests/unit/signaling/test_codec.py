import contextlib
import json
from base64 import b64encode
from typing import Any, get_type_hints

import msgpack
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conclave.model.errors import ErrorCode, ProtocolViolation
from conclave.policy.limits import MAX_FRAME_BYTES
from conclave.signaling import messages
from conclave.signaling.codec import Encoding, MalformedRequest, decode, decode_server_message, encode
from conclave.signaling.messages import EVENTS, MESSAGES, ChatSend, Closing, Error, Event, Join, Ping, Request, Response, type_of


def value_of(hint: msgspec.inspect.Type) -> st.SearchStrategy[Any]:
    match hint:
        case msgspec.inspect.StrType():
            longest = min(hint.max_length or 20, 20)
            return st.text(
                st.characters(codec="utf-8"), min_size=min(hint.min_length or 0, 40), max_size=max(longest, hint.min_length or 0)
            )
        case msgspec.inspect.BytesType():
            return st.binary(max_size=40)
        case msgspec.inspect.IntType():
            return st.integers(hint.ge if hint.ge is not None else -(2**31), hint.le if hint.le is not None else 2**31 - 1)
        case msgspec.inspect.BoolType():
            return st.booleans()
        case msgspec.inspect.NoneType():
            return st.none()
        case msgspec.inspect.EnumType():
            return st.sampled_from(list(hint.cls))
        case msgspec.inspect.ListType():
            return st.lists(value_of(hint.item_type), min_size=hint.min_length or 0, max_size=5)
        case msgspec.inspect.UnionType():
            return st.one_of([value_of(member) for member in hint.types])
        case msgspec.inspect.StructType():
            return struct_of(hint.cls)
    raise AssertionError(f"no strategy for {hint}")


def struct_of(cls: type[Any]) -> st.SearchStrategy[Any]:
    info = msgspec.inspect.type_info(cls)
    assert isinstance(info, msgspec.inspect.StructType)
    return st.builds(cls, **{field.name: value_of(field.type) for field in info.fields})


requests = st.one_of([struct_of(message) for message in MESSAGES])
server_messages = st.one_of([struct_of(event) for event in EVENTS] + [struct_of(Error)])


def plain(message: Any, *, text_only: bool) -> dict[str, Any]:
    fields = msgspec.structs.asdict(message)
    mapping = {name: msgspec.to_builtins(value, builtin_types=None if text_only else (bytes,)) for name, value in fields.items()}
    return {"type": type_of(type(message))} | mapping


@given(requests)
def test_a_request_packed_by_another_messagepack_library_is_understood(request: Request) -> None:
    assert decode(msgpack.packb(plain(request, text_only=False)), Encoding.MSGPACK) == request


@given(requests)
def test_a_request_written_by_another_json_library_is_understood(request: Request) -> None:
    assert decode(json.dumps(plain(request, text_only=True)), Encoding.JSON) == request


@given(server_messages)
def test_what_the_server_sends_is_read_alike_by_another_messagepack_library(message: Event | Error) -> None:
    assert msgpack.unpackb(encode(message, Encoding.MSGPACK)) == plain(message, text_only=False)


@given(server_messages)
def test_what_the_server_sends_is_read_alike_by_another_json_library(message: Event | Error) -> None:
    assert json.loads(encode(message, Encoding.JSON)) == plain(message, text_only=True)


@given(server_messages, st.sampled_from(Encoding))
def test_what_the_server_sends_can_be_decoded_again(message: Event | Error, encoding: Encoding) -> None:
    assert decode_server_message(encode(message, encoding), encoding) == message


@given(requests, st.sampled_from(Encoding))
def test_encoding_and_decoding_a_request_gives_it_back(request: Request, encoding: Encoding) -> None:
    frame = encode(request, encoding)
    assert decode(frame.decode() if encoding.is_text else frame, encoding) == request


def test_binary_fields_are_base64_in_json_and_binary_in_messagepack() -> None:
    request = ChatSend(id=1, envelope=b"\x00\xff")
    assert json.loads(encode(request, Encoding.JSON))["envelope"] == b64encode(b"\x00\xff").decode()
    assert msgpack.unpackb(encode(request, Encoding.MSGPACK))["envelope"] == b"\x00\xff"


def test_a_response_carries_the_result_as_a_map_without_type() -> None:
    frame = encode(Response(7, messages.Pong(5)), Encoding.JSON)
    assert json.loads(frame) == {"type": "response", "id": 7, "result": {"server_ms": 5}}


@pytest.mark.parametrize("message", MESSAGES)
@pytest.mark.parametrize("encoding", Encoding)
def test_every_message_type_refuses_an_unknown_field(message: type[Request], encoding: Encoding) -> None:
    body = {"type": type_of(message), "id": 9, "surprise": 1}
    with pytest.raises(MalformedRequest) as caught:
        decode(json.dumps(body) if encoding.is_text else msgpack.packb(body), encoding)
    assert (caught.value.code, caught.value.request_id) == (ErrorCode.INVALID, 9)


def test_an_unknown_type_is_invalid_and_keeps_its_id() -> None:
    with pytest.raises(MalformedRequest) as caught:
        decode('{"type": "sudo", "id": 3}', Encoding.JSON)
    assert (caught.value.code, caught.value.request_id) == (ErrorCode.INVALID, 3)


@pytest.mark.parametrize("request_id", [-1, 2**31, 1.5, "1", None, True, [1], {"a": 1}])
def test_an_unreadable_id_is_not_echoed(request_id: object) -> None:
    with pytest.raises(MalformedRequest) as caught:
        decode(json.dumps({"type": "ping", "id": request_id}), Encoding.JSON)
    assert caught.value.request_id is None


def test_a_missing_type_is_invalid() -> None:
    with pytest.raises(MalformedRequest) as caught:
        decode('{"id": 4}', Encoding.JSON)
    assert caught.value.request_id == 4


def test_a_value_longer_than_its_field_is_too_large() -> None:
    with pytest.raises(MalformedRequest) as caught:
        decode(json.dumps({"type": "join", "id": 4, "display_name": "a" * 65}), Encoding.JSON)
    assert (caught.value.code, caught.value.request_id) == (ErrorCode.TOO_LARGE, 4)


@pytest.mark.parametrize("field", ["display_name", "auto_subscribe"])
def test_a_value_of_the_wrong_type_is_invalid(field: str) -> None:
    body = {"type": "join", "id": 4, "display_name": "Ada", "auto_subscribe": True} | {field: 5}
    with pytest.raises(MalformedRequest) as caught:
        decode(json.dumps(body), Encoding.JSON)
    assert caught.value.code is ErrorCode.INVALID


def test_a_text_frame_on_the_binary_subprotocol_breaks_the_protocol() -> None:
    with pytest.raises(ProtocolViolation) as caught:
        decode('{"type": "ping", "id": 1}', Encoding.MSGPACK)
    assert caught.value.code is ErrorCode.INVALID


def test_a_binary_frame_on_the_text_subprotocol_breaks_the_protocol() -> None:
    with pytest.raises(ProtocolViolation):
        decode(b'{"type": "ping", "id": 1}', Encoding.JSON)


@pytest.mark.parametrize("encoding", Encoding)
def test_a_frame_of_the_largest_size_is_read_and_one_byte_more_is_not(encoding: Encoding) -> None:
    for size, error in ((MAX_FRAME_BYTES, MalformedRequest), (MAX_FRAME_BYTES + 1, ProtocolViolation)):
        body = {"type": "join", "id": 1, "display_name": ""}
        pack = (lambda data: json.dumps(data).encode()) if encoding.is_text else msgpack.packb
        overhead = len(pack(body | {"display_name": "a" * 60_000})) - 60_000
        frame = pack(body | {"display_name": "a" * (size - overhead)})
        assert len(frame) == size
        with pytest.raises(error) as caught:
            decode(frame.decode() if encoding.is_text else frame, encoding)
        assert caught.value.code is ErrorCode.TOO_LARGE


def test_a_text_frame_is_measured_in_bytes() -> None:
    with pytest.raises(ProtocolViolation) as caught:
        decode('"' + "é" * (MAX_FRAME_BYTES // 2) + '"', Encoding.JSON)
    assert caught.value.code is ErrorCode.TOO_LARGE


def test_a_lone_surrogate_breaks_the_protocol() -> None:
    with pytest.raises(ProtocolViolation):
        decode('{"type": "ping", "id": 1, "\ud800": 1}', Encoding.JSON)


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_refused_or_read_and_nothing_else(data: bytes) -> None:
    with contextlib.suppress(ProtocolViolation, MalformedRequest):
        assert isinstance(decode(data, Encoding.MSGPACK), Request)


@given(st.text(max_size=300))
def test_arbitrary_text_is_refused_or_read_and_nothing_else(text: str) -> None:
    with contextlib.suppress(ProtocolViolation, MalformedRequest):
        assert isinstance(decode(text, Encoding.JSON), Request)


@given(st.binary(max_size=300), st.sampled_from(Encoding))
def test_a_client_survives_arbitrary_bytes_from_a_server(data: bytes, encoding: Encoding) -> None:
    with contextlib.suppress(ProtocolViolation):
        decode_server_message(data, encoding)


def test_the_last_of_two_equal_keys_does_not_change_what_the_first_said_about_the_type() -> None:
    with pytest.raises(MalformedRequest):
        decode('{"type": "ping", "type": "leave", "id": 1}', Encoding.JSON)


def test_a_ping_is_a_ping_in_both_encodings() -> None:
    assert decode('{"type":"ping","id":1}', Encoding.JSON) == decode(msgpack.packb({"type": "ping", "id": 1}), Encoding.MSGPACK)
    assert decode('{"type":"ping","id":1}', Encoding.JSON) == Ping(id=1)


def test_a_detail_is_never_longer_than_two_hundred_characters() -> None:
    with pytest.raises(MalformedRequest) as caught:
        decode(json.dumps({"type": "x" * 5000, "id": 1}), Encoding.JSON)
    assert len(caught.value.detail) <= 200


def test_requests_and_events_carry_type_hints_that_can_be_read() -> None:
    assert all(get_type_hints(message) is not None for message in (*MESSAGES, *EVENTS, Join, Closing))
