"""Doors to recording: what a meeting orders, what the media pump tells, and what may be taken out again.

No call waits for the disk longer than a file's creation. Times are Unix seconds unless a name says otherwise.
"""

from collections.abc import Iterator
from typing import Protocol

from msgspec import Struct

from conclave.model.errors import ErrorCode, Refused, Unavailable
from conclave.model.ids import MeetingId, ParticipantId, RecordingId
from conclave.model.media import TrackSource, TrackSpec


class Taps(Protocol):
    """Hears from the media pump which of the plane's tracks are tapped."""

    def tap(
        self, track: int, spec: TrackSpec, participant_id: ParticipantId, source: TrackSource, recording_id: RecordingId
    ) -> None:
        """Packets of `track`, a number of the plane's, are about to come up."""

    def untap(self, track: int) -> None:
        """Take nothing of `track` any more, not even what came up already."""


class Recorder(Protocol):
    """What a meeting orders. Only `start` can fail; what goes wrong later ends the recording with a call of its own."""

    def start(self, recording_id: RecordingId, meeting_id: MeetingId, title: str, started_at_s: float) -> None:
        """Make the recording. Raises Unavailable, and then there is none."""

    def pause(self, recording_id: RecordingId, paused: bool) -> None:
        """Stop or start the recording's clock; what lies between is not in it."""

    def stop(self, recording_id: RecordingId) -> None:
        """Finish all files."""

    def name(self, recording_id: RecordingId, participant_id: ParticipantId, display_name: str) -> None:
        """Say who a recorded participant is."""

    def speakers(self, recording_id: RecordingId, participant_ids: tuple[ParticipantId, ...]) -> None:
        """Note who of the recorded speaks from now on."""


class RecordedFile(Struct, frozen=True):
    """One track's file. `start_ms` and `duration_ms` are on the recording's clock; `complete`: finished and whole."""

    name: str
    participant_id: str
    source: TrackSource
    codec: str
    start_ms: int
    duration_ms: int
    complete: bool


class RecordingContents(Struct, frozen=True):
    """What a recording consists of. `participants` maps ids to display names; `ended_at_s` is None after a crash."""

    recording_id: str
    meeting_id: str
    title: str
    started_at_s: float
    ended_at_s: float | None
    participants: dict[str, str]
    files: list[RecordedFile]


class Archive(Protocol):
    """What was recorded. Every call raises Refused (`not_found`) for what does not exist, Unavailable for what is damaged."""

    def meeting_of(self, recording_id: RecordingId) -> MeetingId:
        """Return which meeting was recorded."""

    def contents(self, recording_id: RecordingId) -> RecordingContents:
        """Return what there is; what a crash left unfinished is measured, which takes time."""

    def stream(self, recording_id: RecordingId, name: str) -> Iterator[bytes]:
        """Return the decrypted pieces of a file: a track's, a participant's (`<participant_id>.webm`, picture and sound
        together) or `speakers.json`. The name is checked before the first piece."""


class NoTaps:
    """A server that does not record."""

    def tap(
        self, track: int, spec: TrackSpec, participant_id: ParticipantId, source: TrackSource, recording_id: RecordingId
    ) -> None:
        """Nobody listens."""

    def untap(self, track: int) -> None:
        """Nobody listened."""


class NoRecorder:
    """A server that does not record."""

    def start(self, recording_id: RecordingId, meeting_id: MeetingId, title: str, started_at_s: float) -> None:  # noqa: ARG002
        raise Unavailable("recorder", "this server does not record")

    def pause(self, recording_id: RecordingId, paused: bool) -> None:
        """There is nothing to pause."""

    def stop(self, recording_id: RecordingId) -> None:
        """There is nothing to stop."""

    def name(self, recording_id: RecordingId, participant_id: ParticipantId, display_name: str) -> None:
        """Nobody is recorded."""

    def speakers(self, recording_id: RecordingId, participant_ids: tuple[ParticipantId, ...]) -> None:
        """Nobody is recorded."""


class NoArchive:
    """A server that keeps no recordings."""

    def meeting_of(self, recording_id: RecordingId) -> MeetingId:  # noqa: ARG002
        raise Refused(ErrorCode.NOT_FOUND, "no such recording")

    def contents(self, recording_id: RecordingId) -> RecordingContents:  # noqa: ARG002
        raise Refused(ErrorCode.NOT_FOUND, "no such recording")

    def stream(self, recording_id: RecordingId, name: str) -> Iterator[bytes]:  # noqa: ARG002
        raise Refused(ErrorCode.NOT_FOUND, "no such recording")
