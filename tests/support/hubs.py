"""A hub without a web server: real queues, gate, media pump and plane; connections are its Session objects."""

import asyncio
import os
import time
from collections.abc import Callable
from typing import Any, TypeVar

from msgspec import Struct, convert

from conclave.hub.hub import Hub
from conclave.hub.media_pump import MediaPump
from conclave.hub.sessions import ConnectionInfo, Session
from conclave.identity.invitations import Invitations
from conclave.identity.keys import SigningKey
from conclave.media.certificate import CertificateRotation
from conclave.media.parameters import Candidate
from conclave.media.room import MediaRoom
from conclave.model.errors import Unavailable
from conclave.model.ids import MeetingId, new_id
from conclave.model.roles import Role
from conclave.plane.plane import LaneAddress, Plane
from conclave.policy.limits import BucketSize, Limits
from conclave.policy.rules import RateClass
from conclave.ports.audit import AuditEvent
from conclave.ports.meeting_memory import MeetingMemory
from conclave.ports.observer import WideEvent
from conclave.signaling import messages
from conclave.signaling.codec import Encoding, decode_server_message, encode
from conclave.signaling.messages import Error, Event, Request, Response

R = TypeVar("R", bound=Struct)
E = TypeVar("E", bound=Event)

NO_RATE_LIMIT = {rate: BucketSize(burst=1e9, per_s=1e9) for rate in RateClass}
PLENTY = BucketSize(burst=1e9, per_s=1e9)
WAIT_S = 5.0


class ShiftedClock:
    """Real time that a test can push forward."""

    def __init__(self) -> None:
        self.shift_s = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.shift_s

    def wall(self) -> float:
        return time.time() + self.shift_s


class MemoryAudit:
    """Keeps events; `works = False` makes it fail."""

    def __init__(self) -> None:
        self.events: list[AuditEvent] = []
        self.works = True

    def record(self, *events: AuditEvent) -> None:
        if not self.works:
            raise Unavailable("audit", "the disk is full")
        self.events += events


class RefusedByServer(Exception):
    """The server answered `error`."""

    def __init__(self, error: Error) -> None:
        super().__init__(f"{error.code}: {error.detail}")
        self.error = error
        self.code = error.code


class Client:
    """One connection. What the server sent is in `events`; `aborted` says that it was cut."""

    def __init__(self, hub: Hub, encoding: Encoding) -> None:
        self.encoding = encoding
        self.aborted = False
        self.events: list[Event] = []
        self.replies: list[Response | Error] = []
        self.session: Session = hub.connect(ConnectionInfo(encoding=encoding, abort=self._abort))
        self._next_id = 0

    async def ask(self, make: Callable[[int], Request], result: type[R]) -> R:
        """Send a request and return its result. Raises RefusedByServer."""
        self._next_id += 1
        await self.send(make(self._next_id))
        self.collect()
        reply = self.replies[-1]
        assert reply.id == self._next_id
        if isinstance(reply, Error):
            raise RefusedByServer(reply)
        return convert(reply.result, result)

    async def send(self, request: Request) -> None:
        frame = encode(request, self.encoding)
        await self.session.receive(frame.decode() if self.encoding.is_text else frame)

    def collect(self) -> None:
        """Take what waits in the outbox."""
        while len(self.session.outbox):
            taken = self.session.outbox.take()
            try:
                taken.send(None)
            except StopIteration as stop:
                frames: list[bytes] = stop.value
            for frame in frames:
                message = decode_server_message(frame, self.encoding)
                (self.events if isinstance(message, Event) else self.replies).append(message)  # type: ignore[arg-type]

    def received(self, kind: type[E]) -> list[E]:
        self.collect()
        return [event for event in self.events if isinstance(event, kind)]

    async def hello(self, token: str) -> messages.Welcome:
        return await self.ask(lambda number: messages.Hello(id=number, protocol=1, token=token), messages.Welcome)

    async def resume(self, session_id: str, resume_token: str) -> messages.Welcome:
        resume = messages.Resume(session_id, resume_token)
        return await self.ask(lambda number: messages.Hello(id=number, protocol=1, resume=resume), messages.Welcome)

    async def join(self, name: str = "Ada", *, auto_subscribe: bool = False) -> messages.Joined:
        return await self.ask(
            lambda number: messages.Join(id=number, display_name=name, auto_subscribe=auto_subscribe), messages.Joined
        )

    def _abort(self) -> None:
        self.aborted = True


class HubInMemory:
    """The hub with everything that it needs. `wide` and `incidents` hold what it reported."""

    def __init__(self, limits: Limits | None = None, memory: MeetingMemory | None = None) -> None:
        self.clock = ShiftedClock()
        self.audit = MemoryAudit()
        self.wide: list[WideEvent] = []
        self.incidents: list[tuple[str, BaseException]] = []
        self.invitations = Invitations(SigningKey.generate(), os.urandom)
        self.plane = Plane([LaneAddress("127.0.0.1", 0)])
        self.pump = MediaPump(self.plane, clock=self.clock.monotonic, loop=asyncio.get_running_loop())
        self._certificates = CertificateRotation(os.urandom)
        self.hub = Hub(
            limits=limits or Limits(waiting_room=False, rates=NO_RATE_LIMIT, frames=PLENTY, refusals=PLENTY),
            pump=self.pump,
            audit=self.audit,
            clock=self.clock,
            entropy=os.urandom,
            invitations=self.invitations,
            open_room=self._open_room,
            wide=self.wide.append,
            report_incident=lambda incident, error: self.incidents.append((incident, error)),
            memory=memory,
        )
        self.meeting_id = MeetingId(new_id(os.urandom))

    def start(self) -> None:
        self.pump.start()
        self.hub.start()

    async def close(self) -> None:
        await self.hub.close()
        self.pump.close()

    def client(self, encoding: Encoding = Encoding.MSGPACK) -> Client:
        return Client(self.hub, encoding)

    def token(self, role: Role, meeting_id: MeetingId | None = None, **claims: Any) -> str:
        return self.invitations.issue(meeting_id or self.meeting_id, role, self.clock.wall(), **claims).token

    async def greeted(self, role: Role, encoding: Encoding = Encoding.MSGPACK) -> Client:
        client = self.client(encoding)
        await client.hello(self.token(role))
        return client

    async def host(self) -> Client:
        """A host who opened the meeting and sits in it."""
        client = await self.greeted(Role.HOST)
        await client.ask(lambda number: messages.MeetingCreate(id=number, title="Weekly"), messages.MeetingCreated)
        await client.join("Host")
        return client

    async def joined(self, role: Role, name: str = "Ada") -> Client:
        client = await self.greeted(role)
        await client.join(name)
        return client

    async def advance(self, seconds: float) -> None:
        """Push time forward and let everything that is due happen."""
        self.clock.shift_s += seconds
        self.hub.fire_timers()
        await self.hub.settle()

    def _open_room(self, _: MeetingId) -> MediaRoom:
        port = self.plane.addresses[0].port
        candidates = (Candidate("udp", "127.0.0.1", port), Candidate("tcp", "127.0.0.1", port))
        return MediaRoom(0, candidates, self._certificates.current, os.urandom)


async def eventually(condition: Callable[[], object]) -> None:
    """Wait until `condition` holds. Raises TimeoutError."""
    async with asyncio.timeout(WAIT_S):
        while not condition():  # noqa: ASYNC110 # conditions of many kinds, not all of them events
            await asyncio.sleep(0.005)
