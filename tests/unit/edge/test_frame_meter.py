import pytest
from aiohttp import WSCloseCode
from hypothesis import given
from hypothesis import strategies as st

from conclave.edge.frame_meter import CONTROL_FRAMES, FrameMeter, OverBudget
from conclave.policy.limits import BucketSize

MAX_FRAMES = 4
MAX_BYTES = 1_000
DATA_FRAMES = BucketSize(burst=40, per_s=4)
CODES = (WSCloseCode.PROTOCOL_ERROR, WSCloseCode.POLICY_VIOLATION, WSCloseCode.MESSAGE_TOO_BIG)


def frame(payload: bytes = b"", *, opcode: int = 2, fin: bool = True, masked: bool = True, reserved: int = 0) -> bytes:
    first = (0x80 if fin else 0) | reserved | opcode
    mask = 0x80 if masked else 0
    if len(payload) < 126:
        length = bytes([mask | len(payload)])
    elif len(payload) < 65_536:
        length = bytes([mask | 126]) + len(payload).to_bytes(2, "big")
    else:
        length = bytes([mask | 127]) + len(payload).to_bytes(8, "big")
    return bytes([first]) + length + (b"\1\2\3\4" if masked else b"") + payload


def make() -> FrameMeter:
    return FrameMeter(MAX_FRAMES, MAX_BYTES, 0.0, DATA_FRAMES)


def refused(data: bytes) -> OverBudget:
    with pytest.raises(OverBudget) as caught:
        make().feed(data, 0.0)
    return caught.value


@given(st.lists(st.binary(max_size=MAX_BYTES), max_size=8), st.data())
def test_whole_messages_in_any_pieces_are_counted_and_pass(payloads: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(frame(payload) for payload in payloads)
    meter = make()
    while stream:
        cut = data.draw(st.integers(1, len(stream)))
        meter.feed(stream[:cut], 0.0)
        stream = stream[cut:]
    assert meter.completed == len(payloads)
    assert not meter.assembling


def test_a_begun_message_is_seen_as_being_assembled() -> None:
    meter = make()
    meter.feed(frame(b"x", fin=False), 0.0)
    assert meter.assembling
    meter.feed(frame(b"y", opcode=0), 0.0)
    assert not meter.assembling
    meter.feed(frame(b"xyz")[:3], 0.0)
    assert meter.assembling


def test_more_fragments_than_allowed_are_a_policy_violation() -> None:
    stream = frame(fin=False) + frame(opcode=0, fin=False) * (MAX_FRAMES - 1)
    make().feed(stream, 0.0)
    assert refused(stream + frame(opcode=0)).code is WSCloseCode.POLICY_VIOLATION


def test_more_frames_than_allowed_over_time_are_a_policy_violation() -> None:
    meter = make()
    meter.feed(frame(b"x") * 40, 0.0)
    meter.feed(frame(b"x") * 4, 1.0)
    with pytest.raises(OverBudget) as caught:
        meter.feed(frame(b"x") * 40_000, 1.0)
    assert caught.value.code is WSCloseCode.POLICY_VIOLATION
    assert meter.completed == 44


def test_a_message_too_large_is_refused_at_its_header() -> None:
    make().feed(frame(b"x" * MAX_BYTES), 0.0)
    assert refused(frame(b"x" * (MAX_BYTES + 1))[:8]).code is WSCloseCode.MESSAGE_TOO_BIG


def test_fragments_that_add_up_to_too_much_are_refused() -> None:
    half = b"x" * (MAX_BYTES // 2 + 1)
    assert refused(frame(half, fin=False) + frame(half, opcode=0)).code is WSCloseCode.MESSAGE_TOO_BIG


def test_a_huge_declared_length_is_refused_without_being_waited_for() -> None:
    assert refused(b"\x82\xff" + (2**63 - 1).to_bytes(8, "big") + b"\0\0\0\0").code is WSCloseCode.MESSAGE_TOO_BIG


def test_an_unmasked_frame_is_a_protocol_error() -> None:
    assert refused(frame(b"x", masked=False)).code is WSCloseCode.PROTOCOL_ERROR


@pytest.mark.parametrize("reserved", [0x40, 0x20, 0x10])
def test_a_reserved_bit_without_an_extension_is_a_protocol_error(reserved: int) -> None:
    assert refused(frame(b"x", reserved=reserved)).code is WSCloseCode.PROTOCOL_ERROR


def test_a_flood_of_pings_is_a_policy_violation_and_a_slow_one_is_not() -> None:
    ping = frame(b"x", opcode=9)
    assert refused(ping * int(CONTROL_FRAMES.burst + 1)).code is WSCloseCode.POLICY_VIOLATION
    meter = make()
    for second in range(200):
        meter.feed(ping, float(second))


@given(st.binary(max_size=300))
def test_no_bytes_at_all_break_the_meter(data: bytes) -> None:
    meter = make()
    try:
        meter.feed(data, 0.0)
    except OverBudget as error:
        assert error.code in CODES  # noqa: PT017 # any bytes may pass, too
