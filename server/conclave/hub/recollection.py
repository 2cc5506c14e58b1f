"""What one meeting has to remember beyond the process: read before the first is greeted, written before it is seen.

A store that does not answer keeps nobody out of a meeting that goes on, and no host from removing somebody: what could not be
written holds in this process, is on the audit record, and is tried again. But nobody new is greeted before the bans are known.
"""

from asyncio import timeout
from collections.abc import Callable, Sequence

from conclave.hub.services import Services
from conclave.meeting.state import Meeting
from conclave.model.entry import Ban, Demotion, Fact
from conclave.model.errors import Unavailable
from conclave.ports.audit import AuditEvent

ANSWER_WITHIN_S = 2.0
LATER_S = 1.0
RETRY_S = 5.0
DOOR = "store"


class Recollection:
    """`later(delay_s)` asks for a call of `flush` in the meeting's turn. Without a memory nothing outlasts the process."""

    def __init__(self, meeting: Meeting, services: Services, later: Callable[[float], None]) -> None:
        self._meeting = meeting
        self._services = services
        self._memory = services.memory
        self._later = later
        self._recalled = False
        self._unkept: dict[tuple[str, str, str], Fact] = {}
        self._scheduled = False

    @property
    def complete(self) -> bool:
        """Whether everything is written."""
        return not self._unkept

    async def recall(self, now_s: float) -> None:
        """Learn what was known before, once. Raises Unavailable; a later call tries again."""
        if self._memory is None or self._recalled:
            return
        meeting_id = self._meeting.meeting_id
        try:
            async with timeout(ANSWER_WITHIN_S):
                remembered = await self._memory.recall(meeting_id, now_s)
        except TimeoutError:
            raise Unavailable(DOOR, "no answer in time") from None
        self._services.house.bans.restore(meeting_id, remembered.bans)
        self._services.house.demotions.restore(meeting_id, remembered.demotions)
        self._meeting.recall(remembered.invitations)
        self._recalled = True

    async def keep(self, facts: Sequence[Fact]) -> None:
        """Write `facts`, and what waits, before returning; where that fails it is recorded and tried again."""
        self._add(facts)
        await self.flush()

    def keep_later(self, facts: Sequence[Fact]) -> None:
        """Write `facts` within a second."""
        self._add(facts)
        self._schedule(LATER_S)

    async def flush(self) -> None:
        """Write what waits."""
        self._scheduled = False
        if self._memory is None or not self._unkept:
            return
        facts = dict(self._unkept)
        try:
            async with timeout(ANSWER_WITHIN_S):
                await self._memory.keep(self._meeting.meeting_id, list(facts.values()))
        except (Unavailable, TimeoutError):
            details: dict[str, str | int | bool] = {"facts": len(facts)}
            event = AuditEvent(type="admission_not_kept", meeting_id=self._meeting.meeting_id, details=details)
            self._services.record_anyway(event)
            self._schedule(RETRY_S)
        else:
            self._unkept = {key: fact for key, fact in self._unkept.items() if facts.get(key) is not fact}

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
