"""Errors of ours in the media pump: each costs what it happened to and nothing else."""

from unittest.mock import Mock

import pytest
from tests.unit.hub.test_media_pump import PUBLISHER, SUBSCRIBER, House, check, path, track

from conclave.media import commands
from conclave.model.errors import Unavailable
from conclave.plane.plane import Datagram, Fact


@pytest.fixture
def house() -> House:
    return House()


def test_an_error_of_ours_costs_one_datagram_and_not_those_after_it(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    broken, sound = house.open(), house.open(SUBSCRIBER)
    incidents: list[Exception] = []
    house.pump.on_incident = lambda error: incidents.append(error) or "id"
    monkeypatch.setattr(broken, "receive_stun", Mock(side_effect=AssertionError("ours")))
    house.receive(
        Datagram(0, "stun", -1, path(1), check(broken)),
        Datagram(0, "stun", -1, path(2), check(sound)),
        Fact(0, "srtp_failing", 100, -1, 12, b""),
    )
    assert [str(error) for error in incidents] == ["ours"]
    assert [to for _, to, _ in house.plane.sent] == [path(2)]
    assert house.facts == [("srtp_failing", PUBLISHER, None, 12)]
    assert house.pump.counters()["control_incidents"] == 1


def test_an_output_that_the_plane_refuses_costs_only_itself(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    transport = house.open()
    incidents: list[Exception] = []
    house.pump.on_incident = lambda error: incidents.append(error) or "id"
    monkeypatch.setattr(house.plane, "allow_path", Mock(side_effect=ValueError("no path")), raising=False)
    house.check(transport)
    assert [str(error) for error in incidents] == ["no path"]
    assert len(house.plane.sent) == 1


def test_a_command_that_fails_is_an_incident_and_the_others_are_performed(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.open()
    incidents: list[Exception] = []
    house.pump.on_incident = lambda error: incidents.append(error) or "a1b2"
    monkeypatch.setattr(house.plane, "add_track", Mock(side_effect=ValueError("out of range")))
    with pytest.raises(Unavailable, match="incident a1b2"):
        house.pump.perform([commands.AddTrack(track()), commands.SetRemb(PUBLISHER, 5)])
    assert [str(error) for error in incidents] == ["out of range"]
    assert house.calls("set_remb") == [("set_remb", 100, 5)]


def test_without_a_hub_an_error_of_ours_is_logged(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    house.open()
    monkeypatch.setattr(house.plane, "add_track", Mock(side_effect=ValueError("out of range")))
    with pytest.raises(Unavailable):
        house.pump.perform([commands.AddTrack(track())])
    assert "out of range" in caplog.text
