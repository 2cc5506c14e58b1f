"""What a message or a route must say of itself before it can exist (law 2)."""

from enum import StrEnum

from msgspec import Struct

from conclave.model.errors import ErrorCode
from conclave.model.roles import Permission


class Phase(StrEnum):
    """Where a connection stands. `new`: nothing proven yet; `greeted`: holds a valid invitation;
    `lobby`: waits to be let in; `joined`: in the meeting; `breakout`: in one of its breakout rooms."""

    NEW = "new"
    GREETED = "greeted"
    LOBBY = "lobby"
    JOINED = "joined"
    BREAKOUT = "breakout"


class MeetingState(StrEnum):
    """What the invitation's meeting is now. `absent`: nobody has opened it; `locked`: open, and nobody else gets in;
    `suspended`: open, and everything is frozen; `ended`: it was open and is over."""

    ABSENT = "absent"
    ACTIVE = "active"
    LOCKED = "locked"
    SUSPENDED = "suspended"
    ENDED = "ended"


OPEN = frozenset({MeetingState.ACTIVE, MeetingState.LOCKED, MeetingState.SUSPENDED})
"""The states in which people sit in a meeting that goes on."""


class Scope(StrEnum):
    """Whose things a message may touch."""

    NONE = "none"
    MEETING = "meeting"
    OWN_TRACK = "own_track"
    OTHER_PARTICIPANT = "other_participant"
    GUEST = "guest"


class RateClass(StrEnum):
    """Token buckets per connection; the figures stand in `policy.limits`."""

    CONTROL = "control"
    NEGOTIATION = "negotiation"
    EXPRESSION = "expression"
    HEARTBEAT = "heartbeat"


class Rule(Struct, frozen=True):
    """permission: the one right needed; phases: where it may be sent; scope: what it may touch; rate: its bucket;
    available: False answers `unavailable`, after the gate, for a feature that is declared but not built yet;
    meeting: the states of the meeting in which it may be sent; for_hosts: those in which, beside them, who may change the meeting
    (`meeting.modify`) may send it; otherwise: the refusal in every other state."""

    permission: Permission
    phases: frozenset[Phase]
    scope: Scope
    rate: RateClass
    available: bool = True
    meeting: frozenset[MeetingState] = frozenset(MeetingState)
    otherwise: ErrorCode = ErrorCode.FORBIDDEN
    for_hosts: frozenset[MeetingState] = frozenset()
