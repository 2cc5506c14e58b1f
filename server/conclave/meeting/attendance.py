"""Opening, joining, leaving and ending a meeting, and what happens when a connection goes and does not come back."""

from conclave.meeting import admission, breakout, lobby, recording, restraints
from conclave.meeting.context import Call, Context, Outcome, Recorded
from conclave.meeting.effects import Announce, Disconnect
from conclave.meeting.hosting import pass_on
from conclave.meeting.media_facts import collect, transport_state
from conclave.meeting.names import MAX_TITLE, clean_name
from conclave.meeting.place import Place
from conclave.meeting.snapshots import snapshot_for
from conclave.meeting.state import Participant
from conclave.model.errors import ErrorCode, Refused
from conclave.model.ids import ParticipantId, TransportId, new_id
from conclave.policy.rules import MeetingState
from conclave.signaling.messages import (
    Empty,
    Join,
    Joined,
    Leave,
    MeetingCreate,
    MeetingCreated,
    MeetingEnd,
    MeetingEnded,
    MeetingOpened,
    MeetingSettings,
    ParticipantChanged,
    ParticipantJoined,
    ParticipantLeft,
)


def create(call: Call, message: MeetingCreate, now: float) -> Outcome:
    """Open the meeting; one that ended is opened anew and its former seats are forgotten."""
    title = clean_name(message.title, MAX_TITLE)
    meeting = call.meeting

    def apply() -> MeetingCreated:
        media = call.house.open_room(meeting.meeting_id)
        meeting.clear()
        meeting.title = title
        meeting.settings = MeetingSettings(waiting_room=call.house.limits.waiting_room)
        meeting.state = MeetingState.ACTIVE
        meeting.places = {None: Place(media=media)}
        meeting.empty_since = now
        call.effects.append(Announce(MeetingOpened(title), but=call.caller.session_id))
        return MeetingCreated(meeting.meeting_id)

    return Recorded((call.event("meeting_created", jti=call.caller.claims.jti),), apply)


def join(call: Call, message: Join, now: float) -> Outcome:
    """Take a seat, if the meeting and the invitation still have one; or a place in the waiting room."""
    meeting, caller = call.meeting, call.caller
    claims = caller.claims
    name = clean_name(message.display_name)
    if len(meeting.participants) >= call.house.limits.max_participants:
        raise Refused(ErrorCode.CONFLICT, "the meeting is full")
    admission.check(call, now)
    participant = Participant(
        participant_id=ParticipantId(new_id(call.house.entropy)),
        session_id=caller.session_id,
        claims=claims,
        display_name=name,
        role=claims.role,
        device_id=caller.device_id,
        source_hash=caller.source_hash,
        former_hashes=caller.former_hashes,
        headless=caller.headless,
        auto_subscribe=message.auto_subscribe,
    )
    restraints.carry_over(call, participant)
    admission.check_closed(call, participant.role)
    forsaken = admission.forsaken(call)
    if lobby.must_wait(call, participant.role):
        return lobby.enter(call, message, now)

    def apply() -> Joined:
        meeting.seat(participant)
        meeting.admitted.discard(participant.session_id)
        admission.note_use(call)
        call.broadcast_about(participant, ParticipantJoined(participant.info), but=participant.session_id)
        if message.auto_subscribe:
            meeting.main.media.auto_subscribe(participant.participant_id, True, now)
        collect(call)
        recording.ask(call, participant)
        for seat in forsaken:
            remove(call, seat, "left", now)
        lobby.admit_expected(call)
        return Joined(participant.participant_id, participant.role, meeting.title, snapshot_for(call, participant, now))

    return Recorded((call.event("participant_joined", participant, role=participant.role),), apply)


def leave(call: Call, _: Leave, now: float) -> Outcome:
    """Give up the seat, or the place in the waiting room. Never refused for want of an audit log:
    nobody is held in a meeting against their will."""
    if call.caller.session_id in call.meeting.lobby:
        lobby.left(call, call.caller.session_id)
    else:
        remove(call, call.me, "left", now)
    return Empty()


def end_by_host(call: Call, _: MeetingEnd, now: float) -> Outcome:
    """End the meeting for everybody."""

    def apply() -> Empty:
        end(call, "host", now)
        return Empty()

    return Recorded((call.event("meeting_ended", call.me, reason="host"),), apply)


def remove(context: Context, participant: Participant, reason: str, now: float) -> None:
    """Take the seat of `participant`; the role of a last host passes on first. In an ended meeting only the seat goes."""
    meeting = context.meeting
    if meeting.is_open:
        pass_on(context, participant, now)
        place = meeting.place_of(participant)
        place.media.leave(participant.participant_id, now)
        collect(context)
        place.speakers = tuple(speaker for speaker in place.speakers if speaker != participant.participant_id)
    meeting.unseat(participant, now)
    restraints.remember(meeting, participant)
    context.audit(context.event("participant_left", participant, reason=reason))
    others = meeting.participants.values()
    context.deliver(
        ParticipantLeft(participant.participant_id, reason), (other for other in others if meeting.sees_go(other, participant))
    )
    recording.left(context, participant)
    if participant.breakout_id is not None:
        breakout.tell(context, now)


def end(context: Context, reason: str, now: float) -> None:
    """Stop all media and tell everybody. Seats stay, so that each connection learns where it stands."""
    meeting = context.meeting
    recording.end(context, "ended")
    for place in meeting.places.values():
        place.media.close(now)
    collect(context)
    meeting.forget_places()
    meeting.state = MeetingState.ENDED
    context.broadcast_everywhere(MeetingEnded(reason))
    for session_id in meeting.lobby:
        context.send(session_id, MeetingEnded(reason))
    meeting.lobby.clear()
    meeting.admitted.clear()
    for participant in tuple(meeting.participants.values()):
        if participant.headless:
            context.effects.append(Disconnect(participant.session_id, "ended", "the meeting ended"))
        if participant.headless or participant.lost_at is not None:
            meeting.unseat(participant, now)
    meeting.empty_since = None


def connection_lost(context: Context, participant: Participant, now: float) -> None:
    """Keep the seat for the grace time; in an ended meeting, and without a signaling connection to come back, it goes at once."""
    if not context.meeting.is_open or participant.headless:
        remove(context, participant, "left", now)
        return
    participant.lost_at = now
    context.broadcast_about(participant, ParticipantChanged(participant.info))


def connection_resumed(context: Context, participant: Participant, now: float) -> None:
    """The connection of a seat is back, or was replaced."""
    was_lost = participant.lost_at is not None
    participant.lost_at = None
    if was_lost:
        context.broadcast_about(participant, ParticipantChanged(participant.info), but=participant.session_id)
    recording.ask(context, participant)
    lobby.admit_expected(context)
    if context.meeting.is_open:
        context.meeting.room_of(participant).resume(participant.participant_id, now)
        collect(context)


def transport_changed(context: Context, transport_id: TransportId, state: str, reason: str, now: float) -> None:
    """Take news of a media transport; who has nothing but it leaves with it."""
    transport_state(context, transport_id, state, reason, now)
    for participant in tuple(context.meeting.participants.values()):
        if participant.headless and participant.media_failed:
            context.effects.append(Disconnect(participant.session_id, "failed", "the media connection failed"))
            remove(context, participant, "failed", now)


def next_deadline(context: Context) -> float | None:
    """Return when `expire` has something to do next: a grace time, an empty meeting, a countdown or a timer of the media."""
    meeting, limits = context.meeting, context.house.limits
    if not meeting.is_open:
        return None
    deadlines = [
        participant.lost_at + limits.resume_grace_s
        for participant in meeting.participants.values()
        if participant.lost_at is not None
    ]
    if meeting.empty_since is not None:
        deadlines.append(meeting.empty_since + limits.empty_meeting_s)
    timers = [place.media.next_timer() for place in meeting.places.values()]
    timers.append(breakout.closing_at(context))
    deadlines += [timer for timer in timers if timer is not None]
    return min(deadlines, default=None)


def expire(context: Context, now: float) -> None:
    """Do what is due at `now`: remove who did not come back, end a meeting that stayed empty, call back from the
    breakout rooms, run the media's timers."""
    meeting, limits = context.meeting, context.house.limits
    if not meeting.is_open:
        return
    for participant in tuple(meeting.participants.values()):
        if participant.lost_at is not None and participant.lost_at + limits.resume_grace_s <= now:
            remove(context, participant, "lost", now)
    for place in meeting.places.values():
        place.media.poll(now)
    collect(context)
    breakout.expire(context, now)
    if meeting.empty_since is not None and meeting.empty_since + limits.empty_meeting_s <= now:
        context.audit(context.event("meeting_ended", reason="empty"))
        end(context, "empty", now)
