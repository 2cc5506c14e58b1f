"""Whether somebody may come in at all: not barred, not by a link that was revoked, used up, or is in use elsewhere, and into a
locked or suspended meeting only as a host."""

from conclave.identity.invitations import Claims
from conclave.meeting.context import Call
from conclave.meeting.state import KnownInvitation, Participant
from conclave.model.errors import ErrorCode, Refused
from conclave.model.roles import Permission, Role
from conclave.policy.rbac import may
from conclave.policy.rules import MeetingState
from conclave.signaling.messages import InvitationReused


def check(call: Call, now: float) -> None:
    """Raise Refused: `forbidden` for who was removed, `unauthorized` for a revoked invitation, `rate_limited`, and `conflict`
    for a link that is used up or belongs to somebody else by now."""
    meeting, caller = call.meeting, call.caller
    claims = caller.claims
    if call.house.bans.bar(meeting.meeting_id, claims.jti, caller.device_id, caller.source_hashes, call.wall_s):
        raise Refused(ErrorCode.FORBIDDEN, "a host removed you from this meeting")
    call.house.invitations.check_revoked(claims)
    known = meeting.invitations.get(claims.jti)
    if claims.uses and known is not None and known.uses >= claims.uses:
        raise Refused(ErrorCode.CONFLICT, "the invitation is used up")
    if claims.personal and known is not None:
        _check_owner(call, known, now)
    if claims.seats and meeting.seats_taken_by(claims.jti) - len(forsaken(call)) >= claims.seats:
        raise Refused(ErrorCode.CONFLICT, "all seats of this invitation are taken")


def check_closed(call: Call, role: Role) -> None:
    """Raise Refused(forbidden) unless a locked or suspended meeting lets the caller in, who would sit there as `role`: only a
    host with a connection to unlock it by comes back, and no host whom another host has demoted."""
    state = call.meeting.state
    if state is not MeetingState.ACTIVE and (role is not Role.HOST or call.caller.headless):
        raise Refused(ErrorCode.FORBIDDEN, f"the meeting is {state}")


def forsaken(call: Call) -> list[Participant]:
    """Return the seats of the caller's personal link whose connection is lost: they are the caller's own, left by a page that was
    loaded anew, and go when the caller sits down."""
    claims = call.caller.claims
    if not claims.personal:
        return []
    return [seat for seat in call.meeting.participants.values() if seat.jti == claims.jti and seat.lost_at is not None]


def note_use(call: Call) -> None:
    """The caller has come in by its invitation. Where there are too many, those are known all the same that are for one person or
    for so many uses."""
    invitations, claims = call.meeting.invitations, call.caller.claims
    known, counts = invitations.get(claims.jti), bool(claims.uses) or claims.personal
    if known is None:
        if not counts and len(invitations) >= call.house.limits.max_invitations_per_meeting:
            return
        known = invitations[claims.jti] = KnownInvitation(claims=claims, label=(claims.name or "") if claims.personal else "")
    if _is_newer(claims, known):
        known.claims, known.device_id = claims, ""
    known.uses += 1
    known.device_id = known.device_id or call.caller.device_id
    if counts:
        call.keep(known.record)
    else:
        call.keep_later(known.record)


def _is_newer(claims: Claims, known: KnownInvitation) -> bool:
    """An account that asks for its own link again may come by it from another device; who only has the old one may not."""
    return claims.account is not None and claims.iat > known.claims.iat


def _check_owner(call: Call, known: KnownInvitation, now: float) -> None:
    """A personal link belongs to the first device that came by it, and to one at a time: another one is a signal."""
    claims = call.caller.claims
    foreign = bool(known.device_id) and known.device_id != call.caller.device_id and not _is_newer(claims, known)
    if not foreign and call.meeting.seats_taken_by(claims.jti) == len(forsaken(call)):
        return
    call.check_knock(now)
    call.audit(call.event("invitation_reused", jti=claims.jti, role=claims.role, foreign_device=foreign))
    for seat in call.meeting.participants.values():
        if may(seat.role, Permission.PARTICIPANT_ADMIT):
            call.send(seat.session_id, InvitationReused(claims.jti, claims.role, known.label))
    raise Refused(ErrorCode.CONFLICT, "this personal invitation is in use by somebody else")
