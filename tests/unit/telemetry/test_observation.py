from structlog.testing import capture_logs

from conclave.ports.observer import WideEvent
from conclave.telemetry.metrics import Metrics
from conclave.telemetry.observation import Observer


def test_one_message_makes_one_line_and_one_count() -> None:
    metrics = Metrics()
    event = WideEvent(
        type="join", phase="greeted", role="host", outcome="refused", code="conflict", duration_us=150, size_bytes=40
    )
    with capture_logs() as logs:
        Observer(metrics).wide(event)
    (line,) = logs
    assert line["event"] == "message"
    assert line["code"] == "conflict"
    assert "session_id" not in line
    assert 'conclave_signaling_messages_total{outcome="conflict",type="join"} 1.0' in metrics.render().decode()


def test_an_incident_is_logged_with_its_id_and_error() -> None:
    with capture_logs() as logs:
        Observer(Metrics()).incident("abc", ValueError("x"))
    (line,) = logs
    assert line["incident"] == "abc"
    assert line["log_level"] == "error"


def test_a_note_carries_its_detail() -> None:
    with capture_logs() as logs:
        Observer(Metrics()).note("certificate_reloaded", "server.pem")
    assert logs[0]["detail"] == "server.pem"
