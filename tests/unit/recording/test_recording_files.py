import os
from pathlib import Path

from msgspec.json import decode
from tests.support.tapped import ANN, AUDIO_SPEC, MS, ONE, SECOND, SOUND, shelf_in, sound

from conclave.media.spoken import Turn
from conclave.model.media import TrackSource
from conclave.ports.recorder import RecordingContents
from conclave.recording.recording_files import RecordingFiles
from conclave.recording.shelf import Shelf


def started(directory: Path, start_ns: int = 0) -> tuple[RecordingFiles, Shelf]:
    shelf = shelf_in(directory)
    contents = RecordingContents(ONE, "m" * 16, "Weekly", 1_000.0, None, {}, [])
    return RecordingFiles(shelf.add(ONE, os.urandom, durable=False), contents, start_ns), shelf


def test_time_counts_from_the_start_and_leaves_pauses_out(tmp_path: Path) -> None:
    files, _ = started(tmp_path, 10 * SECOND)
    assert files.clock_ms(9 * SECOND) == 0
    assert files.clock_ms(11 * SECOND) == 1_000
    files.pause(True, 12 * SECOND)
    assert files.clock_ms(13 * SECOND) is None
    files.pause(False, 15 * SECOND)
    files.pause(False, 16 * SECOND)
    assert files.clock_ms(11 * SECOND) == 1_000
    assert files.clock_ms(15 * SECOND) == 2_000
    assert files.clock_ms(16 * SECOND) == 3_000
    files.abandon()


def test_the_manifest_names_every_file_from_its_beginning(tmp_path: Path) -> None:
    files, shelf = started(tmp_path)
    files.name(ANN, "Ann")
    files.add(SOUND, AUDIO_SPEC, ANN, TrackSource.MICROPHONE)
    for number in range(50):
        files.tracks[SOUND].packet(sound(number))
    files.tick(SECOND)
    contents = shelf.contents(ONE)
    assert contents.participants == {ANN: "Ann"}
    assert [(file.name, file.participant_id, file.complete) for file in contents.files] == [
        (AUDIO_SPEC.track_id + "-0", ANN, False)
    ]
    assert contents.files[0].duration_ms == 980
    files.finish(2 * SECOND, 1_002.0)
    finished = shelf.contents(ONE)
    assert (finished.ended_at_s, finished.files[0].complete, finished.files[0].duration_ms) == (1_002.0, True, 980)


def test_a_track_that_comes_again_gets_another_file(tmp_path: Path) -> None:
    files, shelf = started(tmp_path)
    for turn in range(2):
        files.add(SOUND, AUDIO_SPEC, ANN, TrackSource.MICROPHONE)
        files.tracks[SOUND].packet(sound(turn * 50))
        files.remove(SOUND)
    files.remove(SOUND)
    files.finish(SECOND, 1_001.0)
    assert [file.name[-2:] for file in shelf.contents(ONE).files] == ["-0", "-1"]


def test_who_spoke_is_written_with_the_pauses_left_out(tmp_path: Path) -> None:
    files, shelf = started(tmp_path)
    files.speaking((ANN,), 100 * MS)
    files.tick(1_500 * MS)
    files.pause(True, 2 * SECOND)
    files.speaking((ANN,), 3 * SECOND)
    files.pause(False, 4 * SECOND)
    files.speaking((ANN,), 5 * SECOND)
    files.finish(6 * SECOND, 1_006.0)
    turns = decode(b"".join(shelf.stream(ONE, "speakers.json")), type=list[Turn])
    assert turns == [Turn(ANN, 100, 2_000), Turn(ANN, 3_000, 4_000)]
