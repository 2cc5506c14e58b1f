"""One recording while it runs: its clock, its manifest, its tracks and the index of who spoke. Used by one thread alone."""

import msgspec

from conclave.media.depacketise import CodecFormat
from conclave.media.media_clock import PublisherClock
from conclave.media.spoken import SpokenIndex
from conclave.model.ids import ParticipantId
from conclave.model.media import TrackSource, TrackSpec
from conclave.ports.recorder import RecordedFile, RecordingContents
from conclave.recording.sealed import SealedWriter
from conclave.recording.shelf import SPEAKERS, Folder
from conclave.recording.track_recorder import TrackRecorder


class RecordingFiles:
    """track_recorder.Files. Every method may raise OSError."""

    def __init__(self, folder: Folder, contents: RecordingContents, start_ns: int) -> None:
        self.tracks: dict[int, TrackRecorder] = {}
        self._folder = folder
        self._contents = contents
        self._pauses: list[tuple[int, int | None]] = []
        self._start_ns = start_ns
        self._owners: dict[TrackRecorder, tuple[ParticipantId, TrackSource]] = {}
        self._publishers: dict[ParticipantId, PublisherClock] = {}
        self._named: dict[TrackRecorder, int] = {}
        self._segments: dict[str, int] = {}
        self._spoken = SpokenIndex()
        self._speakers = folder.create(SPEAKERS)
        folder.write_manifest(contents)

    def clock_ms(self, time_ns: int) -> int | None:
        """See Files. Time before the start counts as the start."""
        paused_ns = 0
        for began_ns, ended_ns in self._pauses:
            if time_ns < began_ns:
                break
            if ended_ns is None or time_ns < ended_ns:
                return None
            paused_ns += ended_ns - began_ns
        return max(0, time_ns - self._start_ns - paused_ns) // 1_000_000

    def pause(self, paused: bool, now_ns: int) -> None:
        if paused:
            self.speaking((), now_ns)
            self._pauses.append((now_ns, None))
        elif self._pauses and self._pauses[-1][1] is None:
            self._pauses[-1] = (self._pauses[-1][0], now_ns)

    def add(self, track: int, spec: TrackSpec, participant_id: ParticipantId, source: TrackSource) -> None:
        publisher = self._publishers.setdefault(participant_id, PublisherClock())
        recorder = self.tracks[track] = TrackRecorder(spec, publisher, self)
        self._owners[recorder] = (participant_id, source)

    def remove(self, track: int) -> None:
        recorder = self.tracks.pop(track, None)
        if recorder is not None:
            recorder.finish()
            del self._owners[recorder]

    def name(self, participant_id: ParticipantId, display_name: str) -> None:
        self._contents.participants[participant_id] = display_name
        self._folder.write_manifest(self._contents)

    def speaking(self, participant_ids: tuple[ParticipantId, ...], now_ns: int) -> None:
        now_ms = self.clock_ms(now_ns)
        if now_ms is not None:
            self._speakers.write(self._spoken.speaking(participant_ids, now_ms))

    def tick(self, now_ns: int) -> None:
        for recorder in tuple(self.tracks.values()):
            recorder.tick(now_ns)
        now_ms = self.clock_ms(now_ns)
        if now_ms is not None:
            self._speakers.write(self._spoken.checkpoint(now_ms))
        self._speakers.flush()

    def finish(self, now_ns: int, ended_at_s: float) -> None:
        for track in tuple(self.tracks):
            self.remove(track)
        self.speaking((), now_ns)
        self._speakers.finish()
        self._replace(ended_at_s=ended_at_s)

    def abandon(self) -> None:
        """Close everything as it is, after a failure."""
        for recorder in self.tracks.values():
            recorder.abandon()
        self._speakers.abandon()

    # --- what tracks ask -----------------------------------------------------------------------------------------------

    def begin(self, track: TrackRecorder, codec: CodecFormat, start_ms: int) -> SealedWriter:
        participant_id, source = self._owners[track]
        number = self._segments.get(track.spec.track_id, 0)
        self._segments[track.spec.track_id] = number + 1
        name = f"{track.spec.track_id}-{number}"
        writer = self._folder.create(name)
        self._named[track] = len(self._contents.files)
        file = RecordedFile(name, participant_id, source, codec.codec_id, start_ms, 0, False)
        self._replace(files=[*self._contents.files, file])
        return writer

    def finished(self, track: TrackRecorder, duration_ms: int) -> None:
        files = list(self._contents.files)
        at = self._named.pop(track)
        files[at] = msgspec.structs.replace(files[at], duration_ms=duration_ms, complete=True)
        self._replace(files=files)

    def _replace(self, **changes: object) -> None:
        self._contents = msgspec.structs.replace(self._contents, **changes)
        self._folder.write_manifest(self._contents)
