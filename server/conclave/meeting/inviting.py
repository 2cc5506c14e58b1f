"""Invitations of a meeting: making, listing and revoking them, and noticing one that two people use."""

from conclave.meeting import lobby, moderation
from conclave.meeting.context import Call, Context, Outcome, Recorded
from conclave.meeting.names import clean_name
from conclave.meeting.state import KnownInvitation, Participant
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
    check_room(call)
    seats = 0 if message.shared else 1
    issued = call.house.invitations.issue(
        meeting.meeting_id, message.role, call.wall_s, message.expires_in_s, seats=seats, uses=message.uses,
        name=label if label and not message.shared else None,
    )  # fmt: skip
    claims = issued.claims

    def apply() -> Invitation:
        adopt(call, KnownInvitation(claims=claims, label=label, made_by=me.origin))
        return Invitation(issued.token, issued.path, claims.exp)

    event = call.event("invitation_created", me, role=message.role, jti=claims.jti, exp=claims.exp, seats=seats)
    return Recorded((event,), apply)


def list_all(call: Call, _: InvitationList, _now: float) -> Outcome:
    """Say which invitations are known here: those made in the meeting and those by which somebody came."""
    return describe_all(call)


def check_room(context: Context) -> None:
    """Raise Refused (`too_large`) when the meeting knows as many invitations as it may."""
    _forget_expired(context)
    if len(context.meeting.invitations) >= context.house.limits.max_invitations_per_meeting:
        raise Refused(ErrorCode.TOO_LARGE, "the meeting has too many invitations")


def adopt(context: Context, invitation: KnownInvitation) -> None:
    """Know an invitation from now on."""
    context.meeting.invitations[invitation.claims.jti] = invitation
    context.keep(invitation.record)


def describe_all(context: Context) -> InvitationDescriptions:
    """Return what is known of the invitations that have not expired."""
    _forget_expired(context)
    meeting, revoked = context.meeting, context.house.invitations.revocations
    descriptions = [
        InvitationDescription(
            jti=jti,
            role=known.claims.role,
            seats=known.claims.seats,
            max_uses=known.claims.uses,
            uses=known.uses,
            present=meeting.seats_taken_by(jti),
            expires_at_s=known.claims.exp,
            label=known.label,
            revoked=jti in revoked,
        )
        for jti, known in meeting.invitations.items()
    ]
    return InvitationDescriptions(descriptions)


def find(context: Context, jti: str) -> KnownInvitation:
    """Return an invitation to this meeting. Raises Refused (`not_found`)."""
    known = context.meeting.invitations.get(jti)
    if known is None:
        raise Refused(ErrorCode.NOT_FOUND, "no such invitation")
    return known


def withdraw(context: Context, known: KnownInvitation, now: float, *, remove: bool, but: Participant | None = None) -> None:
    """Refuse an invitation from now on; with `remove` nobody sits by it any longer, apart from `but`. Raises Unavailable."""
    jti = known.claims.jti
    try:
        context.house.invitations.revoke(known.claims, context.wall_s)
    finally:
        lobby.dismiss_barred(context)
        for seat in tuple(context.meeting.participants.values()) if remove else ():
            present = seat.participant_id in context.meeting.participants
            if present and seat.jti == jti and seat is not but:
                moderation.expel(context, seat, ban=False, now=now, but=but)


def revoke(call: Call, message: InvitationRevoke, now: float) -> Outcome:
    """Refuse an invitation from now on. Raises Refused(not_found) for one that is not of this meeting."""
    known = find(call, message.jti)

    def apply() -> Empty:
        withdraw(call, known, now, remove=message.remove, but=call.me)
        return Empty()

    return Recorded((call.event("invitation_revoked", call.me, jti=message.jti, remove=message.remove),), apply)


def _forget_expired(context: Context) -> None:
    invitations = context.meeting.invitations
    for jti in [jti for jti, known in invitations.items() if known.claims.exp <= context.wall_s]:
        del invitations[jti]
