import os
from random import Random

import pytest

from conclave.media import stun
from conclave.media.certificate import make_certificate
from conclave.media.dtls import HANDSHAKE_DEADLINE_S, LINGER_S, DtlsEndpoint, DtlsRole, DtlsState
from conclave.media.ice import CONSENT_EXPIRY_S, DOUBTED_EXPIRY_S
from conclave.media.parameters import Candidate, Fingerprint, RemoteTransportParameters
from conclave.media.stun import AttributeType, StunClass
from conclave.media.transport import (
    FIRST_CHECK_DEADLINE_S,
    MAX_HELD_DATAGRAMS,
    AllowPath,
    MediaTransport,
    Nominate,
    Output,
    RetireUfrag,
    Secure,
    StateChanged,
    Transmit,
    TransportState,
)
from conclave.model.errors import Refused
from conclave.model.ids import TransportId
from conclave.model.media import SrtpProfile

OURS, THEIRS = make_certificate(os.urandom), make_certificate(os.urandom)
CANDIDATES = (Candidate("udp", "127.0.0.1", 5004), Candidate("tcp", "127.0.0.1", 5004))
RANDOM = Random(1)


def path(number: int = 1) -> bytes:
    return bytes([0, 4]) + (5000 + number).to_bytes(2, "big") + bytes([192, 0, 2, 1]) + bytes(24)


def remote(
    setup: str = "actpass", fingerprint: Fingerprint = THEIRS.fingerprint, ufrag: str = "peer"
) -> RemoteTransportParameters:
    return RemoteTransportParameters(ufrag, "p" * 24, (fingerprint,), setup)


def check(transport: MediaTransport, *, nominate: bool = True, ufrag: str = "peer") -> bytes:
    local = transport.local
    attributes = [
        (int(AttributeType.USERNAME), f"{local.ice_ufrag}:{ufrag}".encode()),
        (int(AttributeType.PRIORITY), bytes(4)),
        (int(AttributeType.ICE_CONTROLLING), bytes(8)),
    ]
    if nominate:
        attributes.append((int(AttributeType.USE_CANDIDATE), b""))
    return stun.serialise(StunClass.REQUEST, RANDOM.randbytes(12), tuple(attributes), password=local.ice_pwd.encode())


def client(now: float = 0.0) -> DtlsEndpoint:
    return DtlsEndpoint(DtlsRole.CLIENT, THEIRS, (OURS.fingerprint,), now)


def exchange(transport: MediaTransport, peer: DtlsEndpoint, now: float = 0.0) -> list[Output]:
    """Carry DTLS both ways until both are silent; returns what else the transport wanted done."""
    others: list[Output] = []
    while True:
        outputs = transport.take_outputs()
        datagrams = peer.take_datagrams()
        if not outputs and not datagrams:
            return others
        for data in datagrams:
            transport.receive_dtls(data, path(), now)
        for output in outputs:
            if isinstance(output, Transmit) and output.data[0] >= 20:
                peer.receive(output.data, now)
            else:
                others.append(output)


@pytest.fixture
def transport() -> MediaTransport:
    return MediaTransport(
        TransportId("t" * 16),
        role_name="publisher",
        lane=0,
        candidates=CANDIDATES,
        certificate=OURS,
        entropy=Random(3).randbytes,
        now=0.0,
    )


@pytest.fixture
def connected(transport: MediaTransport) -> MediaTransport:
    transport.set_remote(remote())
    transport.receive_stun(check(transport), path(), 0.0)
    exchange(transport, client())
    assert transport.state is TransportState.CONNECTED
    return transport


def test_our_side_is_what_sdp_needs(transport: MediaTransport) -> None:
    local = transport.local
    assert local.candidates == CANDIDATES
    assert local.fingerprint == OURS.fingerprint
    assert len(local.ice_pwd) >= 22
    assert transport.live_ufrags == (local.ice_ufrag,)


def test_nothing_secret_is_shown(connected: MediaTransport) -> None:
    shown = (
        f"{connected!r}{connected.local!r}{connected.remote!r}{Secure(SrtpProfile.AEAD_AES_128_GCM, b'inbound', b'outbound')!r}"
    )
    assert connected.local.ice_pwd not in shown
    assert "p" * 24 not in shown
    assert "inbound" not in shown


def test_a_check_allows_its_path_before_it_is_answered(transport: MediaTransport) -> None:
    transport.set_remote(remote())
    transport.receive_stun(check(transport), path(), 0.0)
    allow, answer = transport.take_outputs()
    assert allow == AllowPath(path())
    assert isinstance(answer, Transmit)
    assert stun.parse(answer.data).stun_class is StunClass.SUCCESS


def test_each_good_check_claims_its_path_and_no_other_does(transport: MediaTransport) -> None:
    transport.set_remote(remote())
    for now in (0.0, 2.5):
        transport.receive_stun(check(transport), path(), now)
        assert AllowPath(path()) in transport.take_outputs()
    transport.receive_stun(check(transport, ufrag="somebody"), path(2), 3.0)
    assert [type(output) for output in transport.take_outputs()] == [Transmit]


def test_a_handshake_ends_in_keys_and_connected(transport: MediaTransport) -> None:
    transport.set_remote(remote())
    transport.receive_stun(check(transport), path(), 0.0)
    transport.take_outputs()
    peer = client()
    nominate, secure, changed = exchange(transport, peer)
    assert nominate == Nominate(path())
    assert peer.keys is not None
    assert secure == Secure(peer.keys.profile, peer.keys.outbound, peer.keys.inbound)
    assert changed == StateChanged(TransportState.CONNECTED, "")


@pytest.mark.parametrize("setup", ["actpass", "active"])
def test_we_are_the_dtls_server_unless_the_peer_is(transport: MediaTransport, setup: str) -> None:
    transport.set_remote(remote(setup))
    transport.receive_stun(check(transport), path(), 0.0)
    assert all(output.data[0] < 20 for output in transport.take_outputs() if isinstance(output, Transmit))


def test_towards_a_passive_peer_we_are_the_client(transport: MediaTransport) -> None:
    transport.set_remote(remote("passive"))
    assert transport.take_outputs() == []
    transport.receive_stun(check(transport), path(), 0.0)
    peer = DtlsEndpoint(DtlsRole.SERVER, THEIRS, (OURS.fingerprint,), 0.0)
    outputs = exchange(transport, peer)
    assert StateChanged(TransportState.CONNECTED, "") in outputs
    assert peer.state is DtlsState.CONNECTED


def test_a_check_before_the_answer_starts_the_client_when_the_answer_comes(transport: MediaTransport) -> None:
    transport.receive_stun(check(transport), path(), 0.0)
    transport.take_outputs()
    woken: list[bool] = []
    transport.wake = lambda: woken.append(True)
    transport.set_remote(remote("passive"))
    assert woken == [True]
    assert [type(output) for output in transport.take_outputs()] == [Transmit]


def test_dtls_that_comes_before_the_fingerprints_is_held(transport: MediaTransport) -> None:
    transport.receive_stun(check(transport), path(), 0.0)
    peer = client()
    for data in peer.take_datagrams():
        transport.receive_dtls(data, path(), 0.0)
    transport.take_outputs()
    transport.set_remote(remote())
    assert StateChanged(TransportState.CONNECTED, "") in exchange(transport, peer)


def test_no_more_than_eight_datagrams_are_held(transport: MediaTransport) -> None:
    transport.receive_stun(check(transport), path(), 0.0)
    for _ in range(MAX_HELD_DATAGRAMS + 3):
        transport.receive_dtls(b"\x16", path(), 0.0)
    assert transport.drops == {"dtls_too_early": 3}


def test_dtls_from_an_unproven_path_is_dropped(transport: MediaTransport) -> None:
    transport.set_remote(remote())
    for data in client().take_datagrams():
        transport.receive_dtls(data, path(), 0.0)
    assert transport.drops == {"dtls_unproven_path": 1}
    assert transport.take_outputs() == []


def test_a_forged_check_is_counted_and_not_answered(transport: MediaTransport) -> None:
    forged = check(transport)
    transport.receive_stun(forged[:-9] + bytes([forged[-9] ^ 1]) + forged[-8:], path(), 0.0)
    transport.receive_stun(b"junk", path(), 0.0)
    assert transport.take_outputs() == []
    assert transport.drops == {"stun_fingerprint": 1, "stun_length": 1}


def test_a_wrong_certificate_fails_the_transport_with_its_own_reason(transport: MediaTransport) -> None:
    transport.set_remote(remote(fingerprint=make_certificate(os.urandom).fingerprint))
    transport.receive_stun(check(transport), path(), 0.0)
    transport.take_outputs()
    outputs = exchange(transport, client())
    assert outputs == [StateChanged(TransportState.FAILED, "fingerprint_mismatch")]
    assert transport.next_timer() is None


def test_weak_fingerprints_are_refused(transport: MediaTransport) -> None:
    with pytest.raises(Refused, match="sha-256"):
        transport.set_remote(remote(fingerprint=Fingerprint("sha-1", "AA:BB")))


def test_a_renegotiation_may_not_change_certificate_or_dtls_role(connected: MediaTransport) -> None:
    with pytest.raises(Refused, match="certificate"):
        connected.set_remote(remote(fingerprint=make_certificate(os.urandom).fingerprint))
    with pytest.raises(Refused, match="role"):
        connected.set_remote(remote("passive"))
    connected.set_remote(remote("active", ufrag="next"))
    assert connected.remote == remote("active", ufrag="next")


def test_a_peer_that_never_checks_fails_after_30_seconds(transport: MediaTransport) -> None:
    assert transport.next_timer() is None
    transport.set_remote(remote())
    assert transport.next_timer() == FIRST_CHECK_DEADLINE_S
    transport.on_timer(FIRST_CHECK_DEADLINE_S - 0.1)
    assert transport.take_outputs() == []
    transport.on_timer(FIRST_CHECK_DEADLINE_S)
    assert transport.take_outputs() == [StateChanged(TransportState.FAILED, "ice_timeout")]


def test_a_peer_that_never_finishes_its_handshake_fails_after_30_seconds(transport: MediaTransport) -> None:
    transport.set_remote(remote())
    transport.receive_stun(check(transport), path(), 0.0)
    transport.receive_dtls(client().take_datagrams()[0], path(), 1.0)
    transport.receive_stun(check(transport), path(), 1.0 + HANDSHAKE_DEADLINE_S)
    transport.on_timer(1.0 + HANDSHAKE_DEADLINE_S)
    assert transport.take_outputs()[-1] == StateChanged(TransportState.FAILED, "dtls_timeout")


def test_consent_expires_when_the_checks_end(connected: MediaTransport) -> None:
    connected.receive_stun(check(connected), path(), 20.0)
    connected.take_outputs()
    connected.on_timer(CONSENT_EXPIRY_S)
    assert connected.next_timer() == 20.0 + CONSENT_EXPIRY_S
    connected.on_timer(20.0 + CONSENT_EXPIRY_S)
    assert connected.take_outputs() == [StateChanged(TransportState.FAILED, "consent_expired")]
    connected.receive_stun(check(connected), path(), 51.0)
    connected.receive_dtls(b"\x16", path(), 51.0)
    connected.on_timer(52.0)
    assert connected.take_outputs() == []


def test_an_ice_restart_moves_to_the_new_path_and_keeps_the_keys(connected: MediaTransport) -> None:
    woken: list[bool] = []
    connected.wake = lambda: woken.append(True)
    old = connected.restart_ice(Random(9).randbytes)
    assert connected.live_ufrags == (connected.local.ice_ufrag, old)
    connected.set_remote(remote("active", ufrag="next"))
    connected.receive_stun(check(connected, ufrag="next"), path(2), 1.0)
    outputs = connected.take_outputs()
    assert [type(output) for output in outputs] == [AllowPath, RetireUfrag, Transmit, Transmit]
    assert outputs[1] == RetireUfrag(old)
    connected.receive_stun(proof(outputs), path(2), 1.1)
    assert connected.take_outputs() == [Nominate(path(2))]
    assert connected.state is TransportState.CONNECTED
    assert woken == [True, True]


def test_an_unused_restart_retires_its_fragment(connected: MediaTransport) -> None:
    connected.restart_ice(Random(9).randbytes)
    unused = connected.restart_ice(Random(10).randbytes)
    assert connected.take_outputs() == [RetireUfrag(unused)]


def test_close_notify_of_the_peer_closes_the_transport(transport: MediaTransport) -> None:
    transport.set_remote(remote())
    transport.receive_stun(check(transport), path(), 0.0)
    peer = client()
    exchange(transport, peer)
    peer.close()
    assert exchange(transport, peer) == [StateChanged(TransportState.CLOSED, "closed_by_peer")]


@pytest.mark.parametrize(("checks", "expected"), [(False, TransportState.FAILED), (True, TransportState.CONNECTED)])
def test_a_late_goodbye_ends_the_transport_unless_the_peer_goes_on_checking(
    transport: MediaTransport, checks: bool, expected: TransportState
) -> None:
    transport.set_remote(remote())
    transport.receive_stun(check(transport), path(), 0.0)
    peer = client()
    exchange(transport, peer)
    transport.receive_stun(check(transport), path(), LINGER_S)
    transport.on_timer(LINGER_S)
    peer.close()
    for data in peer.take_datagrams():
        transport.receive_dtls(data, path(), 11.0)
    assert transport.next_timer() == 11.0 + DOUBTED_EXPIRY_S
    if checks:
        transport.receive_stun(check(transport), path(), 12.0)
    transport.on_timer(11.0 + DOUBTED_EXPIRY_S)
    assert transport.state is expected


def test_closing_says_goodbye_and_tells_nobody(transport: MediaTransport) -> None:
    transport.set_remote(remote())
    transport.receive_stun(check(transport), path(), 0.0)
    peer = client()
    exchange(transport, peer)
    transport.close()
    assert exchange(transport, peer) == []
    assert peer.state is DtlsState.CLOSED
    transport.close()
    assert transport.take_outputs() == []
    assert transport.next_timer() is None


def test_dtls_goes_to_the_nominated_path(transport: MediaTransport) -> None:
    transport.set_remote(remote())
    transport.receive_stun(check(transport, nominate=False), path(1), 0.0)
    transport.receive_stun(check(transport), path(2), 0.0)
    transport.take_outputs()
    transport.receive_dtls(client().take_datagrams()[0], path(1), 0.0)
    assert {output.path for output in transport.take_outputs() if isinstance(output, Transmit)} == {path(2)}


def test_before_a_nomination_dtls_goes_back_where_it_came_from(transport: MediaTransport) -> None:
    transport.set_remote(remote())
    transport.receive_stun(check(transport, nominate=False), path(1), 0.0)
    transport.receive_stun(check(transport, nominate=False), path(2), 0.0)
    transport.take_outputs()
    transport.receive_dtls(client().take_datagrams()[0], path(1), 0.0)
    assert {output.path for output in transport.take_outputs() if isinstance(output, Transmit)} == {path(1)}


def test_the_path_of_the_handshake_is_used_until_one_is_nominated(transport: MediaTransport) -> None:
    transport.set_remote(remote())
    transport.receive_stun(check(transport, nominate=False), path(), 0.0)
    transport.take_outputs()
    nominate, secure, _ = exchange(transport, client())
    assert nominate == Nominate(path())
    assert isinstance(secure, Secure)
    transport.receive_stun(check(transport), path(), 0.1)
    assert [type(output) for output in transport.take_outputs()] == [AllowPath, Transmit]
    transport.receive_stun(check(transport), path(2), 0.2)
    transport.receive_stun(proof(transport.take_outputs()), path(2), 0.3)
    assert transport.take_outputs() == [Nominate(path(2))]


def proof(outputs: list[Output]) -> bytes:
    """The answer to the challenge among `outputs`."""
    sent = [stun.parse(output.data) for output in outputs if isinstance(output, Transmit) and output.data[0] == 0]
    (challenge,) = (message for message in sent if message.stun_class is StunClass.REQUEST)
    return stun.serialise(StunClass.SUCCESS, challenge.transaction_id, password=b"p" * 24)


def test_a_path_that_never_answers_gets_four_requests_and_no_media(connected: MediaTransport) -> None:
    connected.receive_stun(check(connected), path(2), 1.0)
    outputs = connected.take_outputs()
    while (due := connected.next_timer()) is not None and due < 5.0:
        connected.on_timer(due)
        outputs += connected.take_outputs()
    sent = [output for output in outputs if isinstance(output, Transmit) and output.data[:2] == b"\x00\x01"]
    assert len(sent) == 4
    assert len(set(sent)) == 1
    assert Nominate(path(2)) not in outputs
    connected.receive_stun(proof([sent[0]]), path(2), 5.0)
    assert connected.take_outputs() == []
    assert connected.drops == {"stun_unasked": 1}


def test_flights_to_one_who_is_not_heard_from_end_after_two_repeats(transport: MediaTransport) -> None:
    """A forged check and a forged hello must not draw a flood upon their pretended source."""
    transport.set_remote(remote())
    hello = client().take_datagrams()
    request = check(transport)
    transport.receive_stun(request, path(), 0.0)
    for data in hello:
        transport.receive_dtls(data, path(), 0.0)
    sent = transport.take_outputs()
    while (due := transport.next_timer()) is not None:
        transport.on_timer(due)
        sent += transport.take_outputs()
    received = len(request) + sum(map(len, hello))
    assert sum(len(output.data) for output in sent if isinstance(output, Transmit)) < 9 * received
    assert transport.drops["dtls_unheard"] > 5


def test_a_sign_of_life_has_flights_repeated_again(transport: MediaTransport) -> None:
    transport.set_remote(remote())
    transport.receive_stun(check(transport), path(), 0.0)
    for data in client().take_datagrams():
        transport.receive_dtls(data, path(), 0.0)
    now = 0.0
    while "dtls_unheard" not in transport.drops:
        now = transport.next_timer() or 0.0
        transport.on_timer(now)
    transport.receive_stun(check(transport), path(), now)
    transport.take_outputs()
    transport.on_timer(transport.next_timer() or 0.0)
    assert [output for output in transport.take_outputs() if isinstance(output, Transmit)]


def test_a_handshake_whose_flights_went_to_two_paths_proves_neither(transport: MediaTransport) -> None:
    """Who forges source addresses could read a flight on one of them and have the media sent to the other."""
    transport.set_remote(remote())
    transport.receive_stun(check(transport), path(), 0.0)
    transport.take_outputs()
    peer = client()
    for data in peer.take_datagrams():
        transport.receive_dtls(data, path(), 0.0)
    for output in transport.take_outputs():
        assert isinstance(output, Transmit)
        peer.receive(output.data, 0.0)
    transport.receive_stun(check(transport), path(2), 0.0)
    transport.take_outputs()
    for data in peer.take_datagrams():
        transport.receive_dtls(data, path(2), 0.0)
    outputs = transport.take_outputs()
    assert transport.state is TransportState.CONNECTED
    assert not [output for output in outputs if isinstance(output, Nominate)]
    transport.receive_stun(proof(outputs), path(2), 0.1)
    assert transport.take_outputs() == [Nominate(path(2))]


def test_a_closed_path_is_used_no_more(connected: MediaTransport) -> None:
    connected.path_lost(path())
    connected.receive_dtls(b"\x16", path(), 1.0)
    assert connected.drops == {"dtls_unproven_path": 1}
