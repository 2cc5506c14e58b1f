"""`hello`: an invitation makes a visitor; a resume token gives a lost visitor its connection and seat back."""

from collections.abc import Iterator
from contextlib import contextmanager

from msgspec import Struct

from conclave.hub.meeting_queue import MeetingQueue
from conclave.hub.services import Services
from conclave.hub.sessions import Respond, Session
from conclave.hub.visitors import Visitor
from conclave.identity.access_tokens import AccessClaims
from conclave.identity.devices import device_name
from conclave.identity.invitations import Claims
from conclave.identity.signed_tokens import not_valid
from conclave.meeting import attendance
from conclave.meeting.context import Caller, Context
from conclave.meeting.snapshots import snapshot_for
from conclave.model.errors import ErrorCode, Refused
from conclave.model.ids import MeetingId, SessionId, new_id
from conclave.signaling.messages import PROTOCOL_VERSION, Hello, Resume, Snapshot, Welcome


class Greeter:
    """Keeps the visitors and the queues of their meetings. `arriving` says by what those come whose greeting is under way: whose
    access ends meanwhile has no visitor yet to be told. Once `closed`, no meeting begins."""

    def __init__(self, services: Services) -> None:
        self.closed = False
        self.arriving: dict[Session, tuple[Claims, AccessClaims | None]] = {}
        self.visitors: dict[SessionId, Visitor] = {}
        self.queues: dict[MeetingId, MeetingQueue] = {}
        self._services = services

    async def greet(self, session: Session, hello: Hello, respond: Respond) -> Struct:
        """Answer `hello` with `welcome`.

        Raises Refused: `invalid` for another protocol version or not exactly one proof, `unauthorized` for a proof that
        is not good, `forbidden` for who was removed, `unavailable` when the server holds no more meetings.
        """
        if hello.protocol != PROTOCOL_VERSION:
            raise Refused(ErrorCode.INVALID, f"this server speaks version {PROTOCOL_VERSION}")
        if hello.token is not None and hello.resume is None:
            return await self._admit(session, hello, hello.token, respond)
        if hello.resume is not None and hello.token is None:
            return await self._resume(session, hello.resume, respond)
        raise Refused(ErrorCode.INVALID, "give a token or a resume, not both")

    async def _admit(self, session: Session, hello: Hello, token: str, respond: Respond) -> Struct:
        claims, bearer = self._verify(hello, token)
        with self._arrives(session, claims, bearer):
            await self._check_link(claims)
            return await self._enter(session, hello, token, claims, respond)

    @contextmanager
    def _arrives(self, session: Session, claims: Claims, bearer: AccessClaims | None) -> Iterator[None]:
        self.arriving[session] = claims, bearer
        try:
            yield
        finally:
            del self.arriving[session]

    async def _enter(self, session: Session, hello: Hello, token: str, claims: Claims, respond: Respond) -> Struct:
        session_id = SessionId(new_id(self._services.entropy))
        device_id = device_name(claims.meeting_id, hello.device_id)
        caller = Caller(session_id, claims, session.headless, device_id, session.source_hash, session.former_hashes)
        queue = self.queue_of(claims.meeting_id)

        def enter(context: Context, _now: float) -> Struct:
            _, bearer = self._verify(hello, token)  # again: what was revoked meanwhile has no visitor yet to be told
            bans = context.house.bans
            if bans.bar(claims.meeting_id, claims.jti, device_id, caller.source_hashes, context.wall_s):
                raise Refused(ErrorCode.FORBIDDEN, "a host removed you from this meeting")
            if session.closed.is_set():
                raise Refused(ErrorCode.UNAVAILABLE, "the connection is closed")
            visitor = Visitor(caller, queue, session.buckets, bearer)
            queue.attach(visitor)
            self.visitors[visitor.session_id] = visitor
            visitor.session, session.visitor = session, visitor
            return self._welcome(visitor)

        return await queue.ask(enter, respond)

    def _verify(self, hello: Hello, token: str) -> tuple[Claims, AccessClaims | None]:
        """Raises Refused also where an account comes by another's own link."""
        wall_s = self._services.clock.wall()
        claims, bearer = self._services.invitations.verify(token, wall_s), self._verify_access(hello.access_token, wall_s)
        if bearer is not None and claims.account not in (None, bearer.sub):
            raise not_valid()
        return claims, bearer

    async def _check_link(self, claims: Claims) -> None:
        """Ask whether an account may still come in by its own link; without accounts nobody's is good."""
        if claims.account is None:
            return
        if self._services.check_link is None:
            raise not_valid()
        await self._services.check_link(claims)

    def _verify_access(self, token: str | None, wall_s: float) -> AccessClaims | None:
        """Return whose access token it is; without accounts nobody's is good."""
        if token is None:
            return None
        if self._services.verify_access is None:
            raise not_valid()
        return self._services.verify_access(token, wall_s)

    async def _resume(self, session: Session, resume: Resume, respond: Respond) -> Struct:
        visitor = self.visitors.get(SessionId(resume.session_id))
        if visitor is None or not visitor.has_resume_token(resume.resume_token):
            self._services.counts["resumes_refused"] += 1
            raise _not_resumable()

        def take_over(context: Context, now: float) -> Struct:
            seat = context.meeting.seat_of(visitor.session_id)
            if seat is None or session.closed.is_set() or not visitor.spend_resume_token(resume.resume_token):
                raise _not_resumable()
            if visitor.session is not None:
                visitor.session.close("replaced", "the session was resumed on another connection")
            visitor.session, session.visitor = session, visitor
            session.buckets = visitor.buckets
            attendance.connection_resumed(context, seat, now)
            return self._welcome(visitor, snapshot_for(context, seat, now))

        welcome = await visitor.queue.ask(take_over, respond)
        self._services.counts["resumes"] += 1
        return welcome

    def queue_of(self, meeting_id: MeetingId) -> MeetingQueue:
        """Return the queue of a meeting, a new one where there is none.

        Raises Refused (`unavailable`) at the limit, and once the server stops.
        """
        queue = self.queues.get(meeting_id)
        if queue is None:
            if self.closed:
                raise Refused(ErrorCode.UNAVAILABLE, "the server stops")
            if len(self.queues) >= self._services.limits.max_meetings:
                raise Refused(ErrorCode.UNAVAILABLE, "this server holds no more meetings")
            queue = self.queues[meeting_id] = MeetingQueue(meeting_id, self._services, self._forget, self._retire)
        return queue

    def _forget(self, visitor: Visitor) -> None:
        self.visitors.pop(visitor.session_id, None)

    def _retire(self, queue: MeetingQueue) -> None:
        del self.queues[queue.meeting.meeting_id]

    def _welcome(self, visitor: Visitor, snapshot: Snapshot | None = None) -> Welcome:
        limits, meeting = self._services.limits, visitor.queue.meeting
        seat = meeting.seat_of(visitor.session_id)
        return Welcome(
            session_id=visitor.session_id,
            resume_token=visitor.new_resume_token(self._services.entropy),
            resume_grace_ms=int(limits.resume_grace_s * 1000),
            heartbeat_ms=int(limits.heartbeat_s * 1000),
            role=seat.role if seat else visitor.caller.role_left(self._services.house.demotions, self._services.clock.wall()),
            meeting_id=meeting.meeting_id,
            meeting_open=meeting.is_open,
            title=meeting.title if meeting.is_open else None,
            ice_servers=self._services.ice_servers(visitor.session_id),
            resumed=snapshot is not None,
            participant_id=seat.participant_id if seat else None,
            snapshot=snapshot,
        )


def _not_resumable() -> Refused:
    return Refused(ErrorCode.UNAUTHORIZED, "this session cannot be resumed")
