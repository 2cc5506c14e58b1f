"""The recorder's thread over a tap that gives what the test puts into it."""

import os
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest
from tests.support.tapped import ANN, AUDIO_SPEC, ONE, PICTURE, SECOND, SOUND, VIDEO_SPEC, picture, shelf_in, sound

from conclave.model.errors import Unavailable
from conclave.model.ids import MeetingId, RecordingId
from conclave.model.media import TrackSource
from conclave.plane.plane import LaneAddress, TappedPacket, TappedReport
from conclave.recording.recorder import TapRecorder
from conclave.recording.shelf import Shelf

MEETING = MeetingId("m" * 16)
Entry = TappedPacket | TappedReport


class TapInMemory:
    """The tap of a plane with one lane. `read` is set whenever everything has been taken."""

    addresses = (LaneAddress("127.0.0.1", 1),)

    def __init__(self) -> None:
        self.entries: deque[Entry] = deque()
        self.keyframes: list[int] = []

    def read_tap(self, lane: int = 0, limit: int = 512) -> list[Entry]:
        assert lane == 0
        return [self.entries.popleft() for _ in range(min(limit, len(self.entries)))]

    def request_keyframe(self, track: int) -> None:
        self.keyframes.append(track)
        if track != PICTURE:
            raise KeyError(track)


class Room:
    """A recorder with its shelf; `failures` is what it has given up on."""

    def __init__(self, directory: Path) -> None:
        self.tap = TapInMemory()
        self.shelf: Shelf = shelf_in(directory)
        self.failures: list[RecordingId] = []
        self.failed = Event()
        self.recorder = TapRecorder(
            self.tap,  # type: ignore[arg-type]
            self.shelf,
            entropy=os.urandom,
            wall=lambda: 2_000.0,
            failed=self._fail,
            durable=False,
        )

    def _fail(self, recording_id: RecordingId, _: BaseException) -> None:
        self.failures.append(recording_id)
        self.failed.set()

    def start(self, recording_id: RecordingId = ONE) -> None:
        self.recorder.start(recording_id, MEETING, "Weekly", 1_000.0)

    def sound(self, *numbers: int) -> None:
        self.tap.entries.extend(sound(number, time.monotonic_ns()) for number in numbers)

    def settle(self) -> None:
        """Wait until the thread has taken everything, and then has gone round once more."""
        for _ in range(2):
            turned = Event()
            self.recorder._orders.put(turned.set)
            assert turned.wait(5)

    def durations(self, recording_id: RecordingId = ONE) -> list[tuple[str, bool]]:
        return [(file.source, file.complete) for file in self.shelf.contents(recording_id).files]


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    opened = Room(tmp_path)
    yield opened
    opened.recorder.close()


def test_what_comes_up_of_tapped_tracks_is_in_the_recording(room: Room) -> None:
    room.start()
    room.recorder.name(ONE, ANN, "Ann")
    room.recorder.tap(SOUND, AUDIO_SPEC, ANN, TrackSource.MICROPHONE, ONE)
    room.settle()
    room.sound(*range(10))
    room.settle()
    room.recorder.stop(ONE)
    room.settle()
    contents = room.shelf.contents(ONE)
    assert (contents.meeting_id, contents.ended_at_s, contents.participants) == (MEETING, 2_000.0, {ANN: "Ann"})
    assert room.durations() == [("microphone", True)]
    assert room.failures == []


def test_a_track_that_was_not_tapped_or_is_no_longer_is_not_in_it(room: Room) -> None:
    room.start()
    room.sound(*range(5))
    room.settle()
    room.recorder.tap(SOUND, AUDIO_SPEC, ANN, TrackSource.MICROPHONE, ONE)
    room.settle()
    room.recorder.untap(SOUND)
    room.sound(*range(5))
    room.settle()
    room.recorder.stop(ONE)
    room.settle()
    assert room.durations() == []


def test_nothing_that_waited_when_a_track_was_withdrawn_is_written(room: Room) -> None:
    room.start()
    room.recorder.tap(SOUND, AUDIO_SPEC, ANN, TrackSource.MICROPHONE, ONE)
    room.settle()
    room.recorder._turn([lambda: room.sound(*range(100)), lambda: room.recorder._untap(SOUND)])
    room.settle()
    assert room.durations() == []


def test_nothing_that_came_up_before_a_track_was_tapped_is_written(room: Room) -> None:
    """The tail of a recording before waits in the ring until the next recording of the same track reads it."""
    room.start()
    room.tap.entries.extend(sound(number, time.monotonic_ns() - SECOND) for number in range(5))
    room.recorder.tap(SOUND, AUDIO_SPEC, ANN, TrackSource.MICROPHONE, ONE)
    room.settle()
    room.recorder.stop(ONE)
    room.settle()
    assert room.durations() == []


def test_a_pause_is_not_in_the_recording(room: Room) -> None:
    room.start()
    room.recorder.tap(SOUND, AUDIO_SPEC, ANN, TrackSource.MICROPHONE, ONE)
    room.recorder.pause(ONE, True)
    room.settle()
    room.sound(*range(5))
    room.settle()
    assert room.durations() == []
    room.recorder.pause(ONE, False)
    room.settle()
    room.sound(*range(5))
    room.settle()
    room.recorder.stop(ONE)
    room.settle()
    assert len(room.durations()) == 1


def test_video_that_waits_for_a_keyframe_asks_for_one(room: Room) -> None:
    room.start()
    room.recorder.tap(PICTURE, VIDEO_SPEC, ANN, TrackSource.CAMERA, ONE)
    room.recorder.tap(SOUND + 90, VIDEO_SPEC, ANN, TrackSource.SCREEN, ONE)
    room.tap.entries.append(picture(1, time.monotonic_ns()))
    deadline = time.monotonic() + 5
    while PICTURE not in room.tap.keyframes and time.monotonic() < deadline:
        room.settle()
    assert PICTURE in room.tap.keyframes
    assert room.failures == []


def test_a_recording_that_cannot_be_made_is_unavailable(room: Room) -> None:
    room.start()
    with pytest.raises(Unavailable):
        room.start()


def test_a_recording_whose_files_fail_ends_alone(room: Room, tmp_path: Path) -> None:
    other = RecordingId("o" * 16)
    room.start()
    room.start(other)
    room.recorder.tap(SOUND, AUDIO_SPEC, ANN, TrackSource.MICROPHONE, ONE)
    folder = tmp_path / "recordings" / ONE
    (folder / f"{AUDIO_SPEC.track_id}-0").write_bytes(b"in the way")
    room.settle()
    room.sound(0)
    assert room.failed.wait(5)
    assert room.failures == [ONE]
    room.recorder.stop(other)
    room.settle()
    assert room.shelf.contents(other).ended_at_s == 2_000.0
    assert room.shelf.contents(ONE).ended_at_s is None


def test_a_failure_that_is_nobodys_ends_every_recording_and_the_next_begins_anew(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: int) -> list[Entry]:
        raise RuntimeError("the plane is gone")

    other = RecordingId("o" * 16)
    room.start()
    with monkeypatch.context() as patch:
        patch.setattr(room.tap, "read_tap", fail)
        assert room.failed.wait(5)
    assert room.failures == [ONE]
    assert room.recorder._thread is not None
    room.recorder._thread.join(5)
    room.start(other)
    room.recorder.stop(other)
    room.settle()
    assert room.shelf.contents(other).ended_at_s == 2_000.0


def test_closing_finishes_every_recording(room: Room) -> None:
    room.start()
    room.recorder.speakers(ONE, (ANN,))
    room.recorder.close()
    room.recorder.close()
    assert room.shelf.contents(ONE).ended_at_s == 2_000.0


def test_orders_for_a_recording_that_is_over_do_no_harm(room: Room) -> None:
    room.start()
    room.recorder.stop(ONE)
    room.recorder.tap(SOUND, AUDIO_SPEC, ANN, TrackSource.MICROPHONE, ONE)
    room.recorder.pause(ONE, True)
    room.recorder.untap(SOUND)
    room.recorder.stop(ONE)
    room.settle()
    assert room.failures == []
