"""Recording: who may be in it is each one's own choice, and everybody sees whether and of whom there is one.

Nothing is taken of anybody before consent, and nothing after its withdrawal. Without an answer, without a signaling connection
to be asked on (WHIP), and after leaving, one is left out.
"""

from conclave.media.commands import TapTrack
from conclave.meeting.context import Call, Context, Outcome, Recorded
from conclave.meeting.state import Participant, Recording, Track
from conclave.model.errors import ErrorCode, Refused, Unavailable
from conclave.model.ids import RecordingId, new_id
from conclave.model.roles import Permission
from conclave.policy.rbac import may
from conclave.signaling.messages import (
    Empty,
    ParticipantChanged,
    RecordingChanged,
    RecordingConsent,
    RecordingConsentRequested,
    RecordingDescription,
    RecordingDownload,
    RecordingPause,
    RecordingStart,
    RecordingStarted,
    RecordingStop,
)

PATH = "/api/v1/recordings/"


def start(call: Call, _: RecordingStart, _now: float) -> Outcome:
    """Begin, with who begins; everybody else is asked. Raises Refused(conflict) while one runs."""
    me, meeting = call.me, call.meeting
    if meeting.recording is not None:
        raise Refused(ErrorCode.CONFLICT, "the meeting is recorded already")
    recording = Recording(recording_id=RecordingId(new_id(call.house.entropy)), since_s=call.wall_s)

    def apply() -> RecordingStarted:
        try:
            call.house.recorder.start(recording.recording_id, meeting.meeting_id, meeting.title, call.wall_s)
        except Unavailable:
            call.audit(call.event("recording_stopped", recording_id=recording.recording_id, reason="failed"))
            raise
        meeting.recording = recording
        _include(call, recording, me)
        _tell(call)
        for participant in meeting.participants.values():
            ask(call, participant)
        return RecordingStarted(recording.recording_id)

    events = (
        call.event("recording_started", me, recording_id=recording.recording_id),
        call.event("recording_consent", me, recording_id=recording.recording_id, granted=True),
    )
    return Recorded(events, apply)


def pause(call: Call, message: RecordingPause, _now: float) -> Outcome:
    """Interrupt or go on; repeating changes nothing."""
    recording = _running(call)

    def apply() -> Empty:
        recording.paused = message.paused
        call.house.recorder.pause(recording.recording_id, message.paused)
        speakers_changed(call)
        _tell(call)
        return Empty()

    if recording.paused == message.paused:
        return Empty()
    name = "recording_paused" if message.paused else "recording_resumed"
    return Recorded((call.event(name, call.me, recording_id=recording.recording_id),), apply)


def consent(call: Call, message: RecordingConsent, _now: float) -> Outcome:
    """Come into the recording, or out of it. Raises Refused(conflict) for consent to one that is over.
    Withdrawal is never refused for want of an audit log."""
    recording, me = _running(call), call.me
    if message.granted and message.recording_id not in (None, recording.recording_id):
        raise Refused(ErrorCode.CONFLICT, "that recording is over; this is another one")
    event = call.event("recording_consent", me, recording_id=recording.recording_id, granted=message.granted)
    if not message.granted:
        recording.answers[me.participant_id] = False
        call.audit(event)
        if me.recorded:
            _exclude(call, me)
            _tell(call)
        return Empty()

    def apply() -> Empty:
        if not me.recorded:
            _include(call, recording, me)
            _tell(call)
        return Empty()

    return Recorded((event,), apply)


def stop(call: Call, _: RecordingStop, _now: float) -> Outcome:
    """End the recording."""
    recording = _running(call)

    def apply() -> Empty:
        _end(call, recording)
        return Empty()

    return Recorded((call.event("recording_stopped", call.me, recording_id=recording.recording_id, reason="host"),), apply)


def download(call: Call, message: RecordingDownload, _now: float) -> Outcome:
    """Say where a recording of this meeting is read. Raises Refused(not_found), also for another meeting's."""
    recording_id = RecordingId(message.recording_id)
    if call.house.archive.meeting_of(recording_id) != call.meeting.meeting_id:
        raise Refused(ErrorCode.NOT_FOUND, "no such recording")
    description = RecordingDescription(recording_id, PATH + recording_id)
    return Recorded((call.event("recording_downloaded", call.me, recording_id=recording_id),), lambda: description)


# --- what else happens to a meeting that is recorded --------------------------------------------------------------------


def ask(context: Context, participant: Participant) -> None:
    """Ask who has not answered yet; for who joins, comes back, or is there when a recording starts."""
    recording = context.meeting.recording
    if recording is not None and participant.participant_id not in recording.answers and not participant.headless:
        context.send(participant.session_id, RecordingConsentRequested(recording.recording_id))


def track_live(context: Context, track: Track) -> None:
    """Record a new track of somebody who has agreed. Breakout rooms are never recorded."""
    recording = context.meeting.recording
    owner = context.meeting.participants[track.participant_id]
    if recording is not None and owner.recorded and owner.breakout_id is None:
        context.commands.append(_tap(track, recording.recording_id))


def speakers_changed(context: Context) -> None:
    """Note who speaks in the main room, of those who have agreed."""
    meeting = context.meeting
    if meeting.recording is not None and meeting.places:
        seats = meeting.participants
        heard = tuple(speaker for speaker in meeting.main.speakers if speaker in seats and seats[speaker].recorded)
        context.house.recorder.speakers(meeting.recording.recording_id, heard)


def left(context: Context, participant: Participant) -> None:
    """Somebody has gone; with the last who could stop the recording it ends."""
    recording = context.meeting.recording
    if recording is None:
        return
    recording.answers.pop(participant.participant_id, None)
    if not any(may(seat.role, Permission.RECORDING_STOP) and not seat.headless for seat in context.meeting.participants.values()):
        end(context, "unattended")
    elif participant.recorded:
        _tell(context)


def end(context: Context, reason: str) -> None:
    """End the recording, if there is one, without being asked to."""
    recording = context.meeting.recording
    if recording is not None:
        context.audit(context.event("recording_stopped", recording_id=recording.recording_id, reason=reason))
        _end(context, recording)


def failed(context: Context, recording_id: RecordingId) -> None:
    """The recorder has given up on a recording."""
    recording = context.meeting.recording
    if recording is not None and recording.recording_id == recording_id:
        end(context, "failed")


def _running(call: Call) -> Recording:
    if call.meeting.recording is None:
        raise Refused(ErrorCode.CONFLICT, "the meeting is not recorded")
    return call.meeting.recording


def _include(context: Context, recording: Recording, participant: Participant) -> None:
    recording.answers[participant.participant_id] = True
    participant.recorded = True
    context.house.recorder.name(recording.recording_id, participant.participant_id, participant.display_name)
    for track in _tapped_tracks(context, participant):
        context.commands.append(_tap(track, recording.recording_id))
    speakers_changed(context)
    context.broadcast_about(participant, ParticipantChanged(participant.info))


def _exclude(context: Context, participant: Participant) -> None:
    participant.recorded = False
    for track in _tapped_tracks(context, participant):
        context.commands.append(_tap(track, None))
    speakers_changed(context)
    context.broadcast_about(participant, ParticipantChanged(participant.info))


def _end(context: Context, recording: Recording) -> None:
    for participant in context.meeting.participants.values():
        if participant.recorded:
            _exclude(context, participant)
    context.meeting.recording = None
    context.house.recorder.stop(recording.recording_id)
    _tell(context)


def _tell(context: Context) -> None:
    meeting = context.meeting
    if meeting.settings.roster and not meeting.breakouts:
        context.broadcast_everywhere(RecordingChanged(meeting.recording_info()))
        return
    for viewer in meeting.participants.values():
        context.send(viewer.session_id, RecordingChanged(meeting.recording_info(viewer)))


def _tapped_tracks(context: Context, participant: Participant) -> list[Track]:
    """Return the tracks that are in the recording of who is in it: none of a breakout room."""
    if participant.breakout_id is not None:
        return []
    return [track for track_id in participant.track_ids if (track := context.meeting.tracks[track_id]).live]


def _tap(track: Track, recording_id: RecordingId | None) -> TapTrack:
    return TapTrack(track.track_id, track.participant_id, track.source, recording_id)
