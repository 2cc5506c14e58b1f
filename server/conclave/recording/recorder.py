"""The recorder's thread: reads the plane's tap and writes files, so that neither packets nor meetings wait for a disk."""

import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue
from threading import Thread

from conclave.model.errors import Unavailable
from conclave.model.ids import Entropy, MeetingId, ParticipantId, RecordingId
from conclave.model.media import TrackSource, TrackSpec
from conclave.plane.plane import Plane, TappedPacket, TappedReport
from conclave.ports.recorder import RecordingContents
from conclave.recording.recording_files import RecordingFiles
from conclave.recording.shelf import Shelf

READ_INTERVAL_S = 0.025
TICK_NS = 400_000_000
BATCH = 1024

Order = Callable[[], None]
Failed = Callable[[RecordingId, BaseException], None]


class TapRecorder:
    """ports.recorder.Recorder and Taps. Called in the event loop's thread; `failed` is called in the recorder's."""

    def __init__(
        self, plane: Plane, shelf: Shelf, *, entropy: Entropy, wall: Callable[[], float], failed: Failed, durable: bool
    ) -> None:
        self._plane = plane
        self._shelf = shelf
        self._entropy = entropy
        self._wall = wall
        self._failed = failed
        self._durable = durable
        self._orders: SimpleQueue[Order | None] = SimpleQueue()
        self._recordings: dict[RecordingId, RecordingFiles] = {}
        self._tapped: dict[int, tuple[RecordingId, int]] = {}
        self._ticked_ns = 0
        self._thread: Thread | None = None

    def close(self) -> None:
        """Finish every recording and end the thread."""
        if self._thread is not None:
            self._orders.put(None)
            self._thread.join()
            self._thread = None

    def start(self, recording_id: RecordingId, meeting_id: MeetingId, title: str, started_at_s: float) -> None:
        """See Recorder."""
        contents = RecordingContents(recording_id, meeting_id, title, started_at_s, None, {}, [])
        try:
            folder = self._shelf.add(recording_id, self._entropy, durable=self._durable)
            files = RecordingFiles(folder, contents, time.monotonic_ns())
        except OSError as error:
            raise Unavailable("recorder", error.strerror or "the files cannot be made") from None
        if self._thread is None or not self._thread.is_alive():
            self._thread = Thread(target=self._run, name="recorder", daemon=True)
            self._thread.start()
        self._orders.put(partial(self._recordings.__setitem__, recording_id, files))

    def pause(self, recording_id: RecordingId, paused: bool) -> None:
        """See Recorder."""
        self._put(recording_id, lambda files, now_ns: files.pause(paused, now_ns))

    def stop(self, recording_id: RecordingId) -> None:
        """See Recorder."""
        self._orders.put(partial(self._stop, recording_id))

    def name(self, recording_id: RecordingId, participant_id: ParticipantId, display_name: str) -> None:
        """See Recorder."""
        self._put(recording_id, lambda files, _: files.name(participant_id, display_name))

    def speakers(self, recording_id: RecordingId, participant_ids: tuple[ParticipantId, ...]) -> None:
        """See Recorder."""
        self._put(recording_id, lambda files, now_ns: files.speaking(participant_ids, now_ns))

    def tap(
        self, track: int, spec: TrackSpec, participant_id: ParticipantId, source: TrackSource, recording_id: RecordingId
    ) -> None:
        """See Taps. A packet that came up earlier, while the track was tapped before, is dropped."""

        def add(files: RecordingFiles, now_ns: int) -> None:
            self._tapped[track] = (recording_id, now_ns)
            files.add(track, spec, participant_id, source)

        self._put(recording_id, add)

    def untap(self, track: int) -> None:
        """See Taps. What has come up and waits is dropped: orders are taken after each reading and before what was read."""
        self._orders.put(partial(self._untap, track))

    # --- in the recorder's thread ----------------------------------------------------------------------------------------

    def _put(self, recording_id: RecordingId, change: Callable[[RecordingFiles, int], None]) -> None:
        now_ns = time.monotonic_ns()
        self._orders.put(partial(self._attempt, recording_id, lambda files: change(files, now_ns)))

    def _run(self) -> None:
        try:
            self._take_turns()
        except Exception as error:
            for recording_id in tuple(self._recordings):
                self._give_up(recording_id, error)

    def _take_turns(self) -> None:
        while True:
            try:
                order = self._orders.get(timeout=READ_INTERVAL_S if self._recordings else None)
            except Empty:
                self._turn([])
                continue
            if order is None:
                break
            self._turn([order])
        for recording_id in tuple(self._recordings):
            self._stop(recording_id)

    def _turn(self, orders: list[Order]) -> None:
        """Read, then obey, then write: so nothing is written of a track whose end was ordered before it was read."""
        entries = [entry for lane in range(len(self._plane.addresses)) for entry in self._read(lane)] if self._recordings else []
        while not self._orders.empty():
            order = self._orders.get()
            if order is None:
                self._orders.put(None)
                break
            orders.append(order)
        for order in orders:
            order()
        for entry in entries:
            recording_id, since_ns = self._tapped.get(entry.track, (None, 0))
            if recording_id is not None and (isinstance(entry, TappedReport) or entry.arrival_ns >= since_ns):
                self._attempt(recording_id, partial(_take, entry))
        now_ns = time.monotonic_ns()
        if now_ns - self._ticked_ns >= TICK_NS:
            self._ticked_ns = now_ns
            for recording_id in tuple(self._recordings):
                self._attempt(recording_id, partial(self._tick, now_ns))

    def _read(self, lane: int) -> list[TappedPacket | TappedReport]:
        entries = self._plane.read_tap(lane, BATCH)
        while len(more := self._plane.read_tap(lane, BATCH)) == BATCH:
            entries += more
        return entries + more

    def _tick(self, now_ns: int, files: RecordingFiles) -> None:
        files.tick(now_ns)
        for track, recorder in files.tracks.items():
            if recorder.keyframe_wanted and files.clock_ms(now_ns) is not None:
                try:
                    self._plane.request_keyframe(track)
                except (KeyError, RuntimeError):
                    continue

    def _untap(self, track: int) -> None:
        recording_id, _ = self._tapped.pop(track, (None, 0))
        if recording_id is not None:
            self._attempt(recording_id, lambda files: files.remove(track))

    def _stop(self, recording_id: RecordingId) -> None:
        self._attempt(recording_id, lambda files: files.finish(time.monotonic_ns(), self._wall()))
        self._forget(recording_id)

    def _attempt(self, recording_id: RecordingId, change: Callable[[RecordingFiles], None]) -> None:
        """Do something with a recording that still is one; whatever goes wrong ends this recording and no other."""
        files = self._recordings.get(recording_id)
        if files is None:
            return
        try:
            change(files)
        except Exception as error:
            self._give_up(recording_id, error)

    def _give_up(self, recording_id: RecordingId, error: Exception) -> None:
        files = self._recordings[recording_id]
        self._forget(recording_id)
        with suppress(OSError):
            files.abandon()
        self._failed(recording_id, error)

    def _forget(self, recording_id: RecordingId) -> None:
        self._recordings.pop(recording_id, None)
        self._tapped = {track: known for track, known in self._tapped.items() if known[0] != recording_id}


def _take(entry: TappedPacket | TappedReport, files: RecordingFiles) -> None:
    track = files.tracks.get(entry.track)
    if track is None:
        return
    if isinstance(entry, TappedPacket):
        track.packet(entry)
    else:
        track.report(entry)
