"""The one place where a request is allowed or refused (law 2).

The questions, in this order; the first "no" is the answer:

1. Greeted? Before `hello` only what the `new` phase allows: `unauthorized`.
2. Permission: the role does not hold it: `unauthorized`.
3. Rate: its token bucket is empty: `rate_limited`.
4. Phase: the role holds it, the connection does not stand where it may be sent: `forbidden`.
5. Meeting: it is in none of the rule's states, for a host in none of those for hosts either: the rule's own refusal,
   `forbidden` unless said otherwise, and where that is `not_found` although the meeting is open.
6. Scope: another's or an unknown track: `not_found` for both, so that nobody can probe for tracks; an unknown
   participant or guest of the lobby: `not_found`; oneself where another is meant: `forbidden`.
7. Availability: declared but not built: `unavailable`.

So `unauthorized` always means that the role lacks the permission, and `forbidden` that it holds it and the context does
not allow it (spec, section 2).
"""

from collections.abc import Container

from msgspec import Struct

from conclave.model.errors import ErrorCode, Refused
from conclave.model.roles import Permission, Role
from conclave.policy.buckets import Buckets
from conclave.policy.rbac import may
from conclave.policy.rules import OPEN, MeetingState, Phase, Rule, Scope
from conclave.signaling.messages import MESSAGES, Request


class Standing(Struct, frozen=True):
    """What the gate must know of the sender. `role` is None before `hello`.

    own_tracks: ids of the sender's tracks; participants: ids of everybody in the meeting, the sender included;
    guests: ids of those who wait in the lobby.
    """

    phase: Phase
    role: Role | None = None
    meeting: MeetingState = MeetingState.ABSENT
    participant_id: str | None = None
    own_tracks: Container[str] = ()
    participants: Container[str] = ()
    guests: Container[str] = ()


def admit(request: Request, standing: Standing, buckets: Buckets, now: float) -> Rule:
    """Return the rule that lets `request` pass. Raises Refused with the code of the first question that it fails."""
    rule = MESSAGES[type(request)]
    _check_role(rule, standing)
    if not buckets.take(rule.rate, now):
        raise Refused(ErrorCode.RATE_LIMITED, f"too many messages of class {rule.rate}")
    _check_context(rule, standing)
    _check_scope(request, rule, standing)
    if not rule.available:
        raise Refused(ErrorCode.UNAVAILABLE, "this server does not offer it yet")
    return rule


def _check_role(rule: Rule, standing: Standing) -> None:
    if standing.phase is Phase.NEW:
        if Phase.NEW not in rule.phases:
            raise Refused(ErrorCode.UNAUTHORIZED, "say hello first")
    elif not may(standing.role, rule.permission):
        raise Refused(ErrorCode.UNAUTHORIZED, f"your role does not hold {rule.permission}")


def _check_context(rule: Rule, standing: Standing) -> None:
    if standing.phase not in rule.phases:
        raise Refused(ErrorCode.FORBIDDEN, f"not allowed while {standing.phase}")
    beyond = standing.meeting in rule.for_hosts and may(standing.role, Permission.MEETING_MODIFY)
    if standing.meeting not in rule.meeting and not beyond:
        hidden = rule.otherwise is ErrorCode.NOT_FOUND and standing.meeting in OPEN
        raise Refused(ErrorCode.FORBIDDEN if hidden else rule.otherwise, f"the meeting is {standing.meeting}")


def _check_scope(request: Request, rule: Rule, standing: Standing) -> None:
    match rule.scope:
        case Scope.OWN_TRACK:
            if str(getattr(request, "track_id")) not in standing.own_tracks:  # noqa: B009 # declared by the scope
                raise Refused(ErrorCode.NOT_FOUND, "you have no such track")
        case Scope.OTHER_PARTICIPANT:
            target = str(getattr(request, "participant_id"))  # noqa: B009 # declared by the scope
            if target == standing.participant_id:
                raise Refused(ErrorCode.FORBIDDEN, "name another participant")
            if target not in standing.participants:
                raise Refused(ErrorCode.NOT_FOUND, "no such participant")
        case Scope.GUEST:
            guest = getattr(request, "guest_id")  # noqa: B009 # declared by the scope
            if guest is not None and guest not in standing.guests:
                raise Refused(ErrorCode.NOT_FOUND, "nobody of that id waits")
        case Scope.NONE | Scope.MEETING:
            pass


def _check_declarations() -> None:
    fields = {Scope.OWN_TRACK: "track_id", Scope.OTHER_PARTICIPANT: "participant_id", Scope.GUEST: "guest_id"}
    for message, rule in MESSAGES.items():
        needed = fields.get(rule.scope)
        if needed is not None and needed not in message.__struct_fields__:
            raise TypeError(f"{message.__name__} has scope {rule.scope} but no field {needed}")
    undeclared = set(Request.__subclasses__()) - MESSAGES.keys()
    if undeclared:
        raise TypeError(f"messages without a rule: {sorted(message.__name__ for message in undeclared)}")


_check_declarations()
