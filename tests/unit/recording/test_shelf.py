import os
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.tapped import ANN, AUDIO_SPEC, ONE, PICTURE, SECOND, SOUND, VIDEO_SPEC, picture, shelf_in, sound

from conclave.media.ebml import read_element
from conclave.model.errors import ErrorCode, Refused, Unavailable
from conclave.model.ids import MeetingId, RecordingId
from conclave.model.media import TrackSource
from conclave.ports.recorder import RecordingContents
from conclave.recording.recording_files import RecordingFiles
from conclave.recording.shelf import Shelf


def recorded(directory: Path, *, finish: bool = True) -> Shelf:
    shelf = shelf_in(directory)
    contents = RecordingContents(ONE, "m" * 16, "Weekly", 1_000.0, None, {}, [])
    files = RecordingFiles(shelf.add(ONE, os.urandom, durable=False), contents, 0)
    files.add(SOUND, AUDIO_SPEC, ANN, TrackSource.MICROPHONE)
    files.add(PICTURE, VIDEO_SPEC, ANN, TrackSource.CAMERA)
    for number in range(50):
        files.tracks[SOUND].packet(sound(number))
        if number % 2 == 0:
            files.tracks[PICTURE].packet(picture(number // 2))
    files.tick(2 * SECOND)
    if finish:
        files.finish(2 * SECOND, 1_002.0)
    else:
        files.abandon()
    return shelf


def folder(directory: Path) -> Path:
    return directory / "recordings" / ONE


@pytest.mark.parametrize("finish", [True, False])
def test_a_participants_file_has_picture_and_sound_also_after_a_crash(tmp_path: Path, finish: bool) -> None:
    data = b"".join(recorded(tmp_path, finish=finish).stream(ONE, f"{ANN}.webm"))
    assert data.index(b"V_VP8") < data.index(b"A_OPUS")
    head = read_element(data, 0)
    assert head is not None
    assert head.number == 0x1A45DFA3


def test_a_single_track_can_be_read_too(tmp_path: Path) -> None:
    data = b"".join(recorded(tmp_path).stream(ONE, f"{AUDIO_SPEC.track_id}-0.webm"))
    assert b"A_OPUS" in data
    assert b"V_VP8" not in data


def test_a_recording_knows_its_meeting_and_the_shelf_its_recordings(tmp_path: Path) -> None:
    assert shelf_in(tmp_path).ids() == []
    shelf = recorded(tmp_path)
    assert shelf.ids() == [ONE]
    assert shelf.meeting_of(ONE) == MeetingId("m" * 16)


@pytest.mark.parametrize("name", ["", "x.webm", "../manifest", "manifest", "speakers", ANN, f"{ANN}.mp4", "speakers.json.webm"])
def test_names_that_are_no_files_of_the_recording_are_not_found(tmp_path: Path, name: str) -> None:
    with pytest.raises(Refused) as refusal:
        recorded(tmp_path).stream(ONE, name)
    assert refusal.value.code is ErrorCode.NOT_FOUND


@pytest.mark.parametrize("name", ["", "q" * 16, "../recordings", "..", "r" * 17, "r" * 15 + "/"])
def test_ids_that_are_no_recordings_are_not_found(tmp_path: Path, name: str) -> None:
    with pytest.raises(Refused) as refusal:
        recorded(tmp_path).contents(RecordingId(name))
    assert refusal.value.code is ErrorCode.NOT_FOUND


def damage(path: Path, change: Callable[[bytes], bytes]) -> None:
    path.write_bytes(change(path.read_bytes()))


@pytest.mark.parametrize(
    "change",
    [lambda data: data[:-30], lambda data: data[:200] + b"x" + data[201:], lambda data: data[:0], lambda data: data + b"more"],
    ids=["end cut off", "changed", "emptied", "appended"],
)
def test_a_finished_file_that_was_changed_is_unavailable(tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    shelf = recorded(tmp_path)
    damage(folder(tmp_path) / f"{AUDIO_SPEC.track_id}-0", change)
    with pytest.raises(Unavailable):
        b"".join(shelf.stream(ONE, f"{ANN}.webm"))


def test_a_file_of_another_recording_cannot_take_the_place_of_one(tmp_path: Path) -> None:
    shelf = recorded(tmp_path)
    (tmp_path / "other").mkdir()
    recorded(tmp_path / "other")
    foreign = folder(tmp_path / "other") / f"{AUDIO_SPEC.track_id}-0"
    foreign.replace(folder(tmp_path) / f"{AUDIO_SPEC.track_id}-0")
    with pytest.raises(Unavailable):
        b"".join(shelf.stream(ONE, f"{ANN}.webm"))


@pytest.mark.parametrize("name", ["manifest", "speakers"])
def test_an_index_of_a_finished_recording_that_lost_its_end_is_unavailable(tmp_path: Path, name: str) -> None:
    shelf = recorded(tmp_path)
    damage(folder(tmp_path) / name, lambda data: data[:-20])
    with pytest.raises(Unavailable):
        b"".join(shelf.stream(ONE, "speakers.json"))


@pytest.mark.parametrize("name", ["manifest", "speakers"])
def test_a_changed_manifest_or_index_is_unavailable(tmp_path: Path, name: str) -> None:
    shelf = recorded(tmp_path)
    damage(folder(tmp_path) / name, lambda data: data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(Unavailable):
        b"".join(shelf.stream(ONE, "speakers.json"))


def test_nothing_that_was_said_or_shown_nor_who_it_was_is_readable_on_the_disk(tmp_path: Path) -> None:
    recorded(tmp_path)
    data = b"".join(path.read_bytes() for path in folder(tmp_path).rglob("*") if path.is_file())
    for known in (b"OpusHead", b"V_VP8", b"Weekly", ANN.encode(), b"delta", b"\xfc" + bytes([7]) * 20):
        assert known not in data
