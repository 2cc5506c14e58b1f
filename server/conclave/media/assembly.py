"""From RTP packets in the order of their arrival to whole frames in the order of their numbers.

A gap is waited for as long as a retransmission may take. When it stays, the frame it is in is lost, and of video everything
up to the next keyframe, as no decoder could use it.
"""

from msgspec import Struct

from conclave.media.depacketise import DepacketisationError, Depacketiser

MAX_WAIT_NS = 250_000_000
MAX_HELD_PACKETS = 1_024
MAX_FRAME_BYTES = 8 * 1024 * 1024


class RtpPayload(Struct, frozen=True):
    """`index` is the extended sequence number, `timestamp` the RTP timestamp."""

    index: int
    timestamp: int
    marker: bool
    payload: bytes
    arrival_ns: int


class AssembledFrame(Struct, frozen=True):
    """A frame in decoding order. `arrival_ns` is when its first packet came."""

    data: bytes
    keyframe: bool
    timestamp: int
    arrival_ns: int


class FrameAssembler:
    """One stream of one codec."""

    def __init__(self, depacketiser: Depacketiser, *, video: bool) -> None:
        self.frames_lost = 0
        """Frames and runs of frames that could not be used."""
        self.keyframe_wanted = video
        self._depacketiser = depacketiser
        self._video = video
        self._held: dict[int, RtpPayload] = {}
        self._next: int | None = None
        self._parts: list[RtpPayload] = []
        self._bytes = 0

    def push(self, packet: RtpPayload) -> list[AssembledFrame]:
        """Take a packet and return the frames that are whole now."""
        if self._next is None:
            self._next = packet.index
        if packet.index < self._next:
            return []
        self._held[packet.index] = packet
        return self.expire(packet.arrival_ns)

    def expire(self, now_ns: int) -> list[AssembledFrame]:
        """Give up on gaps that have lasted too long, and return the frames that are whole now."""
        frames = self._run()
        while self._held:
            first = min(self._held)
            oldest_ns = min(packet.arrival_ns for packet in self._held.values())
            if now_ns - oldest_ns < MAX_WAIT_NS and len(self._held) < MAX_HELD_PACKETS:
                break
            self._lose()
            self._next = first
            frames += self._run()
        return frames

    def flush(self) -> list[AssembledFrame]:
        """Return what is whole without what never came."""
        frames: list[AssembledFrame] = self._run()
        while self._held:
            self._lose()
            self._next = min(self._held)
            frames += self._run()
        return frames

    def _run(self) -> list[AssembledFrame]:
        frames: list[AssembledFrame] = []
        while self._next is not None and self._next in self._held:
            packet = self._held.pop(self._next)
            self._next += 1
            self._take(packet, frames)
        return frames

    def _take(self, packet: RtpPayload, frames: list[AssembledFrame]) -> None:
        if not packet.payload:
            return
        if self._parts and self._parts[0].timestamp != packet.timestamp:
            self._finish(frames)
        self._parts.append(packet)
        self._bytes += len(packet.payload)
        if self._bytes > MAX_FRAME_BYTES:
            self._lose()
        elif packet.marker or not self._video:
            self._finish(frames)

    def _finish(self, frames: list[AssembledFrame]) -> None:
        parts, self._parts, self._bytes = self._parts, [], 0
        try:
            frame = self._depacketiser.frame([part.payload for part in parts])
        except DepacketisationError:
            self._lose()
            return
        if self.keyframe_wanted and not frame.keyframe:
            self.frames_lost += 1
            return
        self.keyframe_wanted = False
        frames.append(AssembledFrame(frame.data, frame.keyframe, parts[0].timestamp, parts[0].arrival_ns))

    def _lose(self) -> None:
        self._parts = []
        self._bytes = 0
        self.frames_lost += 1
        self.keyframe_wanted = self._video
