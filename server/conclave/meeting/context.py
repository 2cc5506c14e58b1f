"""What a handler gets: the meeting, the caller, and the doors that need no waiting."""

from collections.abc import Callable, Iterable

from msgspec import Struct, field

from conclave.identity.invitations import Claims, Invitations
from conclave.media.commands import PlaneCommand
from conclave.media.room import MediaRoom
from conclave.meeting.bans import Bans
from conclave.meeting.demotions import Demotions
from conclave.meeting.effects import Audit, Broadcast, Effect, Send
from conclave.meeting.knocks import Knocks
from conclave.meeting.state import Meeting, Participant
from conclave.model.entry import Ban, Demotion, Fact
from conclave.model.errors import ErrorCode, Refused
from conclave.model.ids import BreakoutId, Entropy, MeetingId, SessionId
from conclave.model.roles import Role
from conclave.policy.limits import Limits
from conclave.ports.audit import AuditEvent
from conclave.ports.recorder import Archive, NoArchive, NoRecorder, Recorder
from conclave.signaling.messages import Event


class Caller(Struct, frozen=True):
    """Who sends: its session, what its invitation says, its device and the keyed hash of its network where they are known."""

    session_id: SessionId
    claims: Claims
    headless: bool = False
    device_id: str = ""
    source_hash: bytes = b""
    former_hashes: tuple[bytes, ...] = ()

    @property
    def source_hashes(self) -> tuple[bytes, ...]:
        """The names of its network under the keys of today and of the days before."""
        return (self.source_hash, *self.former_hashes) if self.source_hash else ()

    def role_left(self, demotions: Demotions, wall_s: float) -> Role:
        """Return what hosts left of its invitation's role."""
        claims = self.claims
        return demotions.role_left(claims.meeting_id, claims.role, claims.jti, self.device_id, self.source_hashes, wall_s)


class House(Struct, frozen=True):
    """What all meetings of a server share. `open_room` makes the media of a meeting that is opened."""

    limits: Limits
    entropy: Entropy
    invitations: Invitations
    open_room: Callable[[MeetingId], MediaRoom]
    recorder: Recorder = NoRecorder()
    archive: Archive = NoArchive()
    bans: Bans = field(default_factory=Bans)
    demotions: Demotions = field(default_factory=Demotions)
    knocks: Knocks = field(default_factory=Knocks)


class Context:
    """One mutation of one meeting. `wall_s` is the calendar's time in Unix seconds; `effects` and the
    media `commands` grow in order, the facts are what has to be kept beyond the process."""

    def __init__(self, house: House, meeting: Meeting, wall_s: float) -> None:
        self.house = house
        self.meeting = meeting
        self.wall_s = wall_s
        self.effects: list[Effect] = []
        self.commands: list[PlaneCommand] = []
        self.facts: list[Fact] = []
        self.later_facts: list[Fact] = []

    def keep(self, fact: Fact) -> None:
        """Have a fact made durable before anybody hears of this mutation."""
        self.facts.append(fact)

    def keep_later(self, fact: Fact) -> None:
        """Have a fact made durable that only informs, when there is time."""
        self.later_facts.append(fact)

    def ban(self, ban: Ban) -> None:
        """Put a ban into force."""
        self.house.bans.add(self.meeting.meeting_id, ban)
        self.keep(ban)

    def demote(self, demotion: Demotion) -> None:
        """Put into force what is left of somebody's invitation."""
        self.house.demotions.add(self.meeting.meeting_id, demotion)
        self.keep(demotion)

    def send(self, session_id: SessionId, event: Event) -> None:
        self.effects.append(Send(session_id, event))

    def broadcast(self, event: Event, breakout_id: BreakoutId | None) -> None:
        """Send `event` to everybody in one place: the main room (None) or a breakout room."""
        self.deliver(event, self.meeting.seats_in(breakout_id))

    def broadcast_everywhere(self, event: Event) -> None:
        """Send `event` to everybody in all places of the meeting: nothing that belongs to one of them."""
        self.deliver(event, self.meeting.participants.values())

    def broadcast_about(self, participant: Participant, event: Event, but: SessionId | None = None) -> None:
        """Send `event` to everybody on whose roster `participant` stands."""
        meeting = self.meeting
        if meeting.is_public(participant):
            participant.shown = True
        viewers = (viewer for viewer in meeting.participants.values() if meeting.sees(viewer, participant))
        self.deliver(event, (viewer for viewer in viewers if viewer.session_id != but))

    def broadcast_beside(self, participant: Participant, event: Event) -> None:
        """Send `event` to those in the place of `participant` on whose roster it stands."""
        meeting = self.meeting
        self.deliver(event, (other for other in meeting.seats_in(participant.breakout_id) if meeting.sees(other, participant)))

    def deliver(self, event: Event, viewers: Iterable[Participant]) -> None:
        """Send `event` to these participants."""
        to = tuple(viewer.session_id for viewer in viewers)
        if to:
            self.effects.append(Broadcast(event, to))

    def audit(self, event: AuditEvent) -> None:
        self.effects.append(Audit(event))

    def event(self, name: str, participant: Participant | None = None, **details: str | int | bool) -> AuditEvent:
        """Return an audit event of this meeting about `participant`."""
        return AuditEvent(
            type=name,
            meeting_id=self.meeting.meeting_id,
            session_id=participant.session_id if participant else None,
            participant_id=participant.participant_id if participant else None,
            details=details,
        )


class Call(Context):
    """The mutation that a request asks for."""

    def __init__(self, house: House, meeting: Meeting, caller: Caller, wall_s: float) -> None:
        super().__init__(house, meeting, wall_s)
        self.caller = caller

    @property
    def me(self) -> Participant:
        """The caller's seat; the gate lets no message for the joined phase pass without one."""
        seat = self.meeting.seat_of(self.caller.session_id)
        assert seat is not None
        return seat

    @property
    def room(self) -> MediaRoom:
        """The media of the place where the caller is.

        Raises Refused(conflict) until a client that was moved has said that it knows: what was meant for the place it left
        must not take effect here.
        """
        if not self.me.arrived:
            raise Refused(ErrorCode.CONFLICT, "you were moved to another room: send breakout.ready first")
        return self.meeting.room_of(self.me)

    def check_knock(self, now: float) -> None:
        """Raise Refused(rate_limited) when the caller asks to be let in too often."""
        self.house.knocks.take(self.meeting.meeting_id, self.caller.claims, self.caller.session_id, self.caller.source_hash, now)


class Recorded(Struct, frozen=True):
    """What an audited handler returns: the facts to record first, and what to do once they are durable (law 4)."""

    events: tuple[AuditEvent, ...]
    apply: Callable[[], Struct]


Outcome = Struct | Recorded
