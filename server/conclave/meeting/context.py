"""What a handler gets: the meeting, the caller, and the doors that need no waiting."""

from collections.abc import Callable

from msgspec import Struct, field

from conclave.identity.invitations import Claims, Invitations
from conclave.media.commands import PlaneCommand
from conclave.media.room import MediaRoom
from conclave.meeting.bans import Bans
from conclave.meeting.effects import Audit, Broadcast, Effect, Send
from conclave.meeting.knocks import Knocks
from conclave.meeting.state import Meeting, Participant
from conclave.model.entry import Ban, Fact
from conclave.model.ids import Entropy, MeetingId, SessionId
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


class House(Struct, frozen=True):
    """What all meetings of a server share. `open_room` makes the media of a meeting that is opened."""

    limits: Limits
    entropy: Entropy
    invitations: Invitations
    open_room: Callable[[MeetingId], MediaRoom]
    recorder: Recorder = NoRecorder()
    archive: Archive = NoArchive()
    bans: Bans = field(default_factory=Bans)
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

    def send(self, session_id: SessionId, event: Event) -> None:
        self.effects.append(Send(session_id, event))

    def broadcast(self, event: Event, but: SessionId | None = None) -> None:
        self.effects.append(Broadcast(event, but))

    def broadcast_about(self, participant: Participant, event: Event, but: SessionId | None = None) -> None:
        """Send `event` to everybody on whose roster `participant` stands."""
        if self.meeting.is_public(participant):
            participant.shown = True
            self.broadcast(event, but)
            return
        for viewer in self.meeting.participants.values():
            if viewer.session_id != but and self.meeting.sees(viewer, participant):
                self.send(viewer.session_id, event)

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

    def check_knock(self, now: float) -> None:
        """Raise Refused(rate_limited) when the caller asks to be let in too often."""
        self.house.knocks.take(self.meeting.meeting_id, self.caller.claims, self.caller.session_id, self.caller.source_hash, now)


class Recorded(Struct, frozen=True):
    """What an audited handler returns: the facts to record first, and what to do once they are durable (law 4)."""

    events: tuple[AuditEvent, ...]
    apply: Callable[[], Struct]


Outcome = Struct | Recorded
