"""One connection: bytes in, frames out. Everything that it asks goes through the gate."""

from asyncio import Event as Flag
from collections.abc import Awaitable, Callable, Hashable

from msgspec import Struct

from conclave.hub.effects import Frames
from conclave.hub.outbox import Outbox
from conclave.hub.refusals import Refusal
from conclave.hub.scheduler import Timer
from conclave.hub.services import Services
from conclave.hub.visitors import Visitor
from conclave.model.errors import ErrorCode, ProtocolViolation, Refused, Unavailable
from conclave.policy.buckets import Bucket, Buckets
from conclave.policy.rules import Phase
from conclave.ports.observer import WideEvent
from conclave.signaling.codec import Encoding, MalformedRequest, decode, encode
from conclave.signaling.gate import Standing, admit
from conclave.signaling.messages import CLOSE_CODES, Closing, Error, Hello, Ping, Pong, Request, Response, type_of

NORMAL_CLOSURE = 1000

Respond = Callable[[Struct], None]
Greet = Callable[["Session", Hello, Respond], Awaitable[Struct]]


class ConnectionInfo(Struct, frozen=True, kw_only=True):
    """What the edge knows of a WebSocket. `abort` cuts the connection at once, without a close handshake;
    `source_hash` is the keyed hash of the network that it comes from, `former_hashes` are those under the keys before."""

    encoding: Encoding
    abort: Callable[[], None]
    source_hash: bytes = b""
    former_hashes: tuple[bytes, ...] = ()


class Session:
    """A connection that the hub serves; `info` is None for a headless one (WHIP, WHEP), which has no frames.

    The edge calls `receive` for each frame, one after the other, sends what `outbox.take` gives, closes the WebSocket with
    `close_code` at its end, and calls `disconnected` when the connection is gone for whatever reason.
    """

    def __init__(
        self,
        services: Services,
        greet: Greet,
        forget: Callable[["Session"], None],
        info: ConnectionInfo | None,
        source_hash: bytes = b"",
        former_hashes: tuple[bytes, ...] = (),
    ) -> None:
        now = services.clock.monotonic()
        limits = services.limits
        self.visitor: Visitor | None = None
        self.outbox = Outbox(limits.outbox_messages, limits.outbox_bytes)
        self.close_code = NORMAL_CLOSURE
        self.closed = Flag()
        self.buckets = Buckets(limits.rates)
        self._services = services
        self._greet = greet
        self._forget = forget
        self._info = info
        self.source_hash = source_hash if info is None else info.source_hash
        self.former_hashes = former_hashes if info is None else info.former_hashes
        self._frames = Bucket(limits.frames, now)
        self._refusals = Bucket(limits.refusals, now)
        self._last_heard = now
        self._timer: Timer | None = None
        if info is not None:
            self._timer = services.scheduler.at(now + limits.hello_timeout_s, self._check_liveness)

    def __repr__(self) -> str:
        return f"Session({self.visitor or 'not greeted'})"

    @property
    def headless(self) -> bool:
        return self._info is None

    @property
    def standing(self) -> Standing:
        """Where this connection stands now."""
        return Standing(Phase.NEW) if self.visitor is None else self.visitor.queue.standing(self.visitor)

    async def receive(self, frame: bytes | str) -> None:
        """Handle one WebSocket message. Never raises for what a peer sent: it answers, refuses or closes."""
        assert self._info is not None
        started = self._last_heard = self._services.clock.monotonic()
        if self.closed.is_set():
            return
        if not self._frames.take(started):
            self.close(ErrorCode.RATE_LIMITED, "too many messages")
            return
        try:
            request = decode(frame, self._info.encoding)
        except (MalformedRequest, ProtocolViolation) as error:
            self._refuse(error, "unknown", getattr(error, "request_id", None), self.standing, started, len(frame))
            return
        standing = self.standing
        try:
            await self._answer(request, lambda result: self._send(encode(Response(request.id, result), self._encoding)))
        except Exception as error:
            self._refuse(error, type_of(type(request)), request.id, standing, started, len(frame))
        else:
            self._observe(type_of(type(request)), standing, "ok", None, started, len(frame))

    async def request(self, request: Request) -> Struct:
        """Do what `receive` does for a caller in this process: return the result.

        Raises Refused or Unavailable; an error of ours becomes Unavailable with the incident's id as its detail.
        """
        started = self._services.clock.monotonic()
        standing = self.standing
        name = type_of(type(request))
        try:
            result = await self._answer(request, _ignore)
        except Exception as error:
            reply = self._record_refusal(error, name, request.id, standing, started, 0)
            if isinstance(error, Refused):
                raise
            raise Unavailable("hub", f"incident {reply.incident}") from error
        self._observe(name, standing, "ok", None, started, 0)
        return result

    def send(self, frames: Frames) -> None:
        """Queue an event; a connection that reads too slowly for its outbox is cut."""
        if self._info is not None:
            self._send(frames.in_encoding(self._info.encoding), frames.kind)

    def close(self, code: str, detail: str) -> None:
        """Say why, then close. What was queued before still goes out."""
        if self.closed.is_set():
            return
        if self._info is not None:
            self._send(encode(Closing(code, detail), self._info.encoding))
        self.close_code = CLOSE_CODES.get(code, NORMAL_CLOSURE)
        self._services.counts[f"closed_{code}"] += 1
        self._end()

    def disconnected(self) -> None:
        """The connection is gone. A seat is kept for the grace time; a headless one goes at once."""
        self._end()
        self._forget(self)
        visitor = self.visitor
        if visitor is not None and visitor.session is self:
            visitor.session = None
            visitor.queue.lost(visitor)

    def _end(self) -> None:
        self.closed.set()
        self.outbox.finish()
        if self._timer is not None:
            self._timer.cancel()

    async def _answer(self, request: Request, respond: Respond) -> Struct:
        match request:
            case Ping():
                now = self._services.clock.monotonic()
                admit(request, self.standing, self.buckets, now)
                pong = Pong(int(now * 1000))
                respond(pong)
                return pong
            case Hello():
                admit(request, self.standing, self.buckets, self._services.clock.monotonic())
                return await self._greet(self, request, respond)
        if self.visitor is None:
            admit(request, self.standing, self.buckets, self._services.clock.monotonic())
            raise AssertionError("the gate let a message pass before hello")
        return await self.visitor.queue.request(self.visitor, request, respond)

    @property
    def _encoding(self) -> Encoding:
        assert self._info is not None
        return self._info.encoding

    def _send(self, frame: bytes, kind: Hashable | None = None) -> None:
        if not self.outbox.put(frame, kind):
            assert self._info is not None
            self._services.counts["outbox_overflows"] += 1
            self.closed.set()
            self._info.abort()

    def _refuse(
        self, error: Exception, name: str, request_id: int | None, standing: Standing, started: float, size_bytes: int
    ) -> None:
        reply = self._record_refusal(error, name, request_id, standing, started, size_bytes)
        self._send(encode(reply, self._encoding))
        if isinstance(error, ProtocolViolation):
            self.close(error.code, error.detail)
        elif not self._refusals.take(started):
            self.close(ErrorCode.RATE_LIMITED, "too many refused messages")

    def _record_refusal(
        self, error: Exception, name: str, request_id: int | None, standing: Standing, started: float, size_bytes: int
    ) -> Error:
        """Count, audit and observe a request that came to nothing; return what the peer may know of it."""
        if isinstance(error, Refused | ProtocolViolation):
            outcome = "refused" if isinstance(error, Refused) else "violation"
            reply = Error(request_id, error.code, error.detail)
            self._services.refusals.note(
                Refusal(
                    message=name,
                    code=error.code,
                    phase=standing.phase,
                    meeting_id=self.visitor.caller.claims.sub if self.visitor else None,
                    session_id=self.visitor.session_id if self.visitor else None,
                    participant_id=standing.participant_id,
                ),
                started,
            )
        else:
            outcome = "failed"
            incident = self._services.incident(error)
            reply = Error(request_id, ErrorCode.UNAVAILABLE, "the server could not do it", incident)
        self._services.counts[f"refused_{reply.code}"] += 1
        self._observe(name, standing, outcome, reply, started, size_bytes)
        return reply

    def _observe(self, name: str, standing: Standing, outcome: str, error: Error | None, started: float, size_bytes: int) -> None:
        self._services.counts["messages"] += 1
        self._services.wide(
            WideEvent(
                type=name,
                phase=standing.phase,
                role=standing.role,
                outcome=outcome,
                code=error.code if error else None,
                duration_us=int((self._services.clock.monotonic() - started) * 1e6),
                size_bytes=size_bytes,
                session_id=self.visitor.session_id if self.visitor else None,
                meeting_id=self.visitor.caller.claims.sub if self.visitor else None,
                incident=error.incident if error else None,
            )
        )

    def _check_liveness(self) -> None:
        """Close what never said hello, or has been silent for too long; else look again when it could be."""
        limits = self._services.limits
        if self.visitor is None:
            self.close("timeout", "no hello in time")
            return
        due = self._last_heard + limits.heartbeat_s * limits.missed_heartbeats
        if due <= self._services.clock.monotonic():
            self.close("timeout", f"silent for {limits.missed_heartbeats} heartbeats")
        else:
            self._timer = self._services.scheduler.at(due, self._check_liveness)


def _ignore(_: Struct) -> None:
    """A caller in this process gets the result itself."""
