"""Broken packets against the RTP and RTCP codecs; `make fuzz` runs it for longer."""

from hypothesis import given
from hypothesis import strategies as st

from conclave.media.rtcp import Nack, ReceiverEstimatedBitrate, RtcpError, SourceDescription, build_rtcp, parse_rtcp
from conclave.media.rtp import RtpError, RtpPacket, build_rtp, parse_rtp

PACKET = build_rtp(
    RtpPacket(
        payload_type=96,
        sequence_number=1,
        timestamp=2,
        ssrc=3,
        csrcs=(4, 5),
        extensions=((1, b"a"), (20, b"bcd")),
        payload=b"payload",
        padding=4,
    )
)
COMPOUND = build_rtcp([SourceDescription(((1, "cname"),)), Nack(1, 2, (3, 9)), ReceiverEstimatedBitrate(1, 10**6, (2, 3))])

flips = st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), max_size=6)


def corrupted(data: bytes, changes: list[tuple[int, int]], length: int) -> bytes:
    broken = bytearray(data)
    for place, value in changes:
        broken[place % len(broken)] = value
    return bytes(broken[: len(data) - length] if length else broken)


@given(flips, st.integers(0, 30))
def test_a_corrupted_packet_is_an_error_or_a_packet_that_can_be_built_again(changes: list[tuple[int, int]], length: int) -> None:
    try:
        packet = parse_rtp(corrupted(PACKET, changes, length))
    except RtpError:
        return
    assert parse_rtp(build_rtp(packet)) == packet


@given(flips, st.integers(0, 30))
def test_a_corrupted_compound_is_an_error_or_packets(changes: list[tuple[int, int]], length: int) -> None:
    try:
        parse_rtcp(corrupted(COMPOUND, changes, length))
    except RtcpError:
        return
