"""The meeting as a whole: its title and switches, locked or open, suspended or going on."""

from msgspec.structs import asdict, replace

from conclave.meeting import lobby, sharing, silence
from conclave.meeting.context import Call, Context, Outcome, Recorded
from conclave.meeting.names import MAX_TITLE, clean_name
from conclave.policy.rules import MeetingState
from conclave.signaling.messages import (
    Empty,
    MeetingChanged,
    MeetingLock,
    MeetingModify,
    MeetingResume,
    MeetingSuspend,
    ParticipantChanged,
)

SWITCHES = ("screen_share", "chat", "unmute", "roster", "waiting_room", "admit_personal")


def modify(call: Call, message: MeetingModify, now: float) -> Outcome:
    """Change the title and those switches that are given."""
    meeting = call.meeting
    title = meeting.title if message.title is None else clean_name(message.title, MAX_TITLE)
    wishes = {name: value for name in SWITCHES if (value := getattr(message, name)) is not None}
    settings = replace(meeting.settings, **wishes)

    def apply() -> Empty:
        before = meeting.settings
        meeting.title, meeting.settings = title, settings
        tell(call)
        if settings.roster and not before.roster:
            for participant in meeting.participants.values():
                call.broadcast_about(participant, ParticipantChanged(participant.info))
        sharing.stop_disallowed(call, meeting.participants.values(), "stopped", now)
        if not settings.waiting_room and before.waiting_room:
            lobby.admit_all(call)
        elif settings.admit_personal:
            lobby.admit_expected(call)
        return Empty()

    if title == meeting.title and settings == meeting.settings:
        return Empty()
    details = {name: value for name, value in asdict(settings).items() if name in wishes}
    return Recorded((call.event("meeting_modified", call.me, **details),), apply)


def lock(call: Call, message: MeetingLock, _now: float) -> Outcome:
    """Let nobody else in, or again; repeating changes nothing."""
    state = MeetingState.LOCKED if message.locked else MeetingState.ACTIVE
    if call.meeting.state is state:
        return Empty()
    name = "meeting_locked" if message.locked else "meeting_unlocked"
    return Recorded((call.event(name, call.me),), lambda: _enter(call, state))


def suspend(call: Call, _: MeetingSuspend, _now: float) -> Outcome:
    """Freeze everything."""
    before = call.meeting.state

    def apply() -> Empty:
        call.meeting.state_before = before
        return _enter(call, MeetingState.SUSPENDED)

    return Recorded((call.event("meeting_suspended", call.me),), apply)


def resume(call: Call, _: MeetingResume, _now: float) -> Outcome:
    """Go on as before."""
    return Recorded((call.event("meeting_resumed", call.me),), lambda: _enter(call, call.meeting.state_before))


def tell(context: Context) -> None:
    """Tell everybody title, state and switches."""
    meeting = context.meeting
    context.broadcast_everywhere(MeetingChanged(meeting.title, meeting.state, meeting.settings))


def _enter(call: Call, state: MeetingState) -> Empty:
    call.meeting.state = state
    tell(call)  # first, or a client would take the suspension's muting for a host's
    silence.settle_all(call)
    return Empty()
