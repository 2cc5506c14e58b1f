"""The door to the audit log."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

from msgspec import Struct

_NOTHING: Mapping[str, str | int | bool] = MappingProxyType({})


class AuditEvent(Struct, frozen=True, kw_only=True):
    """One fact for the record.

    type: "meeting_created", "participant_joined", "permission_changed", "refused" ...; meeting_id, session_id and
    participant_id where they are known; details: short sanitised values, never a name, an address, a token or a text.
    """

    type: str
    meeting_id: str | None = None
    session_id: str | None = None
    participant_id: str | None = None
    details: Mapping[str, str | int | bool] = _NOTHING


class AuditSink(Protocol):
    """Where audit events become durable."""

    def record(self, *events: AuditEvent) -> None:
        """Make the facts of one action durable before returning, all of them or none. Raises Unavailable when that is not
        possible."""


class Record(Protocol):
    """`AuditSink.record` of some sink."""

    def __call__(self, *events: AuditEvent) -> None: ...
