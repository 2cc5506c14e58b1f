"""Without a recorder nothing starts and nothing is found."""

import pytest

from conclave.model.errors import ErrorCode, Refused, Unavailable
from conclave.model.ids import MeetingId, ParticipantId, RecordingId
from conclave.ports.recorder import Archive, NoArchive, NoRecorder, NoTaps, Recorder, Taps

ONE = RecordingId("r" * 16)


def test_a_server_without_a_recorder_starts_none_and_takes_every_other_order() -> None:
    recorder: Recorder = NoRecorder()
    with pytest.raises(Unavailable, match="does not record"):
        recorder.start(ONE, MeetingId("m" * 16), "Weekly", 0.0)
    recorder.pause(ONE, True)
    recorder.name(ONE, ParticipantId("p" * 16), "Ada")
    recorder.speakers(ONE, ())
    recorder.stop(ONE)
    taps: Taps = NoTaps()
    taps.untap(1)


def test_a_server_without_an_archive_finds_nothing() -> None:
    archive: Archive = NoArchive()
    for ask in (lambda: archive.contents(ONE), lambda: archive.stream(ONE, "speakers.json")):
        with pytest.raises(Refused) as refusal:
            ask()
        assert refusal.value.code is ErrorCode.NOT_FOUND
