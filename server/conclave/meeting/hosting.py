"""What hosts do: pass their role on and invite. The last host's role passes on by itself."""

from conclave.meeting.context import Call, Context, Outcome, Recorded
from conclave.meeting.state import Participant
from conclave.model.errors import ErrorCode, Refused
from conclave.model.ids import ParticipantId
from conclave.model.roles import Role
from conclave.policy.rbac import outranks_or_equals
from conclave.ports.audit import AuditEvent
from conclave.signaling.messages import Empty, HostPass, Invitation, InvitationCreate, ParticipantChanged


def pass_to(call: Call, message: HostPass, _now: float) -> Outcome:
    """Make another participant the host and oneself co-host. An absent one (connection lost) cannot take it over."""
    me = call.me
    heir = call.meeting.participants[ParticipantId(message.participant_id)]
    if heir.lost_at is not None or heir.headless:
        raise Refused(ErrorCode.FORBIDDEN, "that participant is not connected")

    def apply() -> Empty:
        _change_role(call, heir, Role.HOST)
        _change_role(call, me, Role.CO_HOST)
        return Empty()

    return Recorded((_role_event(call, heir, Role.HOST, "passed"), _role_event(call, me, Role.CO_HOST, "passed")), apply)


def invite(call: Call, message: InvitationCreate, _now: float) -> Outcome:
    """Make an invitation for a role that is not above one's own."""
    me = call.me
    if not outranks_or_equals(me.role, message.role):
        raise Refused(ErrorCode.FORBIDDEN, f"a {me.role} cannot invite a {message.role}")
    issued = call.house.invitations.issue(call.meeting.meeting_id, message.role, call.wall_s, message.expires_in_s)
    event = call.event("invitation_created", me, role=message.role, jti=issued.claims.jti, exp=issued.claims.exp)
    return Recorded((event,), lambda: Invitation(issued.token, issued.path, issued.claims.exp))


def pass_on(context: Context, leaver: Participant) -> None:
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
                    context.audit(_role_event(context, heir, Role.HOST, "inherited"))
                    _change_role(context, heir, Role.HOST)
                    return


def _change_role(context: Context, participant: Participant, role: Role) -> None:
    participant.role = role
    context.broadcast(ParticipantChanged(participant.info))


def _role_event(context: Context, participant: Participant, role: Role, how: str) -> AuditEvent:
    return context.event("permission_changed", participant, role=role, how=how)
