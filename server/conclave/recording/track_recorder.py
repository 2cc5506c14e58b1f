"""One tapped track: packets in, a sealed WebM or Matroska file out, a new file when the codec becomes another."""

from collections.abc import Callable
from typing import Protocol

from conclave.media.assembly import AssembledFrame, FrameAssembler, RtpPayload
from conclave.media.depacketise import CodecFormat, DepacketisationError, Depacketiser, OpusDepacketiser
from conclave.media.depacketise_av1 import Av1Depacketiser
from conclave.media.depacketise_h264 import H264Depacketiser
from conclave.media.depacketise_vp8 import Vp8Depacketiser
from conclave.media.depacketise_vp9 import Vp9Depacketiser
from conclave.media.media_clock import PublisherClock, StreamClock
from conclave.media.webm import Block, Clusters, live_head
from conclave.model.media import MediaKind, TrackSpec
from conclave.plane.plane import TappedPacket, TappedReport
from conclave.recording.sealed import SealedWriter

DEPACKETISERS: dict[str, Callable[[], Depacketiser]] = {
    "audio/opus": OpusDepacketiser,
    "video/VP8": Vp8Depacketiser,
    "video/VP9": Vp9Depacketiser,
    "video/H264": H264Depacketiser,
    "video/AV1": Av1Depacketiser,
}
"""By mime type, for every codec that is forwarded."""


class Files(Protocol):
    """What a track needs of its recording."""

    def begin(self, track: "TrackRecorder", codec: CodecFormat, start_ms: int) -> SealedWriter:
        """Make the next file of a track. Raises OSError."""

    def finished(self, track: "TrackRecorder", duration_ms: int) -> None:
        """The track's file has its end."""

    def clock_ms(self, time_ns: int) -> int | None:
        """Return a time on the recording's clock, None when it was not running."""


class TrackRecorder:
    """Every method may raise OSError."""

    def __init__(self, spec: TrackSpec, publisher: PublisherClock, files: Files) -> None:
        self.spec = spec
        self._video = spec.kind is MediaKind.VIDEO
        self._codecs = {codec.payload_type: codec for codec in spec.codecs}
        self._clock = StreamClock(spec.codecs[0].clock_rate, publisher)
        self._files = files
        self._payload_type = -1
        self._depacketiser: Depacketiser = OpusDepacketiser()
        self._assembler = FrameAssembler(self._depacketiser, video=self._video)
        self._format: CodecFormat | None = None
        self._writer: SealedWriter | None = None
        self._clusters = Clusters()
        self._start_ms = self._last_ms = 0

    @property
    def keyframe_wanted(self) -> bool:
        """A keyframe has to come before anything more can be written."""
        return self._assembler.keyframe_wanted

    def report(self, report: TappedReport) -> None:
        self._clock.report(report.ntp, report.timestamp, report.arrival_ns)

    def packet(self, packet: TappedPacket) -> None:
        if self._files.clock_ms(packet.arrival_ns) is None:
            return
        if packet.payload_type != self._payload_type:
            self._switch(packet.payload_type)
        payload = RtpPayload(packet.sequence_number, packet.timestamp, packet.marker, packet.payload, packet.arrival_ns)
        self._write(self._assembler.push(payload))

    def tick(self, now_ns: int) -> None:
        """Make what is older than a moment readable after a crash."""
        self._write(self._assembler.expire(now_ns))
        if self._writer is not None:
            self._writer.write(self._clusters.flush())
            self._writer.flush()

    def finish(self) -> None:
        self._write(self._assembler.flush())
        self._end_file()

    def abandon(self) -> None:
        """Close the file as it is."""
        if self._writer is not None:
            self._writer.abandon()
            self._writer = None

    def _switch(self, payload_type: int) -> None:
        self.finish()
        codec = self._codecs.get(payload_type)
        self._payload_type = payload_type
        self._depacketiser = DEPACKETISERS[codec.mime_type]() if codec is not None else OpusDepacketiser()
        self._assembler = FrameAssembler(self._depacketiser, video=self._video)

    def _write(self, frames: list[AssembledFrame]) -> None:
        for frame in frames:
            time_ms = self._files.clock_ms(self._clock.time_of(frame.timestamp, frame.arrival_ns))
            if time_ms is None:
                continue
            if (self._writer is None or frame.keyframe) and not self._ready(frame, time_ms):
                continue
            self._last_ms = max(time_ms, self._last_ms)
            assert self._writer is not None
            self._writer.write(self._clusters.add(1, Block(self._last_ms, frame.keyframe, frame.data)))

    def _ready(self, frame: AssembledFrame, time_ms: int) -> bool:
        """Have a file for what begins with `frame`. H.264 needs its parameter sets in the head, others carry them along."""
        try:
            described = self._depacketiser.describe(frame.data)
        except DepacketisationError:
            return self._writer is not None
        same = self._format is not None and (
            described == self._format or (described.codec_id == self._format.codec_id and described.codec_id != "V_MPEG4/ISO/AVC")
        )
        if self._writer is not None and same:
            return True
        self._end_file()
        self._format = described
        self._start_ms = self._last_ms = max(time_ms, self._last_ms)
        self._writer = self._files.begin(self, described, self._start_ms)
        self._writer.write(live_head(described))
        return True

    def _end_file(self) -> None:
        if self._writer is None:
            return
        writer, self._writer = self._writer, None
        writer.write(self._clusters.flush())
        writer.finish()
        self._files.finished(self, self._last_ms - self._start_ms)
