"""Roles in a meeting: passing one's own on, and what a change ends. The last host's role passes on by itself."""

from conclave.meeting import breakout, lobby, restraints, sharing
from conclave.meeting.context import Call, Context, Outcome, Recorded
from conclave.meeting.media_facts import collect
from conclave.meeting.state import Participant
from conclave.model.errors import ErrorCode, Refused
from conclave.model.ids import ParticipantId
from conclave.model.roles import Permission, Role
from conclave.policy.rbac import may
from conclave.ports.audit import AuditEvent
from conclave.signaling.messages import Empty, HostPass, LobbyChanged, ParticipantChanged, ScreenShareStopped


def pass_to(call: Call, message: HostPass, now: float) -> Outcome:
    """Make another participant the host and oneself co-host. An absent one (connection lost) cannot take it over."""
    me = call.me
    heir = call.meeting.participants[ParticipantId(message.participant_id)]
    if heir.lost_at is not None or heir.headless:
        raise Refused(ErrorCode.FORBIDDEN, "that participant is not connected")

    def apply() -> Empty:
        change_role(call, heir, Role.HOST, now)
        restraints.limit_role(call, heir, Role.HOST)
        change_role(call, me, Role.CO_HOST, now)
        return Empty()

    return Recorded((role_event(call, heir, Role.HOST, "passed"), role_event(call, me, Role.CO_HOST, "passed")), apply)


def pass_on(context: Context, leaver: Participant, now: float) -> None:
    """If `leaver` is the last host, make the co-host who is here longest the host, else the participant who is; never a viewer.

    Somebody whose connection is lost comes after everybody who is connected.
    """
    others = [other for other in context.meeting.participants.values() if other is not leaver and not other.headless]
    if leaver.role is not Role.HOST or any(other.role is Role.HOST for other in others):
        return
    for connected in (True, False):
        for role in (Role.CO_HOST, Role.PARTICIPANT):
            for heir in others:
                if heir.role is role and (heir.lost_at is None) is connected:
                    context.audit(role_event(context, heir, Role.HOST, "inherited"))
                    change_role(context, heir, Role.HOST, now)
                    return


def change_role(context: Context, participant: Participant, role: Role, now: float) -> None:
    """Give a role. What it may not have ends at once: the tracks and the publishing connection of who becomes a viewer."""
    meeting = context.meeting
    could_admit = may(participant.role, Permission.PARTICIPANT_ADMIT)
    participant.role = role
    if role is Role.HOST:
        participant.role_limit = None
    if not may(role, Permission.MEDIA_PUBLISH):
        if sharing.shares(context, participant):
            context.send(participant.session_id, ScreenShareStopped("demoted"))
        meeting.room_of(participant).stop_publishing(participant.participant_id, now)
        collect(context)
        for track_id in tuple(participant.track_ids):
            meeting.remove_track(track_id)
    sharing.stop_disallowed(context, [participant], "demoted", now)
    context.broadcast_about(participant, ParticipantChanged(participant.info))
    can_admit = may(role, Permission.PARTICIPANT_ADMIT)
    if could_admit and not can_admit:
        breakout.demoted(context, participant)
        context.send(participant.session_id, LobbyChanged([]))
    if not could_admit and can_admit:
        lobby.tell(context, participant)
        if not meeting.settings.roster or meeting.breakouts:
            for other in meeting.participants.values():
                context.send(participant.session_id, ParticipantChanged(other.info))
        lobby.admit_expected(context)


def role_event(context: Context, participant: Participant, role: Role, how: str) -> AuditEvent:
    """Return the audit event of a change that is about to happen."""
    return context.event("permission_changed", participant, role=role, how=how)
