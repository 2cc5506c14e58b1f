import pytest
from hypothesis import given
from hypothesis import strategies as st

from conclave.media.rtcp import (
    FullIntraRequest,
    Goodbye,
    Nack,
    PictureLoss,
    ReceiverEstimatedBitrate,
    ReceiverReport,
    ReportBlock,
    RtcpError,
    RtcpPacket,
    SenderReport,
    SourceDescription,
    build_rtcp,
    parse_rtcp,
)

uint32 = st.integers(0, 2**32 - 1)
blocks = st.builds(ReportBlock, uint32, st.integers(0, 255), st.integers(-(2**23), 2**23 - 1), uint32, uint32, uint32, uint32)
block_lists = st.lists(blocks, max_size=31).map(tuple)
cnames = st.tuples(uint32, st.text(max_size=60))
lost = st.integers(0, 65_535).flatmap(
    lambda first: st.lists(st.integers(1, 16), max_size=16, unique=True).map(
        lambda gaps: tuple((first + gap) % 65_536 for gap in [0, *sorted(gaps)])
    )
)
packets: st.SearchStrategy[RtcpPacket] = st.one_of(
    st.builds(SenderReport, uint32, st.integers(0, 2**64 - 1), uint32, uint32, uint32, block_lists),
    st.builds(ReceiverReport, uint32, block_lists),
    st.builds(SourceDescription, st.lists(cnames, max_size=3).map(tuple)),
    st.builds(Goodbye, st.lists(uint32, max_size=31).map(tuple)),
    st.builds(Nack, uint32, uint32, lost),
    st.builds(PictureLoss, uint32, uint32),
    st.builds(FullIntraRequest, uint32, st.lists(st.tuples(uint32, st.integers(0, 255)), max_size=4).map(tuple)),
    st.builds(ReceiverEstimatedBitrate, uint32, st.integers(0, 2**18 - 1), st.lists(uint32, max_size=4).map(tuple)),
)


@given(st.lists(packets, max_size=4))
def test_what_is_built_is_parsed_back(compound: list[RtcpPacket]) -> None:
    assert parse_rtcp(build_rtcp(compound)) == compound


@given(st.binary(max_size=120))
def test_any_bytes_are_packets_or_an_error(data: bytes) -> None:
    try:
        parse_rtcp(data)
    except RtcpError:
        return


@given(st.integers(0, 255), st.integers(0, 31), st.binary(max_size=80))
def test_any_well_framed_body_is_a_packet_or_an_error(packet_type: int, count: int, body: bytes) -> None:
    body += bytes(-len(body) % 4)
    try:
        parse_rtcp(bytes([0x80 | count, packet_type]) + (len(body) // 4).to_bytes(2, "big") + body)
    except RtcpError:
        return


def test_a_pli_stands_where_rfc_4585_puts_it() -> None:
    assert parse_rtcp(bytes.fromhex("81ce00020000000a0000000b")) == [PictureLoss(10, 11)]
    assert build_rtcp([PictureLoss(10, 11)]) == bytes.fromhex("81ce00020000000a0000000b")


def test_a_nack_names_lost_packets_by_first_and_mask() -> None:
    assert build_rtcp([Nack(1, 2, (100, 101, 116, 117))]).hex().endswith("0064" + "8001" + "0075" + "0000")


def test_losses_over_the_end_of_the_sequence_space_are_one_block() -> None:
    data = build_rtcp([Nack(1, 2, (65_535, 0, 1))])
    assert len(data) == 16
    assert parse_rtcp(data) == [Nack(1, 2, (65_535, 0, 1))]


@given(st.integers(0, 2**40))
def test_a_bitrate_loses_at_most_what_18_bits_cannot_hold(bitrate_bps: int) -> None:
    (parsed,) = parse_rtcp(build_rtcp([ReceiverEstimatedBitrate(1, bitrate_bps, (2,))]))
    assert isinstance(parsed, ReceiverEstimatedBitrate)
    assert parsed.bitrate_bps <= bitrate_bps
    assert bitrate_bps - parsed.bitrate_bps <= bitrate_bps >> 17


def test_unknown_packets_and_unknown_items_are_skipped() -> None:
    unknown = bytes.fromhex("80cf0001deadbeef")
    tool = bytes.fromhex("81ca0004" + "00000001" + "0602" + "6161" + "0103" + "6d6500" + "00")
    assert parse_rtcp(unknown + build_rtcp([Goodbye((1,))])) == [Goodbye((1,))]
    assert parse_rtcp(bytes.fromhex("81ca0003" + "00000001" + "06026161" + "01016d00")) == [SourceDescription(((1, "m"),))]
    with pytest.raises(RtcpError):
        parse_rtcp(tool)


def test_padding_is_taken_off() -> None:
    padded = bytes.fromhex("a1cb0002" + "00000001" + "00000004")
    assert parse_rtcp(padded) == [Goodbye((1,))]


@pytest.mark.parametrize(
    "data",
    [
        "81",
        "41ce00020000000a0000000b",
        "81ce00030000000a0000000b",
        "81ce00010000000a",
        "82c8000600000001000000000000000000000000000000000000000000",
        "81ca0001" + "00000001",
        "a1cb0000",
        "a1cb0001" + "00000009",
        "81ca0002" + "00000001" + "01ff6162",
    ],
)
def test_cut_off_packets_are_refused(data: str) -> None:
    with pytest.raises(RtcpError):
        parse_rtcp(bytes.fromhex(data))


@pytest.mark.parametrize(
    "packet",
    [
        Goodbye((2**32,)),
        Goodbye(tuple(range(32))),
        SourceDescription(((1, "x" * 256),)),
        ReceiverEstimatedBitrate(1, 2**90, ()),
        FullIntraRequest(1, ((1, 256),)),
    ],
)
def test_fields_that_do_not_fit_are_refused(packet: RtcpPacket) -> None:
    with pytest.raises(RtcpError):
        build_rtcp([packet])
