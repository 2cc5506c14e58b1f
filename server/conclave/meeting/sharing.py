"""Screen sharing: who may, one at a time, taking over, and being stopped."""

from collections.abc import Iterable

from conclave.meeting import restraints
from conclave.meeting.context import Call, Context, Outcome, Recorded
from conclave.meeting.media_facts import collect
from conclave.meeting.state import Participant
from conclave.model.errors import ErrorCode, Refused
from conclave.model.ids import ParticipantId
from conclave.model.media import TrackSource
from conclave.model.roles import Permission, Role
from conclave.policy.rbac import may, outranks_or_equals
from conclave.signaling.messages import Empty, ParticipantChanged, ScreenShareControl, ScreenShareMode, ScreenShareStopped

SCREEN = frozenset({TrackSource.SCREEN, TrackSource.SCREEN_AUDIO})


def check(call: Call, take_over: bool) -> list[Participant]:
    """Return whose shares the caller takes over when it shares now. Raises Refused (`forbidden`, `conflict`) when it may not."""
    me, mode = call.me, call.meeting.settings.screen_share
    if SCREEN & me.held:
        raise Refused(ErrorCode.FORBIDDEN, "a host has stopped your screen share")
    if mode is ScreenShareMode.HOSTS and not _may_always(me):
        raise Refused(ErrorCode.FORBIDDEN, "only hosts share their screen in this meeting")
    others = [other for other in call.meeting.seats_in(me.breakout_id) if other is not me and shares(call, other)]
    if take_over and others:
        if not may(me.role, Permission.SCREEN_SHARE_CONTROL):
            raise Refused(ErrorCode.FORBIDDEN, "only hosts and co-hosts take over")
        if any(not outranks_or_equals(me.role, other.role) for other in others):
            raise Refused(ErrorCode.FORBIDDEN, "a host's share is taken over by hosts alone")
        return others
    if mode is ScreenShareMode.ONE and others:
        raise Refused(ErrorCode.CONFLICT, "somebody else shares the screen")
    return []


def control(call: Call, message: ScreenShareControl, now: float) -> Outcome:
    """Stop somebody's share and forbid another, or allow it again."""
    target = call.meeting.participants[ParticipantId(message.participant_id)]
    if not outranks_or_equals(call.me.role, target.role):
        raise Refused(ErrorCode.FORBIDDEN, "only a host controls a host")

    def apply() -> Empty:
        target.share_allowed = message.allowed
        if message.allowed:
            restraints.lift(call.meeting, target, SCREEN)
        else:
            target.held |= SCREEN
            end(call, target, "stopped", now)
        call.broadcast_about(target, ParticipantChanged(target.info))
        return Empty()

    name = "screen_share_allowed" if message.allowed else "screen_share_stopped"
    return Recorded((call.event(name, target, by=call.me.participant_id),), apply)


def stop_disallowed(context: Context, participants: Iterable[Participant], reason: str, now: float) -> None:
    """Where only hosts may share, end the shares of those who are none, or no longer."""
    if context.meeting.settings.screen_share is not ScreenShareMode.HOSTS:
        return
    for participant in participants:
        if not _may_always(participant):
            end(context, participant, reason, now)


def shares(context: Context, participant: Participant) -> bool:
    """Return whether a participant has declared or shows a screen."""
    return any(context.meeting.tracks[track_id].source is TrackSource.SCREEN for track_id in participant.track_ids)


def end(context: Context, participant: Participant, reason: str, now: float) -> None:
    """End the screen tracks of somebody, if there are any; also what was only declared."""
    meeting = context.meeting
    ending = [track_id for track_id in participant.track_ids if meeting.tracks[track_id].source in SCREEN]
    for track_id in ending:
        meeting.room_of(participant).unpublish(participant.participant_id, track_id, now)
    collect(context)
    for track_id in ending:
        meeting.remove_track(track_id)
    if ending:
        context.send(participant.session_id, ScreenShareStopped(reason))


def _may_always(participant: Participant) -> bool:
    return participant.share_allowed or outranks_or_equals(participant.role, Role.CO_HOST)
