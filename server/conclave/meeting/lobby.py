"""The waiting room. Nothing of the meeting reaches it: a guest learns that it was admitted or sent away, and nothing else."""

from conclave.meeting.bans import BAN_S
from conclave.meeting.context import Call, Context, Outcome, Recorded
from conclave.meeting.effects import Disconnect
from conclave.meeting.names import clean_name
from conclave.meeting.state import Guest, Participant
from conclave.model.entry import Ban
from conclave.model.errors import ErrorCode, Refused
from conclave.model.ids import SessionId, new_id
from conclave.model.roles import Permission, Role
from conclave.policy.rbac import may, outranks_or_equals
from conclave.ports.audit import AuditEvent
from conclave.signaling.messages import Empty, Join, Joined, Knock, LobbyAdmitted, LobbyChanged, LobbyDeny, ParticipantAdmit

MAX_REASON = 200


def must_wait(call: Call, role: Role) -> bool:
    """Return whether the caller, who would sit there as `role`, has to be let in: below the rank of a co-host, not admitted yet,
    and not expected. Without anybody who may admit nobody is expected: early arrivals wait for a host.
    """
    meeting, caller = call.meeting, call.caller
    if not meeting.settings.waiting_room or caller.session_id in meeting.admitted:
        return False
    if outranks_or_equals(role, Role.CO_HOST):
        return False
    return not (meeting.settings.admit_personal and caller.claims.personal and attended(call))


def enter(call: Call, message: Join, now: float) -> Outcome:
    """Wait. Raises Refused: `forbidden` for a client without signaling, `conflict` when the lobby is full,
    `rate_limited` for who comes too often."""
    meeting, caller = call.meeting, call.caller
    if caller.headless:
        raise Refused(ErrorCode.FORBIDDEN, "the meeting has a waiting room, and this client cannot wait")
    call.check_knock(now)
    if len(meeting.lobby) >= call.house.limits.max_lobby:
        raise Refused(ErrorCode.CONFLICT, "the waiting room is full")
    guest = Guest(
        guest_id=new_id(call.house.entropy),
        session_id=caller.session_id,
        display_name=clean_name(message.display_name),
        claims=caller.claims,
        device_id=caller.device_id,
        source_hash=caller.source_hash,
        source_hashes=caller.source_hashes,
    )

    def apply() -> Joined:
        meeting.lobby[guest.session_id] = guest
        changed(call)
        return Joined(None, caller.claims.role, "", None, "lobby")

    return Recorded((call.event("lobby_entered", guest_id=guest.guest_id, role=guest.claims.role),), apply)


def knock(call: Call, message: Knock, now: float) -> Outcome:
    """Change name and reason. Raises Refused(rate_limited) for who knocks too often."""
    guest = call.meeting.lobby[call.caller.session_id]
    name = clean_name(message.display_name)
    reason = clean_name(message.reason, MAX_REASON) if message.reason.strip() else ""
    call.check_knock(now)
    guest.display_name, guest.reason = name, reason
    changed(call)
    return Empty()


def admit(call: Call, message: ParticipantAdmit, _now: float) -> Outcome:
    """Let one in, or all. Raises Refused(forbidden) where there is no waiting room and nobody waits (spec, section 2)."""
    meeting = call.meeting
    if not meeting.settings.waiting_room and not meeting.lobby:
        raise Refused(ErrorCode.FORBIDDEN, "there is no waiting room")
    guests = [guest for guest in meeting.lobby.values() if message.guest_id in (None, guest.guest_id)]

    def apply() -> Empty:
        for guest in guests:
            _admit(call, guest)
        changed(call)
        return Empty()

    return Recorded(tuple(_event(call, "participant_admitted", guest) for guest in guests), apply)


def deny(call: Call, message: LobbyDeny, _now: float) -> Outcome:
    """Send a guest away; with `block` for good."""
    guest = next(guest for guest in call.meeting.lobby.values() if guest.guest_id == message.guest_id)

    def apply() -> Empty:
        if message.block:
            ban = Ban(
                jti=guest.claims.jti,
                personal=guest.claims.personal,
                device_id=guest.device_id,
                source_hash=guest.source_hash,
                whole=False,
                until_s=max(call.wall_s + BAN_S, guest.claims.exp if guest.claims.personal else 0.0),
                source_until_s=call.wall_s + BAN_S,
            )
            call.ban(ban)
        _dismiss(call, guest)
        dismiss_barred(call)
        changed(call)
        return Empty()

    name = "participant_blocked" if message.block else "participant_denied"
    return Recorded((_event(call, name, guest),), apply)


# --- what happens to a lobby without being asked to --------------------------------------------------------------------


def left(context: Context, session_id: SessionId) -> None:
    """A guest has gone."""
    context.meeting.admitted.discard(session_id)
    if context.meeting.lobby.pop(session_id, None) is not None:
        changed(context)


def admit_all(context: Context) -> None:
    """The waiting room is off."""
    for guest in tuple(context.meeting.lobby.values()):
        _admit(context, guest)
    changed(context)


def admit_expected(context: Context) -> None:
    """Somebody who may admit is here, or the rule has changed: who needs nobody's word comes in."""
    meeting = context.meeting
    if not meeting.settings.admit_personal or not attended(context):
        return
    expected = [guest for guest in meeting.lobby.values() if guest.claims.personal]
    for guest in expected:
        _admit(context, guest)
    if expected:
        changed(context)


def dismiss_barred(context: Context) -> None:
    """Somebody was banned or a link revoked: who waits and is meant by that goes too."""
    barred = [guest for guest in context.meeting.lobby.values() if _is_barred(context, guest)]
    for guest in barred:
        _dismiss(context, guest)
    if barred:
        changed(context)


def attended(context: Context) -> bool:
    """Return whether somebody who may admit is here and connected."""
    seats = context.meeting.participants.values()
    return any(seat.attentive and may(seat.role, Permission.PARTICIPANT_ADMIT) for seat in seats)


def tell(context: Context, participant: Participant) -> None:
    """Tell who waits to somebody who may know."""
    if may(participant.role, Permission.PARTICIPANT_ADMIT):
        context.send(participant.session_id, LobbyChanged(context.meeting.guests))


def changed(context: Context) -> None:
    """Tell everybody who may admit."""
    for participant in context.meeting.participants.values():
        tell(context, participant)


def _admit(context: Context, guest: Guest) -> None:
    del context.meeting.lobby[guest.session_id]
    context.meeting.admitted.add(guest.session_id)
    context.send(guest.session_id, LobbyAdmitted())


def _is_barred(context: Context, guest: Guest) -> bool:
    meeting_id, jti = context.meeting.meeting_id, guest.claims.jti
    if context.house.invitations.is_revoked(guest.claims):
        return True
    return context.house.bans.bar(meeting_id, jti, guest.device_id, guest.source_hashes, context.wall_s)


def _dismiss(context: Context, guest: Guest) -> None:
    del context.meeting.lobby[guest.session_id]
    context.effects.append(Disconnect(guest.session_id, "denied", "a host did not let you in"))


def _event(call: Call, name: str, guest: Guest) -> AuditEvent:
    return call.event(name, call.me, guest_id=guest.guest_id)
