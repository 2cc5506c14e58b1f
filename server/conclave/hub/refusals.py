"""Refusals on their way to the audit log. Each is recorded; what repeats is recorded as a number.

An audit record waits for the disk, so a record per refused message would let a stranger who guesses tokens stop the server. The
first refusal of a kind (session, message, code) is recorded at once, its repetitions within WINDOW_S together, with `times`.
"""

from collections.abc import Callable

from msgspec import Struct

from conclave.hub.scheduler import Scheduler
from conclave.ports.audit import AuditEvent

WINDOW_S = 10.0
MAX_KINDS = 10_000


class Refusal(Struct, frozen=True):
    """One kind of refusal. `session_id` and `meeting_id` are None before `hello`, so those of all strangers are one kind."""

    message: str
    code: str
    phase: str
    meeting_id: str | None = None
    session_id: str | None = None
    participant_id: str | None = None

    def event(self, times: int) -> AuditEvent:
        """Return the audit event for `times` refusals of this kind."""
        return AuditEvent(
            type="refused",
            meeting_id=self.meeting_id,
            session_id=self.session_id,
            participant_id=self.participant_id,
            details={"message": self.message, "code": self.code, "phase": self.phase, "times": times},
        )


class Refusals:
    """Counts repetitions. It holds at most MAX_KINDS; when there are more, everything is recorded and counting begins anew."""

    def __init__(self, record: Callable[[AuditEvent], None], scheduler: Scheduler) -> None:
        self._record = record
        self._scheduler = scheduler
        self._repeated: dict[Refusal, int] = {}

    def __len__(self) -> int:
        return len(self._repeated)

    def note(self, refusal: Refusal, now: float) -> None:
        """Take one refusal that happened at `now`."""
        if refusal in self._repeated:
            self._repeated[refusal] += 1
            return
        if len(self._repeated) >= MAX_KINDS:
            self.flush()
        if not self._repeated:
            self._scheduler.at(now + WINDOW_S, self.flush)
        self._repeated[refusal] = 0
        self._record(refusal.event(1))

    def flush(self) -> None:
        """Record the repetitions that were counted so far."""
        repeated, self._repeated = self._repeated, {}
        for refusal, times in repeated.items():
            if times:
                self._record(refusal.event(times))
