import pytest
from tests.support.sdp_clients import seeded

from conclave.media.certificate import CertificateRotation
from conclave.media.commands import CloseTransport, OpenTransport, RestartIce
from conclave.media.notices import Effect, TransportStateChanged
from conclave.media.parameters import Candidate
from conclave.media.transports import PUBLISHER, SUBSCRIBER, Transports
from conclave.model.ids import ParticipantId, TransportId

ANN = ParticipantId("ann")
CANDIDATES = (Candidate("udp", "127.0.0.1", 7000),)


@pytest.fixture
def effects() -> list[Effect]:
    return []


@pytest.fixture
def transports(effects: list[Effect]) -> Transports:
    return Transports(2, CANDIDATES, CertificateRotation(seeded()).current, seeded(), effects)


def test_a_new_transport_is_unknown_until_it_is_opened(transports: Transports, effects: list[Effect]) -> None:
    transport = transports.new(PUBLISHER, 0.0)
    assert transports.owner_of(transport.transport_id) is None
    assert effects == []
    transports.open(ANN, transport)
    assert transports.owner_of(transport.transport_id) == (ANN, PUBLISHER)
    assert effects == [OpenTransport(transport, 2), TransportStateChanged(ANN, PUBLISHER, "connecting")]


def test_all_share_lane_candidates_and_certificate_but_not_credentials(transports: Transports) -> None:
    first, second = transports.new(PUBLISHER, 0.0), transports.new(SUBSCRIBER, 1.0)
    assert first.lane == second.lane == 2
    assert first.local.candidates == second.local.candidates == CANDIDATES
    assert first.local.fingerprint == second.local.fingerprint
    assert first.local.ice_ufrag != second.local.ice_ufrag
    assert first.transport_id != second.transport_id


def test_a_restart_names_the_fragment_that_was_valid_before(transports: Transports, effects: list[Effect]) -> None:
    transport = transports.new(SUBSCRIBER, 0.0)
    before = transport.local.ice_ufrag
    transports.restart_ice(transport)
    assert effects == [RestartIce(transport.transport_id, before)]
    assert transport.local.ice_ufrag != before


def test_a_closed_transport_is_forgotten(transports: Transports, effects: list[Effect]) -> None:
    transport = transports.new(SUBSCRIBER, 0.0)
    transports.open(ANN, transport)
    transports.close(transport)
    assert effects[-1] == CloseTransport(transport.transport_id)
    assert transports.owner_of(transport.transport_id) is None
    assert transports.owner_of(TransportId("ghost")) is None
