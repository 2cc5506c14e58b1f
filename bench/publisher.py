"""A publisher: prepared sources sent at their cadence, keyframes and retransmissions when the server asks, sender reports."""

import random
import time

from bench.pacing import NS_PER_S, Cadence, Pacer
from bench.rtc.rtcp import Part, keyframe_requests, nacked, sender_report
from bench.rtc.rtp import AUDIO_HZ, VIDEO_HZ, AudioSource, Source, VideoSource
from bench.rtc.sdp import SendSection
from bench.rtc.transport import MediaTransport

AUDIO_MID = "0"
VIDEO_MID = "1"
REPORTS_HZ = 1


class Publisher:
    """The media of one participant. `number` is its stamp in every packet (0 to 65,535)."""

    def __init__(self, number: int, *, audio: bool = True, video: bool = True) -> None:
        self.number = number
        self.audio = AudioSource(publisher=number, ssrc=_new_ssrc(), mid=AUDIO_MID) if audio else None
        self.video = VideoSource(publisher=number, ssrc=_new_ssrc(), rtx_ssrc=_new_ssrc(), mid=VIDEO_MID) if video else None
        self.keyframe_requests = 0
        self.retransmitted = 0
        self._transport: MediaTransport | None = None
        self._pacer: Pacer | None = None
        self._tasks: list[int] = []

    @property
    def sections(self) -> list[SendSection]:
        """The m-sections of the publisher's offer."""
        sections = []
        if self.audio is not None:
            sections.append(SendSection(AUDIO_MID, "audio", self.audio.ssrc, None))
        if self.video is not None:
            sections.append(SendSection(VIDEO_MID, "video", self.video.ssrc, self.video.rtx_ssrc))
        return sections

    def sent(self) -> dict[tuple[int, int], int]:
        """Return how many packets each stream has sent: (publisher, kind) -> count."""
        return {(self.number, source.kind): source.packets for source in self._sources}

    def start(self, transport: MediaTransport, pacer: Pacer) -> None:
        """Begin to send, at a random phase so that many publishers do not beat as one."""
        self._transport = transport
        self._pacer = pacer
        transport.on_rtcp = self.take_rtcp
        now_ns = time.monotonic_ns()
        if self.audio is not None:
            cadence = Cadence(now_ns + random.randrange(NS_PER_S // AUDIO_HZ), AUDIO_HZ)
            self._tasks.append(pacer.add(cadence, self._send_audio))
        if self.video is not None:
            cadence = Cadence(now_ns + random.randrange(NS_PER_S // VIDEO_HZ), VIDEO_HZ)
            self._tasks.append(pacer.add(cadence, self._send_video))
        self._tasks.append(pacer.add(Cadence(now_ns + random.randrange(NS_PER_S), REPORTS_HZ), self._send_reports))

    def stop(self) -> None:
        if self._pacer is not None:
            for task in self._tasks:
                self._pacer.remove(task)
        self._tasks = []

    def take_rtcp(self, part: Part) -> None:
        """Answer a keyframe request with the next frame and a NACK with RTX."""
        video = self.video
        if video is None:
            return
        if video.ssrc in keyframe_requests(part):
            self.keyframe_requests += 1
            video.keyframe_wanted = True
        media_ssrc, lost = nacked(part)
        if media_ssrc == video.ssrc and self._transport is not None:
            for sequence_number in lost:
                packet = video.retransmission(sequence_number)
                if packet is not None:
                    self.retransmitted += 1
                    self._transport.send_rtp(packet)

    @property
    def _sources(self) -> list[Source]:
        return [source for source in (self.audio, self.video) if source is not None]

    def _send_audio(self) -> None:
        assert self.audio is not None
        assert self._transport is not None
        self._transport.send_rtp_burst(self.audio.next(time.time_ns()))

    def _send_video(self) -> None:
        assert self.video is not None
        assert self._transport is not None
        self._transport.send_rtp_burst(self.video.next(time.time_ns()))

    def _send_reports(self) -> None:
        assert self._transport is not None
        now_ns = time.time_ns()
        for source in self._sources:
            if source.packets:
                report = sender_report(source.ssrc, now_ns, source.timestamp, source.packets, source.octets)
                self._transport.send_rtcp(report)


def _new_ssrc() -> int:
    return random.randrange(1, 2**32)
