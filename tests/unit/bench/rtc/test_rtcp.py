import struct

import pytest
from aiortc.rtp import (
    RTCP_PSFB_PLI,
    RTCP_RTPFB_NACK,
    RtcpPacket,
    RtcpPsfbPacket,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSdesPacket,
    RtcpSrPacket,
)
from bench.rtc.rtcp import (
    PAYLOAD_FEEDBACK,
    Part,
    ReportBlock,
    is_rtcp,
    keyframe_requests,
    nacked,
    ntp_time,
    parts,
    picture_loss,
    receiver_report,
    sender_report,
)


def test_another_implementation_reads_our_sender_report() -> None:
    report, description = RtcpPacket.parse(sender_report(5, 1_500_000_000, 9, 2**32 + 3, 4))
    assert isinstance(report, RtcpSrPacket)
    assert isinstance(description, RtcpSdesPacket)
    assert (report.ssrc, report.sender_info.rtp_timestamp, report.sender_info.packet_count) == (5, 9, 3)
    assert report.sender_info.ntp_timestamp == ntp_time(1_500_000_000)
    assert description.chunks[0].items == [(1, b"bench")]


def test_another_implementation_reads_our_receiver_report() -> None:
    blocks = [ReportBlock(number, 64, 10, 70_000, 0, 11, 22) for number in range(40)]
    first, second, _ = RtcpPacket.parse(receiver_report(5, blocks))
    assert isinstance(first, RtcpRrPacket)
    assert isinstance(second, RtcpRrPacket)
    assert (len(first.reports), len(second.reports)) == (31, 9)
    block = second.reports[8]
    assert (block.ssrc, block.fraction_lost, block.packets_lost, block.highest_sequence) == (39, 64, 10, 70_000)
    assert (block.lsr, block.dlsr) == (11, 22)


def test_pli_and_fir_ask_for_a_keyframe() -> None:
    (pli,) = parts(bytes(RtcpPsfbPacket(fmt=RTCP_PSFB_PLI, ssrc=1, media_ssrc=42)))
    assert keyframe_requests(pli) == [42]
    fir = Part(PAYLOAD_FEEDBACK, 4, 1, struct.pack("!IIBxxxIBxxx", 0, 42, 1, 43, 1))
    assert keyframe_requests(fir) == [42, 43]
    assert keyframe_requests(Part(PAYLOAD_FEEDBACK, 15, 1, bytes(12))) == []


def test_our_pli_is_what_others_send() -> None:
    assert picture_loss(1, 42) == bytes(RtcpPsfbPacket(fmt=RTCP_PSFB_PLI, ssrc=1, media_ssrc=42))


def test_a_nack_names_every_lost_packet() -> None:
    (part,) = parts(bytes(RtcpRtpfbPacket(fmt=RTCP_RTPFB_NACK, ssrc=1, media_ssrc=42, lost=[7, 8, 23, 24, 100])))
    assert nacked(part) == (42, [7, 8, 23, 24, 100])
    assert nacked(Part(PAYLOAD_FEEDBACK, 1, 1, bytes(12))) == (0, [])


def test_a_nack_goes_on_past_the_largest_number() -> None:
    assert nacked(Part(205, 1, 1, struct.pack("!IHH", 42, 65_535, 0b1001))) == (42, [65_535, 0, 3])


def test_a_compound_that_runs_over_its_end_stops_there() -> None:
    whole = receiver_report(5, [])
    assert [part.kind for part in parts(whole)] == [201, 202]
    assert [part.kind for part in parts(whole[:-1])] == [201]
    assert list(parts(b"\x80\xc9\xff\xff" + bytes(8))) == []
    assert list(parts(b"")) == []


@pytest.mark.parametrize(("second", "expected"), [(200, True), (206, True), (96, False), (0x80 | 111, False)])
def test_rtcp_is_told_from_rtp_by_its_second_byte(second: int, expected: bool) -> None:
    assert is_rtcp(second) is expected


def test_ntp_counts_from_1900() -> None:
    assert ntp_time(0) >> 32 == 2_208_988_800
    assert ntp_time(500_000_000) & 0xFFFFFFFF == 2**31
