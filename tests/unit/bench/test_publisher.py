import asyncio
import struct

from bench.pacing import Pacer
from bench.publisher import Publisher
from bench.rtc.rtcp import PAYLOAD_FEEDBACK, SENDER_REPORT, TRANSPORT_FEEDBACK, Part, parts
from bench.rtc.rtp import AUDIO, VIDEO


class Wire:
    """Keeps what a transport would send."""

    def __init__(self) -> None:
        self.on_rtcp = None
        self.rtp: list[bytes] = []
        self.reports: list[bytes] = []
        self.enough = asyncio.Event()

    def send_rtp(self, packet: bytes) -> None:
        self.rtp.append(packet)

    def send_rtp_burst(self, packets: list[bytes]) -> None:
        self.rtp += packets
        if self.reports and len(self.rtp) > 20:
            self.enough.set()

    def send_rtcp(self, compound: bytes) -> None:
        self.reports.append(compound)


async def test_a_publisher_sends_its_streams_and_reports_until_it_stops() -> None:
    wire, pacer, publisher = Wire(), Pacer(), Publisher(7)
    publisher.start(wire, pacer)  # type: ignore[arg-type]
    await asyncio.wait_for(wire.enough.wait(), 10)
    publisher.stop()
    pacer.close()
    sent = publisher.sent()
    assert set(sent) == {(7, AUDIO), (7, VIDEO)}
    assert sum(sent.values()) == len(wire.rtp)
    assert {next(parts(report)).kind for report in wire.reports} == {SENDER_REPORT}


def test_sections_name_what_is_published() -> None:
    both, silent = Publisher(1), Publisher(1, audio=False)
    assert [(section.kind, section.mid) for section in both.sections] == [("audio", "0"), ("video", "1")]
    assert [section.kind for section in silent.sections] == ["video"]
    assert silent.video is not None
    assert silent.sections[0].rtx_ssrc == silent.video.rtx_ssrc


def test_a_keyframe_request_for_ones_own_video_is_met() -> None:
    publisher = Publisher(1)
    assert publisher.video is not None
    publisher.video.next(1)
    publisher.take_rtcp(Part(PAYLOAD_FEEDBACK, 1, 9, struct.pack("!I", 123)))
    assert not publisher.video.keyframe_wanted
    publisher.take_rtcp(Part(PAYLOAD_FEEDBACK, 1, 9, struct.pack("!I", publisher.video.ssrc)))
    assert publisher.video.keyframe_wanted
    assert publisher.keyframe_requests == 1


async def test_a_nack_is_answered_with_a_retransmission() -> None:
    wire, pacer, publisher = Wire(), Pacer(), Publisher(1)
    publisher.start(wire, pacer)  # type: ignore[arg-type]
    assert publisher.video is not None
    lost = struct.unpack_from("!H", publisher.video.next(1)[1], 2)[0]
    publisher.take_rtcp(Part(TRANSPORT_FEEDBACK, 1, 9, struct.pack("!IHH", publisher.video.ssrc, lost, 0)))
    publisher.stop()
    pacer.close()
    assert publisher.retransmitted == 1
    assert struct.unpack_from("!I", wire.rtp[0], 8)[0] == publisher.video.rtx_ssrc


def test_without_video_feedback_is_ignored() -> None:
    publisher = Publisher(1, video=False)
    publisher.take_rtcp(Part(PAYLOAD_FEEDBACK, 1, 9, bytes(4)))
    assert publisher.keyframe_requests == 0
