"""One queue and one worker per meeting: one mutation, one drain (law 3).

Everything that changes a meeting is a job here: requests, lost and resumed connections, timers, news of its media. A job
runs a function without awaiting and then performs what came of it; while that waits for the store, so do the others.
"""

from asyncio import Future, Queue, create_task, get_running_loop
from collections.abc import Awaitable, Callable
from typing import TypeVar

from msgspec import Struct

from conclave.hub.effects import perform
from conclave.hub.recollection import Recollection
from conclave.hub.scheduler import Timer
from conclave.hub.services import Services
from conclave.hub.visitors import Visitor
from conclave.media.commands import CloseTransport, OpenTransport
from conclave.meeting import attendance, lobby
from conclave.meeting.context import Call, Context
from conclave.meeting.handlers import handle
from conclave.meeting.standing import standing_of
from conclave.meeting.state import Meeting
from conclave.model.errors import Unavailable
from conclave.model.ids import MeetingId, SessionId, TransportId
from conclave.signaling.gate import Standing, admit
from conclave.signaling.messages import Request

Change = Callable[[Context, float], None]
Respond = Callable[[Struct], None]
Job = Callable[[], Awaitable[None]]
T = TypeVar("T")


class MeetingQueue:
    """A meeting with all that are greeted for it. Runs until it is retired: nobody is left, it is not active, and what has to be
    kept of it is kept."""

    def __init__(
        self,
        meeting_id: MeetingId,
        services: Services,
        forget: Callable[[Visitor], None],
        retire: Callable[["MeetingQueue"], None],
    ) -> None:
        self.meeting = Meeting(meeting_id)
        self.visitors: dict[SessionId, Visitor] = {}
        self.transports: set[TransportId] = set()
        self._services = services
        self._forget = forget
        self._retire = retire
        self._without_connection: set[SessionId] = set()
        self._timer: Timer | None = None
        self._waiting: set[Future[Struct]] = set()
        self._recollection = Recollection(self.meeting, services, self._flush_later)
        self._jobs: Queue[Job] = Queue()
        self._stopping = False
        self._worker = create_task(self._run(), name=f"meeting {meeting_id}")

    def stop(self) -> None:
        """Begin nothing more; requests that wait for their turn get Unavailable."""
        self._stopping = True
        self._jobs.put_nowait(_nothing)
        self._disarm()
        for future in self._waiting:
            if not future.done():
                future.set_exception(Unavailable("hub", "the server stops"))

    def attach(self, visitor: Visitor) -> None:
        self.visitors[visitor.session_id] = visitor

    def lost(self, visitor: Visitor) -> None:
        """The connection of `visitor` is gone: keep its seat for the grace time, or forget it if it has none."""

        def change(context: Context, now: float) -> None:
            if visitor.session is not None:
                return
            self._without_connection.add(visitor.session_id)
            seat = self.meeting.seat_of(visitor.session_id)
            if seat is not None:
                attendance.connection_lost(context, seat, now)
            else:
                lobby.left(context, visitor.session_id)

        self.post(change)

    def revoke(self, visitor: Visitor, code: str, detail: str) -> None:
        """End a visitor at once and for good: seat, media and connection, also one by which it was just
        being resumed; it cannot be resumed after that."""

        def close() -> None:
            if visitor.session is not None:
                visitor.session.close(code, detail)

        def change(context: Context, now: float) -> None:
            seat = self.meeting.seat_of(visitor.session_id)
            if seat is not None:
                attendance.remove(context, seat, "revoked", now)
            else:
                lobby.left(context, visitor.session_id)
            close()

        close()
        self.post(change)

    def standing(self, visitor: Visitor) -> Standing:
        """Return what the gate must know of `visitor` at this moment."""
        return standing_of(self.meeting, visitor.caller, self._services.house.demotions, self._wall())

    async def request(self, visitor: Visitor, request: Request, respond: Respond) -> Struct:
        """Pass the gate and run the handler in its turn. `respond` is called with the result before any event goes out.

        Raises Refused, Unavailable, or whatever error of ours the handler has.
        """

        def mutate(call: Context, now: float) -> Struct:
            assert isinstance(call, Call)
            admit(request, self.standing(visitor), visitor.buckets, now)
            return handle(call, request, now, self._services.record)

        return await self._submit(lambda: Call(self._services.house, self.meeting, visitor.caller, self._wall()), mutate, respond)

    async def ask(self, mutate: Callable[[Context, float], Struct], respond: Respond) -> Struct:
        """Run `mutate` in its turn and return what it returns, as `request` does; by then it is known who is banned.

        Raises Unavailable when that cannot be known, or the server stops.
        """
        return await self._submit(self._context, mutate, respond, recall=True)

    async def stopped(self) -> None:
        """Wait, after `stop`, until the mutation that is under way is done, and write down what waits for that. A write is never
        broken off: the store answers, or its time is over."""
        await self._worker
        await self._recollection.flush(last=True)

    def post(self, change: Change) -> None:
        """Run `change` in its turn; nobody waits for it."""

        async def job() -> None:
            context = self._context()
            try:
                change(context, self._services.clock.monotonic())
            finally:
                await self._drain(context, _no_response)

        self._jobs.put_nowait(job)

    async def idle(self) -> None:
        """Wait until every job that was put so far has run."""
        await self._jobs.join()

    def _wall(self) -> float:
        return self._services.clock.wall()

    def _context(self) -> Context:
        return Context(self._services.house, self.meeting, self._wall())

    async def _submit(
        self,
        context_of: Callable[[], Context],
        mutate: Callable[[Context, float], Struct],
        respond: Respond,
        *,
        recall: bool = False,
    ) -> Struct:
        if self._stopping:
            raise Unavailable("hub", "the server stops")
        future: Future[Struct] = get_running_loop().create_future()

        async def job() -> None:
            context = context_of()
            try:
                if recall and not future.done():
                    await self._recollection.recall(self._wall())
                if future.done():
                    return
                result = mutate(context, self._services.clock.monotonic())
                await self._drain(context, lambda: respond(result))
                _settle_with(future, result)
            except Exception as error:
                await self._drain(context, _no_response)
                if not future.done():
                    future.set_exception(error)

        self._jobs.put_nowait(job)
        self._waiting.add(future)
        try:
            return await future
        finally:
            self._waiting.discard(future)

    async def _run(self) -> None:
        while not self._stopping:
            job = await self._jobs.get()
            try:
                if self._stopping:
                    return
                await self._attempt(job)
                if await self._attempt(self._settle):
                    return
            finally:
                self._jobs.task_done()

    async def _attempt(self, step: Callable[[], Awaitable[T]]) -> T | None:
        """Do one step; an error of ours in it is an incident and not the end of the meeting."""
        try:
            return await step()
        except Exception as error:
            self._services.incident(error)
            return None

    async def _drain(self, context: Context, respond: Callable[[], None]) -> None:
        for command in context.commands:
            match command:
                case OpenTransport(transport, _):
                    self.transports.add(transport.transport_id)
                case CloseTransport(transport_id):
                    self.transports.discard(transport_id)
        try:
            await perform(self._services, self.visitors, context, respond, self._recollection.keep)
        finally:
            self._recollection.keep_later(context.later_facts)
            for done in (context.effects, context.commands, context.facts, context.later_facts):
                done.clear()

    async def _settle(self) -> bool:
        """Forget who has neither a connection nor a seat, arm the timer; return whether this queue is retired."""
        for session_id in tuple(self._without_connection):
            visitor = self.visitors.get(session_id)
            if visitor is None or visitor.session is not None:
                self._without_connection.discard(session_id)
            elif self.meeting.seat_of(session_id) is None:
                self._without_connection.discard(session_id)
                del self.visitors[session_id]
                self._forget(visitor)
        self._arm()
        if not self._is_over:
            return False
        await self._recollection.flush()
        if not self._is_over or not self._recollection.complete:
            return False
        self._disarm()
        self._retire(self)
        return True

    @property
    def _is_over(self) -> bool:
        return not self.visitors and not self.meeting.is_open and self._jobs.empty()

    def _flush_later(self, delay_s: float) -> None:
        due = self._services.clock.monotonic() + delay_s
        self._services.scheduler.at(due, lambda: self._jobs.put_nowait(self._recollection.flush))

    def _arm(self) -> None:
        deadline = attendance.next_deadline(self._context())
        if deadline is None or (self._timer is not None and self._timer.due <= deadline):
            return
        self._disarm()
        self._timer = self._services.scheduler.at(deadline, self._on_timer)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _on_timer(self) -> None:
        self._timer = None
        self.post(attendance.expire)


def _settle_with(future: Future[Struct], result: Struct) -> None:
    """Whoever waited may have hung up meanwhile."""
    if not future.done():
        future.set_result(result)


async def _nothing() -> None:
    """Wakes the worker up."""


def _no_response() -> None:
    """Nobody waits for an answer."""
