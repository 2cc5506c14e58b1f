"""What every part of the hub shares: limits, doors, timers and counters."""

from collections import Counter
from collections.abc import Callable
from logging import getLogger
from typing import Any

from conclave.hub.media_pump import MediaPump
from conclave.hub.refusals import Refusals
from conclave.hub.scheduler import Scheduler
from conclave.identity.access_tokens import VerifyAccess
from conclave.identity.invitations import CheckLink, Invitations
from conclave.media.room import MediaRoom
from conclave.meeting.context import House
from conclave.model.errors import Unavailable
from conclave.model.ids import Entropy, MeetingId, SessionId, new_id
from conclave.policy.limits import Limits
from conclave.ports.audit import AuditEvent, AuditSink
from conclave.ports.clock import Clock
from conclave.ports.meeting_memory import MeetingMemory
from conclave.ports.observer import ReportIncident, Wide, WideEvent
from conclave.ports.recorder import Archive, Recorder

IceServers = Callable[[SessionId], list[dict[str, Any]]]
OpenRoom = Callable[[MeetingId], MediaRoom]

_log = getLogger("conclave.hub")


def log_incident(incident: str, error: BaseException) -> None:
    """Log an error that is ours under the id that the peer was told."""
    _log.error("incident %s", incident, exc_info=error)


def discard_event(_: WideEvent) -> None:
    """Without an observer nobody is told."""


def no_ice_servers(_: SessionId) -> list[dict[str, Any]]:
    """Without a TURN server clients need none: we are reachable at the candidates in our SDP."""
    return []


class Services:
    """`record` is for what can still be refused, `record_anyway` for what has happened already."""

    def __init__(
        self,
        *,
        limits: Limits,
        pump: MediaPump,
        audit: AuditSink,
        clock: Clock,
        entropy: Entropy,
        invitations: Invitations,
        open_room: OpenRoom,
        wide: Wide,
        report_incident: ReportIncident,
        ice_servers: IceServers,
        recorder: Recorder,
        archive: Archive,
        verify_access: VerifyAccess | None = None,
        check_link: CheckLink | None = None,
        memory: MeetingMemory | None = None,
    ) -> None:
        self.memory = memory
        self.limits = limits
        self.pump = pump
        self.clock = clock
        self.entropy = entropy
        self.invitations = invitations
        self.wide = wide
        self.ice_servers = ice_servers
        self.verify_access = verify_access
        self.check_link = check_link
        self.scheduler = Scheduler(clock, self.incident)
        self.counts: Counter[str] = Counter()
        self.house = House(limits, entropy, invitations, open_room, recorder, archive)
        self.refusals = Refusals(self.record_anyway, self.scheduler)
        self._audit = audit
        self._report_incident = report_incident

    def record(self, *events: AuditEvent) -> None:
        """Make the facts of one action durable. Raises Unavailable, and then it must not happen (law 4)."""
        try:
            self._audit.record(*events)
        except Unavailable:
            self.counts["audit_failures"] += 1
            raise

    def record_anyway(self, event: AuditEvent) -> None:
        """Record what cannot be refused any more; a failure is an incident in the log."""
        try:
            self.record(event)
        except Unavailable as error:
            self.incident(error)

    def incident(self, error: BaseException) -> str:
        """Log `error` under a new id and return the id, which is all that a peer may see of it."""
        incident = new_id(self.entropy)
        self.counts["incidents"] += 1
        self._report_incident(incident, error)
        return incident
