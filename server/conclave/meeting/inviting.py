"""Invitations of a meeting: making, listing and revoking them, and noticing one that two people use."""

from conclave.meeting import lobby, moderation
from conclave.meeting.context import Call, Outcome, Recorded
from conclave.meeting.names import clean_name
from conclave.meeting.state import KnownInvitation
from conclave.model.errors import ErrorCode, Refused
from conclave.policy.rbac import outranks_or_equals
from conclave.signaling.messages import (
    Empty,
    Invitation,
    InvitationCreate,
    InvitationDescription,
    InvitationDescriptions,
    InvitationList,
    InvitationRevoke,
)


def create(call: Call, message: InvitationCreate, _now: float) -> Outcome:
    """Make an invitation for a role that is not above one's own; a personal one unless a shared one is wanted."""
    me, meeting = call.me, call.meeting
    if not outranks_or_equals(me.role, message.role):
        raise Refused(ErrorCode.FORBIDDEN, f"a {me.role} cannot invite a {message.role}")
    label = clean_name(message.label) if message.label.strip() else ""
    _forget_expired(call)
    if len(meeting.invitations) >= call.house.limits.max_invitations_per_meeting:
        raise Refused(ErrorCode.TOO_LARGE, "the meeting has too many invitations")
    seats = 0 if message.shared else 1
    issued = call.house.invitations.issue(
        meeting.meeting_id, message.role, call.wall_s, message.expires_in_s, seats=seats, uses=message.uses
    )
    claims = issued.claims

    def apply() -> Invitation:
        known = meeting.invitations[claims.jti] = KnownInvitation(claims=claims, label=label, made_by=me.origin)
        call.keep(known.record)
        return Invitation(issued.token, issued.path, claims.exp)

    event = call.event("invitation_created", me, role=message.role, jti=claims.jti, exp=claims.exp, seats=seats)
    return Recorded((event,), apply)


def list_all(call: Call, _: InvitationList, _now: float) -> Outcome:
    """Say which invitations are known here: those made in the meeting and those by which somebody came."""
    _forget_expired(call)
    revoked = call.house.invitations.revocations
    return InvitationDescriptions(
        [
            InvitationDescription(
                jti=jti,
                role=known.claims.role,
                seats=known.claims.seats,
                max_uses=known.claims.uses,
                uses=known.uses,
                present=call.meeting.seats_taken_by(jti),
                expires_at_s=known.claims.exp,
                label=known.label,
                revoked=jti in revoked,
            )
            for jti, known in call.meeting.invitations.items()
        ]
    )


def revoke(call: Call, message: InvitationRevoke, now: float) -> Outcome:
    """Refuse an invitation from now on. Raises Refused(not_found) for one that is not of this meeting."""
    known = call.meeting.invitations.get(message.jti)
    if known is None:
        raise Refused(ErrorCode.NOT_FOUND, "no such invitation")

    def apply() -> Empty:
        try:
            call.house.invitations.revoke(known.claims, call.wall_s)
        finally:
            lobby.dismiss_barred(call)
            if message.remove:
                _remove_all_by(call, message.jti, now)
        return Empty()

    return Recorded((call.event("invitation_revoked", call.me, jti=message.jti, remove=message.remove),), apply)


def _remove_all_by(call: Call, jti: str, now: float) -> None:
    for seat in tuple(call.meeting.participants.values()):
        present = seat.participant_id in call.meeting.participants
        if present and seat.jti == jti and seat is not call.me:
            moderation.expel(call, seat, ban=False, now=now)


def _forget_expired(call: Call) -> None:
    invitations = call.meeting.invitations
    for jti in [jti for jti, known in invitations.items() if known.claims.exp <= call.wall_s]:
        del invitations[jti]
