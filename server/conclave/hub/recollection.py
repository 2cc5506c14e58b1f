"""What one meeting has to remember beyond the process: read before the first is greeted, written before it is seen.

A store that does not answer keeps nobody out of a meeting that goes on, and no host from removing somebody: what could not be
written holds in this process, is on the audit record, and is tried again. But nobody new is greeted before the bans are known.

A question to the store has a task of its own and is never cancelled: a driver that is cancelled waits for its thread, and so
would the meeting. Whoever asks waits for ANSWER_WITHIN_S; while the store fails nobody waits for it any more.
"""

from asyncio import Future, ensure_future, wait
from collections.abc import Callable, Sequence

from conclave.hub.services import Services
from conclave.meeting.state import Meeting
from conclave.model.entry import Ban, Demotion, Fact, Remembered
from conclave.model.errors import Unavailable
from conclave.ports.audit import AuditEvent
from conclave.ports.meeting_memory import MeetingMemory

ANSWER_WITHIN_S = 2.0
LATER_S = 1.0
RETRY_S = 5.0
"""Before what failed is tried again; twice as long after each time, up to MAX_RETRY_S."""
MAX_RETRY_S = 60.0
DOOR = "store"


class Recollection:
    """`later(delay_s)` asks for a call of `flush` in the meeting's turn. Without a memory nothing outlasts the process."""

    def __init__(self, meeting: Meeting, services: Services, later: Callable[[float], None]) -> None:
        self._meeting = meeting
        self._services = services
        self._memory = services.memory
        self._later = later
        self._recalled = False
        self._asked: Future[Remembered] | None = None
        self._unkept: dict[tuple[str, str, str], Fact] = {}
        self._writing: Future[None] | None = None
        self._failing = False
        self._retry_s = RETRY_S
        self._scheduled = False

    @property
    def complete(self) -> bool:
        """Whether everything is written, and the store has answered what it was asked."""
        return not self._unkept and self._asked is None and self._writing is None

    async def recall(self, now_s: float) -> None:
        """Learn what was known before, once. Raises Unavailable; a later call tries again."""
        if self._memory is None or self._recalled:
            return
        if self._asked is None:
            self._asked = ensure_future(self._memory.recall(self._meeting.meeting_id, now_s))
            await wait({self._asked}, timeout=ANSWER_WITHIN_S)
            if not self._asked.done():
                self._asked.add_done_callback(lambda _: self._later(0.0))
        if not self._asked.done():
            raise Unavailable(DOOR, "no answer in time")
        remembered = self._take_answer(self._asked)
        self._services.house.bans.restore(self._meeting.meeting_id, remembered.bans)
        self._services.house.demotions.restore(self._meeting.meeting_id, remembered.demotions)
        self._meeting.recall(remembered.invitations)
        self._recalled = True

    async def keep(self, facts: Sequence[Fact]) -> None:
        """Write `facts`, and what waits, before returning; where that fails it is recorded and tried again."""
        self._add(facts)
        if not self._failing:
            await self.flush()

    def keep_later(self, facts: Sequence[Fact]) -> None:
        """Write `facts` within a second."""
        self._add(facts)
        self._schedule(LATER_S)

    async def flush(self, *, last: bool = False) -> None:
        """Write what waits. A store that failed is waited for the `last` time alone."""
        self._scheduled = False
        self._forget_late_answer()
        if self._memory is None or not self._unkept:
            return
        if self._writing is None:
            self._writing = ensure_future(self._write(self._memory))
            self._writing.add_done_callback(self._written)
        if last or not self._failing:
            await wait({self._writing}, timeout=ANSWER_WITHIN_S)
            if self._writing is not None:
                self._not_kept()
            elif last and not self._failing:
                await self.flush(last=True)

    async def _write(self, memory: MeetingMemory) -> None:
        facts = dict(self._unkept)
        await memory.keep(self._meeting.meeting_id, list(facts.values()))
        self._unkept = {key: fact for key, fact in self._unkept.items() if facts.get(key) is not fact}

    def _written(self, writing: Future[None]) -> None:
        self._writing = None
        if writing.cancelled():
            return
        error = writing.exception()
        if error is not None:
            if not isinstance(error, Unavailable):
                self._services.incident(error)
            self._not_kept()
            return
        failed, self._failing, self._retry_s = self._failing, False, RETRY_S
        self._schedule(LATER_S)
        if failed and not self._unkept:
            self._later(0.0)

    def _not_kept(self) -> None:
        self._failing = True
        event = AuditEvent(type="admission_not_kept", meeting_id=self._meeting.meeting_id, details={"facts": len(self._unkept)})
        self._services.record_anyway(event)
        if self._unkept and not self._scheduled:
            self._schedule(self._retry_s)
            self._retry_s = min(2 * self._retry_s, MAX_RETRY_S)

    def _take_answer(self, asked: Future[Remembered]) -> Remembered:
        self._asked = None
        return asked.result()

    def _forget_late_answer(self) -> None:
        """Nobody has come for it meanwhile."""
        asked = self._asked
        if asked is not None and asked.done():
            self._asked = None
            if not asked.cancelled():
                asked.exception()

    def _add(self, facts: Sequence[Fact]) -> None:
        if self._memory is None:
            return
        for fact in facts:
            self._unkept[_key(fact)] = fact

    def _schedule(self, delay_s: float) -> None:
        if self._unkept and not self._scheduled:
            self._scheduled = True
            self._later(delay_s)


def _key(fact: Fact) -> tuple[str, str, str]:
    """Name what a later fact takes the place of."""
    match fact:
        case Ban(whole=whole):
            return ("whole ban" if whole else "ban", fact.jti, fact.device_id)
        case Demotion():
            return ("demotion", fact.jti, fact.device_id)
        case _:
            return ("invitation", fact.jti, "")
