import pytest
from hypothesis import given
from hypothesis import strategies as st

from conclave.media.rtp import RtpError, RtpPacket, build_rtp, parse_rtp

uint32 = st.integers(0, 2**32 - 1)
one_byte = st.tuples(st.integers(1, 14), st.binary(min_size=1, max_size=16))
two_byte = st.tuples(st.integers(1, 255), st.binary(max_size=255))
packets = st.builds(
    RtpPacket,
    payload_type=st.integers(0, 127),
    sequence_number=st.integers(0, 2**16 - 1),
    timestamp=uint32,
    ssrc=uint32,
    marker=st.booleans(),
    csrcs=st.lists(uint32, max_size=15).map(tuple),
    extensions=st.one_of(st.lists(one_byte, max_size=6), st.lists(two_byte, max_size=3)).map(tuple),
    payload=st.binary(max_size=64),
    padding=st.integers(0, 255),
)


@given(packets)
def test_what_is_built_is_parsed_back(packet: RtpPacket) -> None:
    assert parse_rtp(build_rtp(packet)) == packet


@given(st.binary(max_size=80))
def test_any_bytes_are_a_packet_or_an_error(data: bytes) -> None:
    try:
        packet = parse_rtp(data)
    except RtpError:
        return
    assert parse_rtp(build_rtp(packet)) == packet


def test_the_fields_stand_where_rfc_3550_puts_them() -> None:
    packet = parse_rtp(bytes.fromhex("80e0123400010203deadbeef") + b"hello")
    assert (packet.marker, packet.payload_type, packet.sequence_number) == (True, 96, 0x1234)
    assert (packet.timestamp, packet.ssrc, packet.payload) == (0x10203, 0xDEADBEEF, b"hello")


def test_one_byte_extensions_stand_where_rfc_8285_puts_them() -> None:
    data = bytes.fromhex("90600001000000010000000abede0002" + "10aa" + "00" + "21bbcc" + "0000")
    packet = parse_rtp(data)
    assert packet.extensions == ((1, b"\xaa"), (2, b"\xbb\xcc"))
    assert packet.extension(2) == b"\xbb\xcc"
    assert packet.extension(3) is None


def test_two_byte_extensions_stand_where_rfc_8285_puts_them() -> None:
    data = bytes.fromhex("90600001000000010000000a10000002" + "1000" + "1101aa" + "000000")
    assert parse_rtp(data).extensions == ((16, b""), (17, b"\xaa"))


def test_id_15_ends_the_one_byte_form() -> None:
    data = bytes.fromhex("90600001000000010000000abede0002" + "10aa" + "f0bb" + "20cc0000")
    assert parse_rtp(data).extensions == ((1, b"\xaa"),)


def test_extensions_of_another_profile_are_skipped() -> None:
    assert parse_rtp(bytes.fromhex("90600001000000010000000a12340001aabbccdd") + b"x").payload == b"x"


@pytest.mark.parametrize(
    "data",
    [
        "",
        "80600001000000010000",
        "40600001000000010000000a",
        "82600001000000010000000a00000001",
        "90600001000000010000000abede",
        "90600001000000010000000abede0001",
        "90600001000000010000000abede000117aabbcc",
        "90600001000000010000000a100000011005aabb",
        "a0600001000000010000000a00",
        "a0600001000000010000000a0003",
        "a0600001000000010000000a",
    ],
)
def test_cut_off_packets_are_refused(data: str) -> None:
    with pytest.raises(RtpError):
        parse_rtp(bytes.fromhex(data))


@pytest.mark.parametrize(
    "changes",
    [
        {"payload_type": 128},
        {"sequence_number": 65_536},
        {"timestamp": -1},
        {"csrcs": tuple(range(16))},
        {"extensions": ((0, b"x"),)},
        {"extensions": ((1, bytes(256)),)},
        {"padding": 256},
    ],
)
def test_fields_that_do_not_fit_are_refused(changes: dict[str, object]) -> None:
    fields: dict[str, object] = {"payload_type": 96, "sequence_number": 1, "timestamp": 1, "ssrc": 1} | changes
    with pytest.raises(RtpError):
        build_rtp(RtpPacket(**fields))  # type: ignore[arg-type]
