import logging

import pytest
from tests.support.hubs import HubInMemory

from conclave.hub.services import discard_event, log_incident, no_ice_servers
from conclave.model.errors import Unavailable
from conclave.model.ids import SessionId
from conclave.ports.audit import AuditEvent
from conclave.ports.observer import WideEvent


async def test_a_record_that_fails_is_counted_and_raised(house: HubInMemory) -> None:
    services = house.hub._services
    house.audit.works = False
    with pytest.raises(Unavailable):
        services.record(AuditEvent(type="fact"))
    services.record_anyway(AuditEvent(type="fact"))
    assert services.counts["audit_failures"] == 2
    assert [type(error) for _, error in house.incidents] == [Unavailable]


async def test_every_incident_has_an_id_of_its_own(house: HubInMemory) -> None:
    services = house.hub._services
    identifiers = {services.incident(RuntimeError("x")) for _ in range(3)}
    assert identifiers == {incident for incident, _ in house.incidents}
    assert len(identifiers) == 3


def test_by_default_an_incident_goes_to_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "conclave.hub"):
        log_incident("abc", RuntimeError("broken"))
    assert "incident abc" in caplog.text
    assert "broken" in caplog.text


def test_by_default_nobody_is_told_and_no_ice_server_is_offered() -> None:
    discard_event(
        WideEvent(type="ping", phase="new", role=None, outcome="ok", code=None, duration_us=1, size_bytes=1),
    )
    assert no_ice_servers(SessionId("s" * 16)) == []
