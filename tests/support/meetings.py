"""A meeting in memory, with its real media room, in virtual time: requests go through the gate, effects are performed at once."""

from collections import defaultdict
from random import Random
from typing import TypeVar

from msgspec import Struct

from conclave.identity.invitations import Claims, Invitations
from conclave.identity.keys import SigningKey
from conclave.media.certificate import CertificateRotation
from conclave.media.commands import PlaneCommand
from conclave.media.parameters import Candidate
from conclave.media.room import MediaRoom, RoomLimits
from conclave.meeting import attendance
from conclave.meeting.context import Call, Caller, Context, House
from conclave.meeting.effects import Announce, Audit, Broadcast, Disconnect, Send
from conclave.meeting.handlers import handle
from conclave.meeting.standing import standing_of
from conclave.meeting.state import Meeting, Participant
from conclave.model.errors import Unavailable
from conclave.model.ids import MeetingId, SessionId, new_id
from conclave.model.roles import Role
from conclave.policy.buckets import Buckets
from conclave.policy.limits import BucketSize, Limits
from conclave.policy.rules import RateClass
from conclave.ports.audit import AuditEvent
from conclave.signaling import messages
from conclave.signaling.gate import Standing, admit
from conclave.signaling.messages import Event, Request

R = TypeVar("R", bound=Struct)
E = TypeVar("E", bound=Event)

CERTIFICATES = CertificateRotation(Random(1).randbytes)
KEY = SigningKey.generate()
CANDIDATES = (Candidate("udp", "192.0.2.1", 44300), Candidate("tcp", "192.0.2.1", 44300))
NO_RATE_LIMIT = {rate: BucketSize(burst=1e9, per_s=1e9) for rate in RateClass}
WALL_S = 1_800_000_000.0


class MeetingInMemory:
    """`inbox` holds what each session was sent; `audited` what was recorded, `recorded_at_once` how much of it by each call,
    `commands` what the plane was told."""

    def __init__(self, limits: Limits | None = None, seed: int = 1) -> None:
        self.now = 1000.0
        self.entropy = Random(seed).randbytes
        self.limits = limits or Limits(waiting_room=False)
        self.invitations = Invitations(KEY, self.entropy)
        self.house = House(self.limits, self.entropy, self.invitations, self._open_room)
        self.meeting = Meeting(MeetingId("m" * 16))
        self.callers: dict[SessionId, Caller] = {}
        self.inbox: dict[SessionId, list[Event]] = defaultdict(list)
        self.audited: list[AuditEvent] = []
        self.recorded_at_once: list[int] = []
        self.commands: list[PlaneCommand] = []
        self.disconnected: list[SessionId] = []
        self.audit_works = True

    def greet(
        self,
        role: Role,
        *,
        seats: int = 0,
        jti: str | None = None,
        headless: bool = False,
        device_id: str = "",
        source_hash: bytes = b"",
        former_hashes: tuple[bytes, ...] = (),
        uses: int = 0,
        account: str | None = None,
        issued_s: int = 0,
    ) -> SessionId:
        session_id = SessionId(new_id(self.entropy))
        claims = Claims(
            sub=self.meeting.meeting_id,
            role=role,
            jti=jti or new_id(self.entropy),
            iat=int(WALL_S) + issued_s,
            nbf=int(WALL_S),
            exp=int(WALL_S) + 600,
            seats=seats,
            uses=uses,
            account=account,
        )
        self.callers[session_id] = Caller(session_id, claims, headless, device_id, source_hash, former_hashes)
        return session_id

    def standing(self, session_id: SessionId) -> Standing:
        return standing_of(self.meeting, self.callers[session_id], self.house.demotions, WALL_S)

    def ask(self, session_id: SessionId, request: Request, result: type[R]) -> R:
        """Do what the hub does with a request. Raises Refused, Unavailable."""
        call = Call(self.house, self.meeting, self.callers[session_id], WALL_S)
        admit(request, self.standing(session_id), Buckets(NO_RATE_LIMIT), self.now)
        answer = handle(call, request, self.now, self._record)
        self._perform(call)
        assert isinstance(answer, result)
        return answer

    def change(self) -> Context:
        return Context(self.house, self.meeting, WALL_S)

    def open(self, title: str = "Weekly") -> SessionId:
        """Let a host open the meeting; it is greeted and has no seat."""
        return self.greet_first_host(title)

    def greet_first_host(self, title: str = "Weekly", **how: object) -> SessionId:
        """Let a host open the meeting by an invitation as `greet` takes it."""
        host = self.greet(Role.HOST, **how)  # type: ignore[arg-type]
        self.ask(host, messages.MeetingCreate(id=1, title=title), messages.MeetingCreated)
        return host

    def join(self, role: Role, name: str = "Ada", **how: object) -> Participant:
        """Greet somebody and give it a seat."""
        session_id = self.greet(role, **how)  # type: ignore[arg-type]
        return self.sit(session_id, name)

    def sit(self, session_id: SessionId, name: str = "Ada", *, auto_subscribe: bool = False) -> Participant:
        self.ask(session_id, messages.Join(id=1, display_name=name, auto_subscribe=auto_subscribe), messages.Joined)
        seat = self.meeting.seat_of(session_id)
        assert seat is not None
        return seat

    def lose(self, participant: Participant) -> None:
        context = self.change()
        attendance.connection_lost(context, participant, self.now)
        self._perform(context)

    def resume(self, participant: Participant) -> None:
        context = self.change()
        attendance.connection_resumed(context, participant, self.now)
        self._perform(context)

    def advance(self, seconds: float) -> None:
        """Let time pass and do everything that falls due meanwhile, each at its time."""
        end = self.now + seconds
        while (deadline := attendance.next_deadline(self.change())) is not None and deadline <= end:
            self.now = max(self.now, deadline)
            context = self.change()
            attendance.expire(context, self.now)
            self._perform(context)
        self.now = end

    def apply(self, context: Context) -> None:
        """Perform what a change left behind."""
        self._perform(context)

    def received(self, participant: Participant, kind: type[E]) -> list[E]:
        return [event for event in self.inbox[participant.session_id] if isinstance(event, kind)]

    def _record(self, *events: AuditEvent) -> None:
        if not self.audit_works:
            raise Unavailable("audit", "the disk is full")
        self.audited += events
        self.recorded_at_once.append(len(events))

    def _perform(self, context: Context) -> None:
        self.commands += context.commands
        for effect in context.effects:
            match effect:
                case Send(session_id, event):
                    self.inbox[session_id].append(event)
                case Broadcast(event, to):
                    for session_id in to:
                        if session_id in self.meeting.sessions:
                            self.inbox[session_id].append(event)
                case Announce(event, but):
                    for session_id in self.callers:
                        if session_id != but and session_id not in self.meeting.sessions:
                            self.inbox[session_id].append(event)
                case Audit(event):
                    self.audited.append(event)
                case Disconnect(session_id, _, _):
                    self.disconnected.append(session_id)

    def _open_room(self, _: MeetingId) -> MediaRoom:
        limits = RoomLimits(tracks_per_participant=self.limits.max_tracks_per_participant)
        return MediaRoom(0, CANDIDATES, CERTIFICATES.current, self.entropy, limits)
