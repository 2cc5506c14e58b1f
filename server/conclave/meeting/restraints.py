"""What a host imposed on somebody, a hard mute, a stopped share or a lower role, holds over leaving and coming back.

It holds for the same person as far as that can be known: the same connection, personal link or device; by a shared link from the
same network whoever comes after the restrained one has gone, or without a device id (WHIP). Who sits there and has a device of
its own is not mistaken for somebody in the same office.
"""

from conclave.identity.invitations import Claims
from conclave.meeting.bans import BAN_S
from conclave.meeting.context import Call, Context
from conclave.meeting.state import Meeting, Participant
from conclave.model.entry import Demotion
from conclave.model.media import TrackSource
from conclave.model.roles import Role
from conclave.policy.rbac import lower_of, outranks_or_equals

MAX_RESTRAINTS = 1_000


def same_person(one: Participant, other: Participant) -> bool:
    """Return whether two seats are of one connection, one personal link or one device; a network alone makes nobody the same."""
    if one.session_id == other.session_id or (one.claims.personal and one.jti == other.jti):
        return True
    return bool(one.device_id) and one.device_id == other.device_id


def carry_over(call: Call, newcomer: Participant) -> None:
    """Impose on who is about to sit down what was imposed on the same person."""
    meeting = call.meeting
    left = call.caller.role_left(call.house.demotions, call.wall_s)
    if left is not newcomer.role:
        newcomer.role = newcomer.role_limit = left
    present = [seat for seat in meeting.participants.values() if seat.held or seat.role_limit is not None]
    for seat in present:
        if same_person(newcomer, seat) or (not newcomer.device_id and _same_way_in(newcomer, seat)):
            _impose(newcomer, seat)
    for gone in meeting.restrained:
        if same_person(newcomer, gone) or _same_way_in(newcomer, gone):
            _impose(newcomer, gone)


def remember(meeting: Meeting, leaver: Participant) -> None:
    """Keep what was imposed on somebody who goes; where there is too much to keep the oldest goes too."""
    meeting.restrained = [gone for gone in meeting.restrained if not same_person(gone, leaver)]
    if leaver.held or leaver.role_limit is not None:
        meeting.restrained.append(leaver)
    del meeting.restrained[:-MAX_RESTRAINTS]


def lift(meeting: Meeting, participant: Participant, sources: frozenset[TrackSource]) -> None:
    """A host allows somebody what it had forbidden."""
    participant.held -= sources
    for gone in meeting.restrained:
        if same_person(participant, gone) or _same_way_in(participant, gone):
            gone.held -= sources


def limit_role(context: Context, participant: Participant, role: Role) -> None:
    """A host gave somebody `role`: below that of the invitation it is all that the invitation is good for, here and, until it
    expires, in the meeting that is opened anew."""
    meeting, claims = context.meeting, participant.claims
    below = not outranks_or_equals(role, claims.role)
    participant.role_limit = role if below else None
    if below:
        context.demote(
            Demotion(
                jti=participant.jti,
                personal=claims.personal,
                device_id=participant.device_id,
                source_hash=participant.source_hash,
                role=role,
                until_s=max(context.wall_s + BAN_S, claims.exp),
                source_until_s=context.wall_s + BAN_S,
            )
        )
        return
    source_hashes = tuple({participant.source_hash, *participant.former_hashes} - {b""})
    for lifted in context.house.demotions.lifted(
        meeting.meeting_id, participant.jti, participant.device_id, source_hashes, context.wall_s
    ):
        context.demote(lifted)
    for gone in meeting.restrained:
        if same_person(participant, gone) or _same_way_in(participant, gone):
            gone.role_limit = None


def role_left(meeting: Meeting, claims: Claims, source_hashes: tuple[bytes, ...]) -> Role:
    """Return what an invitation is good for where it alone is shown, from a network: its role, or what a host left of that."""
    role = claims.role
    for one in (*meeting.participants.values(), *meeting.restrained):
        same_link = one.jti == claims.jti and (claims.personal or one.source_hash in source_hashes)
        if same_link and one.role_limit is not None:
            role = lower_of(role, one.role_limit)
    return role


def _impose(newcomer: Participant, restrained: Participant) -> None:
    newcomer.held |= restrained.held
    if restrained.role_limit is not None:
        newcomer.role = newcomer.role_limit = lower_of(newcomer.role, restrained.role_limit)


def _same_way_in(one: Participant, other: Participant) -> bool:
    """The keys that networks are named by change each day, so a name that both have had is the same network."""
    networks = {other.source_hash, *other.former_hashes} - {b""}
    return one.jti == other.jti and not networks.isdisjoint((one.source_hash, *one.former_hashes))
