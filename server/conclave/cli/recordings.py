"""conclave recording: what was recorded, and out of its encryption into a directory."""

import os
from collections.abc import Iterable
from pathlib import Path

import msgspec

from conclave.app.recordings import open_shelf
from conclave.config.settings import Settings
from conclave.model.ids import RecordingId
from conclave.recording.shelf import SPEAKERS_JSON

FILE_MODE = 0o600
DIRECTORY_MODE = 0o700


def list_recordings(settings: Settings) -> list[str]:
    """Return a line for each recording. Raises Refused, Unavailable, MasterKeyError."""
    shelf = open_shelf(Path(settings.state.directory))
    lines = []
    for recording_id in shelf.ids():
        contents = shelf.contents(recording_id)
        state = "finished" if contents.ended_at_s is not None else "unfinished"
        lines.append(f"{recording_id}  meeting {contents.meeting_id}  {len(contents.files)} files  {state}")
    return lines


def export_recording(settings: Settings, recording_id: str, output: Path) -> list[Path]:
    """Write one file per participant, who spoke when, and contents.json into `output`, readable by this user alone.

    Raises Refused, Unavailable, MasterKeyError, OSError; a file that exists is not overwritten.
    """
    shelf = open_shelf(Path(settings.state.directory))
    wanted = RecordingId(recording_id)
    contents = shelf.contents(wanted)
    output.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
    written = [_write(output / "contents.json", [msgspec.json.format(msgspec.json.encode(contents))])]
    names = [*dict.fromkeys(f"{file.participant_id}.webm" for file in contents.files), SPEAKERS_JSON]
    return written + [_write(output / name, shelf.stream(wanted, name)) for name in names]


def _write(path: Path, pieces: Iterable[bytes]) -> Path:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE), "wb") as file:
        for piece in pieces:
            file.write(piece)
    return path
