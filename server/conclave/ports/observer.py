"""The doors to logs and metrics."""

from collections.abc import Callable

from msgspec import Struct


class WideEvent(Struct, frozen=True, kw_only=True):
    """Everything worth knowing of one handled message, in one record. Holds no secret, no name and no address.

    type: the message's type, "unknown" when it could not be read; phase and role as they were before it; outcome: "ok",
    "refused", "violation" or "failed"; code: the error code or None; size_bytes: the request's frame, 0 without one.
    """

    type: str
    phase: str
    role: str | None
    outcome: str
    code: str | None
    duration_us: int
    size_bytes: int
    session_id: str | None = None
    meeting_id: str | None = None
    incident: str | None = None


Wide = Callable[[WideEvent], None]
"""Takes one event per message."""

ReportIncident = Callable[[str, BaseException], None]
"""Takes the id that the peer was told and the error that it must not see."""
