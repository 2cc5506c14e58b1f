"""What hosts and co-hosts do to others: mute, let unmute, change roles, remove and ban."""

from conclave.meeting import attendance, lobby, restraints, silence, withdrawal
from conclave.meeting.bans import BAN_S
from conclave.meeting.context import Call, Context, Outcome, Recorded
from conclave.meeting.effects import Disconnect
from conclave.meeting.hosting import change_role, role_event
from conclave.meeting.state import Participant
from conclave.model.entry import Ban
from conclave.model.errors import ErrorCode, Refused
from conclave.model.ids import ParticipantId
from conclave.model.media import TrackSource
from conclave.model.roles import Role
from conclave.policy.rbac import outranks_or_equals
from conclave.ports.audit import AuditEvent
from conclave.signaling.messages import (
    Empty,
    ParticipantAllowUnmute,
    ParticipantChanged,
    ParticipantMute,
    ParticipantRemove,
    ParticipantSetRole,
    ParticipantsMute,
    UnmuteRequested,
)


def mute(call: Call, message: ParticipantMute, _now: float) -> Outcome:
    """Mute what somebody sends from one source."""
    target = _target(call, message.participant_id)
    event = call.event("participant_muted", target, source=message.source, hard=message.hard, by=call.me.participant_id)
    return _mute(call, [target], message, event)


def mute_all(call: Call, message: ParticipantsMute, _now: float) -> Outcome:
    """Mute everybody in the caller's room who is under the rank of a co-host; on record once, with their number."""
    others = [seat for seat in call.meeting.seats_in(call.me.breakout_id) if not outranks_or_equals(seat.role, Role.CO_HOST)]
    event = call.event("participants_muted", call.me, source=message.source, hard=message.hard, count=len(others))
    return _mute(call, others, message, event)


def allow_unmute(call: Call, message: ParticipantAllowUnmute, _now: float) -> Outcome:
    """Lift a hard mute and ask the owner; the tracks stay muted until the owner un-mutes them."""
    target = _target(call, message.participant_id)

    def apply() -> Empty:
        restraints.lift(call.meeting, target, frozenset({message.source}))
        target.unmute_allowed = target.unmute_allowed or message.source is TrackSource.MICROPHONE
        call.broadcast_about(target, ParticipantChanged(target.info))
        call.send(target.session_id, UnmuteRequested(message.source))
        return Empty()

    return Recorded((call.event("unmute_allowed", target, source=message.source, by=call.me.participant_id),), apply)


def set_role(call: Call, message: ParticipantSetRole, now: float) -> Outcome:
    """Promote or demote. The caller is a host and stays one, so that a meeting never loses its last host by this."""
    target = _target(call, message.participant_id)
    if target.headless and message.role in (Role.HOST, Role.CO_HOST):
        raise Refused(ErrorCode.FORBIDDEN, "a client without signaling cannot moderate")

    def apply() -> Empty:
        change_role(call, target, message.role, now)
        restraints.limit_role(call, target, message.role)
        withdrawal.withdraw_made_by(call, target, "maker demoted", keep=message.role)
        lobby.dismiss_barred(call)
        return Empty()

    if target.role is message.role:
        return Empty()
    return Recorded((role_event(call, target, message.role, "set"),), apply)


def remove(call: Call, message: ParticipantRemove, now: float) -> Outcome:
    """Remove somebody, and whoever else is barred by that."""
    target = _target(call, message.participant_id)

    def apply() -> Empty:
        expel(call, target, ban=message.ban, now=now, but=call.me)
        return Empty()

    name = "participant_banned" if message.ban else "participant_removed"
    return Recorded((call.event(name, target, by=call.me.participant_id),), apply)


def expel(context: Context, participant: Participant, *, ban: bool, now: float, but: Participant | None) -> None:
    """End somebody's media, seat and connection at once, and bar the way back. The same person's other seats go too, apart from
    the seat `but`."""
    bar(context, participant, whole=ban)
    withdrawal.withdraw_made_by(context, participant, "maker removed")
    others = [seat for seat in context.meeting.participants.values() if seat is not participant and seat is not but]
    caught = [seat for seat in others if restraints.same_person(seat, participant)]
    for seat in (participant, *caught):
        attendance.remove(context, seat, "removed", now)
        context.effects.append(Disconnect(seat.session_id, "removed", "a host removed you from the meeting"))
    lobby.dismiss_barred(context)


def bar(context: Context, participant: Participant, *, whole: bool) -> None:
    """Keep somebody from coming back, by what is known of the way in."""
    claims = participant.claims
    context.ban(
        Ban(
            jti=participant.jti,
            personal=claims.personal,
            device_id=participant.device_id,
            source_hash=participant.source_hash,
            whole=whole,
            until_s=max(context.wall_s + BAN_S, claims.exp if whole or claims.personal else 0.0),
            source_until_s=context.wall_s + BAN_S,
        )
    )
    if whole or claims.personal:
        withdrawal.revoke(context, claims, "removed")


def _mute(call: Call, targets: list[Participant], message: ParticipantMute | ParticipantsMute, event: AuditEvent) -> Recorded:
    def apply() -> Empty:
        for target in targets:
            _silence(call, target, message.source, hard=message.hard)
        return Empty()

    return Recorded((event,), apply)


def _silence(call: Call, target: Participant, source: TrackSource, *, hard: bool) -> None:
    newly_held = hard and source not in target.held
    if hard:
        target.held.add(source)
    if source is TrackSource.MICROPHONE:
        target.unmute_allowed = False
    if newly_held:
        call.broadcast_about(target, ParticipantChanged(target.info))
    for track in [call.meeting.tracks[track_id] for track_id in target.track_ids]:
        if track.source is source or silence.is_held(target, track.source):
            track.muted_by_owner = True
            silence.settle(call, track)


def _target(call: Call, participant_id: str) -> Participant:
    """Return whom a message is about. Raises Refused(forbidden) when that is a host and the caller is none."""
    target = call.meeting.participants[ParticipantId(participant_id)]
    if target.role is Role.HOST and call.me.role is not Role.HOST:
        raise Refused(ErrorCode.FORBIDDEN, "only a host does that to a host")
    return target
