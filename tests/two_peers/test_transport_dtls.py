"""Two DTLS ends over a network that drops, duplicates and reorders, in virtual time."""

import datetime
import heapq
import os
from itertools import count
from random import Random

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa

from conclave.media.certificate import DtlsCertificate, make_certificate
from conclave.media.dtls import HANDSHAKE_DEADLINE_S, PROFILES, DtlsEndpoint, DtlsReason, DtlsRole, DtlsState
from conclave.model.media import SrtpProfile

ONE_WAY_S = 0.025
OURS, THEIRS = make_certificate(os.urandom), make_certificate(os.urandom)


class Network:
    """Carries datagrams between two ends; what happens to each is drawn from a seed."""

    def __init__(self, seed: int, *, loss: float = 0.0, duplication: float = 0.0, jitter_s: float = 0.0) -> None:
        self.now = 0.0
        self.dropped = 0
        self._random = Random(seed)
        self._loss, self._duplication, self._jitter_s = loss, duplication, jitter_s
        self._order = count()
        self._flying: list[tuple[float, int, DtlsEndpoint, bytes]] = []

    def run(self, one: DtlsEndpoint, other: DtlsEndpoint, until: float = 2 * HANDSHAKE_DEADLINE_S) -> None:
        """Run until neither has anything left to do for the handshake, or `until`."""
        while self.now < until:
            self._collect(one, other)
            self._collect(other, one)
            shaking = [end for end in (one, other) if end.state is DtlsState.CONNECTING]
            events = [due for due in (end.timeout() for end in shaking) if due is not None]
            events += [self._flying[0][0]] if self._flying else []
            if not events:
                return
            self.now = max(self.now, min(events))
            while self._flying and self._flying[0][0] <= self.now:
                _, _, receiver, data = heapq.heappop(self._flying)
                receiver.receive(data, self.now)
            for end in shaking:
                end.on_timer(self.now)

    def _collect(self, sender: DtlsEndpoint, receiver: DtlsEndpoint) -> None:
        for data in sender.take_datagrams():
            if self._random.random() < self._loss:
                self.dropped += 1
                continue
            for _ in range(2 if self._random.random() < self._duplication else 1):
                due = self.now + ONE_WAY_S + self._random.random() * self._jitter_s
                heapq.heappush(self._flying, (due, next(self._order), receiver, data))


def rsa_certificate() -> DtlsCertificate:
    """What GStreamer's dtlsenc makes: RSA 2048, self-signed."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "webrtcbin")])
    start = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=365))
        .sign(key, hashes.SHA256())
    )
    return DtlsCertificate(key, certificate)


def pair(
    server: DtlsCertificate = OURS,
    client: DtlsCertificate = THEIRS,
    client_profiles: tuple[SrtpProfile, ...] = PROFILES,
) -> tuple[DtlsEndpoint, DtlsEndpoint]:
    return (
        DtlsEndpoint(DtlsRole.SERVER, server, (client.fingerprint,), 0.0),
        DtlsEndpoint(DtlsRole.CLIENT, client, (server.fingerprint,), 0.0, profiles=client_profiles),
    )


def assert_same_keys(server: DtlsEndpoint, client: DtlsEndpoint) -> None:
    assert (server.state, client.state) == (DtlsState.CONNECTED, DtlsState.CONNECTED)
    assert server.keys is not None
    assert client.keys is not None
    assert server.keys.profile is client.keys.profile
    assert (server.keys.inbound, server.keys.outbound) == (client.keys.outbound, client.keys.inbound)


def test_a_clean_network_takes_two_round_trips() -> None:
    server, client = pair()
    network = Network(0)
    network.run(server, client)
    assert_same_keys(server, client)
    assert network.now == pytest.approx(4 * ONE_WAY_S)


@pytest.mark.parametrize("seed", range(40))
def test_a_handshake_survives_loss_duplication_and_reordering(seed: int) -> None:
    server, client = pair()
    network = Network(seed, loss=0.25, duplication=0.2, jitter_s=0.08)
    network.run(server, client)
    assert_same_keys(server, client)
    assert network.now < 20.0


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("profile", PROFILES)
def test_each_profile_is_agreed_on_a_bad_network(profile: SrtpProfile, seed: int) -> None:
    server, client = pair(client_profiles=(profile,))
    Network(seed, loss=0.1, duplication=0.1, jitter_s=0.05).run(server, client)
    assert_same_keys(server, client)
    assert server.keys is not None
    assert server.keys.profile is profile


@pytest.mark.parametrize("seed", range(5))
def test_an_rsa_peer_is_accepted_in_either_role(seed: int) -> None:
    theirs = rsa_certificate()
    for server, client in (pair(client=theirs), pair(server=theirs)):
        Network(seed, loss=0.1, jitter_s=0.05).run(server, client)
        assert_same_keys(server, client)


def test_one_lost_datagram_costs_less_than_half_a_second() -> None:
    worst = 0.0
    for seed in range(60):
        server, client = pair()
        network = Network(seed, loss=0.15)
        network.run(server, client)
        assert_same_keys(server, client)
        if network.dropped == 1:
            worst = max(worst, network.now)
    assert 0.3 <= worst <= 0.5 + 4 * ONE_WAY_S


def test_a_dead_network_ends_the_handshake_on_both_sides() -> None:
    server, client = pair()
    network = Network(0, loss=1.0)
    network.run(server, client)
    assert (server.reason, client.reason) == (DtlsReason.TIMEOUT, DtlsReason.TIMEOUT)
    assert network.now == HANDSHAKE_DEADLINE_S


@pytest.mark.parametrize("seed", range(5))
def test_a_wrong_certificate_gives_no_keys_on_any_network(seed: int) -> None:
    server = DtlsEndpoint(DtlsRole.SERVER, OURS, (OURS.fingerprint,), 0.0)
    client = DtlsEndpoint(DtlsRole.CLIENT, THEIRS, (OURS.fingerprint,), 0.0)
    Network(seed, loss=0.1, duplication=0.1, jitter_s=0.05).run(server, client)
    assert server.reason is DtlsReason.FINGERPRINT_MISMATCH
    assert server.keys is None
    assert client.keys is None
