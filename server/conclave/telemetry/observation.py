"""Turns what the hub reports into a log line and a metric each: one wide event per message, one line per incident."""

from typing import Any

import msgspec
import structlog

from conclave.ports.observer import WideEvent
from conclave.telemetry.metrics import Metrics


class Observer:
    """The callables behind the doors of `ports.observer`."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._log: Any = structlog.get_logger("conclave")

    def wide(self, event: WideEvent) -> None:
        """ports.observer.Wide."""
        self._metrics.message(event.type, event.code or event.outcome, event.duration_us / 1e6)
        self._log.info("message", **{k: v for k, v in msgspec.structs.asdict(event).items() if v is not None})

    def incident(self, incident: str, error: BaseException) -> None:
        """ports.observer.ReportIncident."""
        self._log.error("incident", incident=incident, exc_info=(type(error), error, error.__traceback__))

    def note(self, event: str, detail: str) -> None:
        """Something that happened to the server itself, such as a reloaded certificate."""
        self._log.warning(event, detail=detail)
