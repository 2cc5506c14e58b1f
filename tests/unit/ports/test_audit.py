import pytest
from tests.support.hubs import MemoryAudit

from conclave.model.errors import Unavailable
from conclave.ports.audit import AuditEvent, AuditSink


def test_an_event_without_details_has_none() -> None:
    assert dict(AuditEvent(type="fact").details) == {}


def test_what_is_recorded_cannot_be_changed() -> None:
    event = AuditEvent(type="fact")
    with pytest.raises(AttributeError):
        event.type = "other"  # type: ignore[misc]
    with pytest.raises(TypeError):
        event.details["x"] = 1  # type: ignore[index]


def test_a_sink_that_cannot_record_says_so() -> None:
    sink: AuditSink = MemoryAudit()
    sink.record(AuditEvent(type="fact"), AuditEvent(type="second"))
    sink.works = False  # type: ignore[attr-defined]
    with pytest.raises(Unavailable):
        sink.record(AuditEvent(type="fact"))
