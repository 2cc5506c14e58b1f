"""A recording of one participant, made without a meeting."""

import os
from pathlib import Path

from tests.support.tapped import ANN, AUDIO_SPEC, ONE, PICTURE, SECOND, SOUND, VIDEO_SPEC, picture, sound

from conclave.app.recordings import open_shelf
from conclave.model.media import TrackSource
from conclave.ports.recorder import RecordingContents
from conclave.recording.recording_files import RecordingFiles


def put_recording(state: Path, meeting_id: str) -> None:
    """Put a second of Ann into the recordings of a state directory."""
    contents = RecordingContents(ONE, meeting_id, "Weekly", 1_000.0, None, {ANN: "Ann"}, [])
    files = RecordingFiles(open_shelf(state).add(ONE, os.urandom, durable=False), contents, 0)
    files.add(SOUND, AUDIO_SPEC, ANN, TrackSource.MICROPHONE)
    files.add(PICTURE, VIDEO_SPEC, ANN, TrackSource.CAMERA)
    for number in range(50):
        files.tracks[SOUND].packet(sound(number))
        if number % 2 == 0:
            files.tracks[PICTURE].packet(picture(number // 2))
    files.finish(SECOND, 1_001.0)
