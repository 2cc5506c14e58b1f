"""Invitations that are good no more because of who made them: nobody comes back by a link of his own making."""

from conclave.identity.invitations import Claims
from conclave.meeting.context import Context
from conclave.meeting.state import KnownInvitation, Participant
from conclave.model.errors import Unavailable
from conclave.model.roles import Role
from conclave.policy.rbac import outranks_or_equals


def revoke(context: Context, claims: Claims, reason: str) -> None:
    """Revoke an invitation without being asked to; in this process that is in force even where it cannot be kept."""
    context.audit(context.event("invitation_revoked", jti=claims.jti, reason=reason))
    try:
        context.house.invitations.revoke(claims, context.wall_s)
    except Unavailable:
        context.audit(context.event("revocation_not_kept", jti=claims.jti))


def withdraw_made_by(context: Context, maker: Participant, reason: str, keep: Role | None = None) -> None:
    """Revoke what a participant invited to; not what is for `keep` or a role under it, nor a personal link that somebody has come
    by already."""
    for known in tuple(context.meeting.invitations.values()):
        spared = keep is not None and outranks_or_equals(keep, known.claims.role)
        if known.made_by == maker.origin and not spared and not _taken(known):
            revoke(context, known.claims, reason)


def _taken(known: KnownInvitation) -> bool:
    return known.claims.personal and known.uses > 0
