import hashlib
import os
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from OpenSSL import SSL

from conclave.media.certificate import DtlsCertificate, make_certificate
from conclave.media.dtls import (
    HANDSHAKE_DEADLINE_S,
    LINGER_S,
    MAX_DATAGRAM_BYTES,
    MAX_HANDSHAKE_BYTES,
    MAX_MESSAGE_BYTES,
    PROFILES,
    DtlsEndpoint,
    DtlsReason,
    DtlsRole,
    DtlsState,
    strong_fingerprints,
)
from conclave.media.dtls_flight import FIRST_RESEND_S
from conclave.media.parameters import Fingerprint
from conclave.model.media import SrtpProfile

OURS, THEIRS = make_certificate(os.urandom), make_certificate(os.urandom)


def fingerprint(certificate: DtlsCertificate, algorithm: str) -> Fingerprint:
    digest = hashlib.new(algorithm.replace("-", ""), certificate.der, usedforsecurity=False)
    return Fingerprint(algorithm, digest.digest().hex(":").upper())


def server(*fingerprints: Fingerprint, profiles: tuple[SrtpProfile, ...] = PROFILES) -> DtlsEndpoint:
    return DtlsEndpoint(DtlsRole.SERVER, OURS, fingerprints or (THEIRS.fingerprint,), 0.0, profiles=profiles)


def client(profiles: tuple[SrtpProfile, ...] = PROFILES) -> DtlsEndpoint:
    return DtlsEndpoint(DtlsRole.CLIENT, THEIRS, (OURS.fingerprint,), 0.0, profiles=profiles)


def talk(one: DtlsEndpoint, other: DtlsEndpoint, now: float = 0.0) -> None:
    """Exchange all datagrams at once until both are silent."""
    while True:
        sent = [(other, data) for data in one.take_datagrams()] + [(one, data) for data in other.take_datagrams()]
        if not sent:
            return
        for receiver, data in sent:
            receiver.receive(data, now)


def raw_client(
    configure: Callable[[SSL.Context], None] | None = None, certificate: DtlsCertificate | None = THEIRS
) -> SSL.Connection:
    """A client of the bare TLS library, for what our own would never send."""
    context = SSL.Context(SSL.DTLS_METHOD)
    context.set_verify(SSL.VERIFY_NONE)
    context.set_tlsext_use_srtp(b"SRTP_AES128_CM_SHA1_80")
    if certificate is not None:
        context.use_certificate(certificate.certificate)
        context.use_privatekey(certificate.key)
    if configure is not None:
        configure(context)
    connection = SSL.Connection(context)
    connection.set_options(SSL.OP_NO_QUERY_MTU)
    connection.set_ciphertext_mtu(1200)
    connection.set_connect_state()
    return connection


def raw_talk(connection: SSL.Connection, endpoint: DtlsEndpoint) -> None:
    """Run the handshake until both are silent."""
    while True:
        with suppress(SSL.Error):
            connection.do_handshake()
        quiet = True
        with suppress(SSL.Error):
            endpoint.receive(connection.bio_read(65536), 0.0)
            quiet = False
        for datagram in endpoint.take_datagrams():
            connection.bio_write(datagram)
            quiet = False
        if quiet:
            return


def test_both_ends_get_the_same_keys_in_opposite_directions() -> None:
    ours, theirs = server(), client()
    talk(ours, theirs)
    assert ours.state is theirs.state is DtlsState.CONNECTED
    assert ours.keys is not None
    assert theirs.keys is not None
    assert (ours.keys.inbound, ours.keys.outbound) == (theirs.keys.outbound, theirs.keys.inbound)
    assert ours.keys.inbound != ours.keys.outbound


@pytest.mark.parametrize(("profile", "length"), [(PROFILES[0], 28), (PROFILES[1], 44), (PROFILES[2], 30)])
def test_each_srtp_profile_can_be_agreed(profile: SrtpProfile, length: int) -> None:
    ours, theirs = server(), client((profile,))
    talk(ours, theirs)
    assert ours.keys is not None
    assert ours.keys.profile is profile
    assert len(ours.keys.inbound) == len(ours.keys.outbound) == length


def test_the_server_prefers_gcm_128_whatever_the_order_of_the_client() -> None:
    ours, theirs = server(), client(tuple(reversed(PROFILES)))
    talk(ours, theirs)
    assert ours.keys is not None
    assert ours.keys.profile is SrtpProfile.AEAD_AES_128_GCM


def test_the_order_of_profiles_is_configurable() -> None:
    ours, theirs = server(profiles=(SrtpProfile.AEAD_AES_256_GCM, SrtpProfile.AEAD_AES_128_GCM)), client()
    talk(ours, theirs)
    assert ours.keys is not None
    assert ours.keys.profile is SrtpProfile.AEAD_AES_256_GCM


def test_without_a_common_profile_there_are_no_keys() -> None:
    ours, theirs = server(profiles=PROFILES[:1]), client(PROFILES[2:])
    talk(ours, theirs)
    assert ours.keys is None
    assert (ours.state, ours.reason) == (DtlsState.FAILED, DtlsReason.NO_SRTP_PROFILE)


def test_the_suite_is_aead_and_the_version_1_2() -> None:
    ours, theirs = server(), client()
    talk(ours, theirs)
    assert ours.cipher == "ECDHE-ECDSA-AES128-GCM-SHA256"
    assert ours.version == "DTLSv1.2"


def test_a_client_that_knows_only_cbc_suites_is_refused() -> None:
    ours = server()
    raw_talk(raw_client(lambda context: context.set_cipher_list(b"ECDHE-ECDSA-AES128-SHA")), ours)
    assert (ours.state, ours.reason) == (DtlsState.FAILED, DtlsReason.ERROR)


@pytest.mark.parametrize("algorithm", ["sha-256", "sha-384", "sha-512", "SHA-256"])
def test_a_certificate_that_matches_its_fingerprint_is_accepted(algorithm: str) -> None:
    expected = fingerprint(THEIRS, algorithm.lower())
    ours, theirs = server(Fingerprint(algorithm, expected.value.lower())), client()
    talk(ours, theirs)
    assert ours.state is DtlsState.CONNECTED


def test_another_certificate_than_the_signaled_one_is_refused_and_named() -> None:
    ours, theirs = server(make_certificate(os.urandom).fingerprint), client()
    talk(ours, theirs)
    assert ours.keys is None
    assert (ours.state, ours.reason) == (DtlsState.FAILED, DtlsReason.FINGERPRINT_MISMATCH)
    assert theirs.state is DtlsState.FAILED
    assert theirs.keys is None


def test_a_client_refuses_a_server_with_another_certificate() -> None:
    theirs = DtlsEndpoint(DtlsRole.CLIENT, THEIRS, (THEIRS.fingerprint,), 0.0)
    ours = server()
    talk(ours, theirs)
    assert theirs.reason is DtlsReason.FINGERPRINT_MISMATCH
    assert ours.keys is None


def test_a_matching_weaker_digest_does_not_excuse_a_wrong_stronger_one() -> None:
    wrong = fingerprint(OURS, "sha-512")
    ours, theirs = server(fingerprint(THEIRS, "sha-256"), wrong), client()
    talk(ours, theirs)
    assert ours.reason is DtlsReason.FINGERPRINT_MISMATCH


def test_one_match_among_fingerprints_of_the_same_digest_is_enough() -> None:
    ours, theirs = server(OURS.fingerprint, THEIRS.fingerprint), client()
    talk(ours, theirs)
    assert ours.state is DtlsState.CONNECTED


def test_fingerprints_weaker_than_sha_256_do_not_count() -> None:
    assert strong_fingerprints((fingerprint(THEIRS, "sha-1"), fingerprint(THEIRS, "md5"))) == ()
    with pytest.raises(ValueError, match="SHA-256"):
        server(fingerprint(THEIRS, "sha-1"))


def test_a_client_without_a_certificate_is_refused() -> None:
    ours = server()
    raw_talk(raw_client(certificate=None), ours)
    assert ours.state is DtlsState.FAILED
    assert ours.keys is None


def test_a_client_hello_larger_than_a_datagram_is_put_together() -> None:
    def enlarge(context: SSL.Context) -> None:
        context.set_alpn_protos([bytes([65 + number]) * 200 for number in range(9)])

    ours, connection = server(), raw_client(enlarge)
    with pytest.raises(SSL.WantReadError):
        connection.do_handshake()
    hello = connection.bio_read(65536)
    records = [hello[:1200], hello[1200:]]
    assert len(hello) > 1800
    assert all(record[0] == 22 for record in records)
    for record in records:
        assert ours.receive(record, 0.0)
    assert ours.take_datagrams()


def test_flights_are_cut_at_record_borders_into_datagrams_of_at_most_1200_bytes() -> None:
    ours, theirs = server(), client()
    seen = []
    while datagrams := theirs.take_datagrams() + ours.take_datagrams():
        seen += datagrams
        for data in datagrams:
            ours.receive(data, 0.0)
            theirs.receive(data, 0.0)
    assert seen
    assert all(0 < len(data) <= 1200 for data in seen)


def test_an_unanswered_flight_is_repeated_with_growing_pauses_and_fresh_numbers() -> None:
    theirs = client()
    first = theirs.take_datagrams()
    assert theirs.timeout() == FIRST_RESEND_S
    theirs.on_timer(FIRST_RESEND_S / 2)
    assert theirs.take_datagrams() == []
    theirs.on_timer(FIRST_RESEND_S)
    again = theirs.take_datagrams()
    assert again[0][13:] == first[0][13:]
    assert again[0][5:11] != first[0][5:11]
    assert theirs.timeout() == pytest.approx(3 * FIRST_RESEND_S)


def test_a_handshake_that_nobody_answers_fails_at_its_deadline() -> None:
    theirs = client()
    now = 0.0
    sent = 0
    while (due := theirs.timeout()) is not None:
        now = due
        theirs.on_timer(now)
        sent += len(theirs.take_datagrams())
    assert now == HANDSHAKE_DEADLINE_S
    assert (theirs.state, theirs.reason) == (DtlsState.FAILED, DtlsReason.TIMEOUT)
    assert sent < 20


def test_a_silent_client_costs_a_server_only_its_deadline() -> None:
    ours = server()
    assert ours.timeout() == HANDSHAKE_DEADLINE_S
    ours.on_timer(HANDSHAKE_DEADLINE_S)
    assert ours.reason is DtlsReason.TIMEOUT


def test_a_server_repeats_its_last_flight_to_a_client_that_missed_it() -> None:
    ours, theirs = server(), client()
    for data in theirs.take_datagrams():
        ours.receive(data, 0.0)
    for data in ours.take_datagrams():
        theirs.receive(data, 0.0)
    for data in theirs.take_datagrams():
        ours.receive(data, 0.0)
    assert ours.take_datagrams()
    assert ours.state is DtlsState.CONNECTED
    assert theirs.state is DtlsState.CONNECTING
    theirs.on_timer(FIRST_RESEND_S)
    talk(ours, theirs, FIRST_RESEND_S)
    assert theirs.state is DtlsState.CONNECTED


def test_a_repeated_hello_makes_us_repeat_at_most_every_50_milliseconds() -> None:
    ours, theirs = server(), client()
    hello = theirs.take_datagrams()[0]
    ours.receive(hello, 0.0)
    assert ours.take_datagrams()
    for now, expected in ((0.01, False), (0.06, True), (0.07, False), (0.2, True)):
        ours.receive(hello, now)
        assert bool(ours.take_datagrams()) is expected


def test_a_handshake_may_not_send_without_end() -> None:
    ours = server()
    record = bytes([22, 0xFE, 0xFD, 0, 0]) + bytes(6) + (1000).to_bytes(2, "big") + bytes([14]) + bytes(999)
    taken = sum(ours.receive(record, 0.0) for _ in range(2 * MAX_HANDSHAKE_BYTES // len(record)))
    assert taken <= MAX_HANDSHAKE_BYTES // len(record)


@pytest.mark.parametrize(
    "data",
    [b"", b"\x16", bytes(13), bytes([22, 3, 3]) + bytes(10), bytes([22, 0xFE, 0xFD]) + bytes(8) + b"\0\5abcd"],
)
def test_what_is_no_dtls_is_not_shown_to_the_tls_library(data: bytes) -> None:
    assert not server().receive(data, 0.0)


@pytest.mark.parametrize(("length", "taken"), [(MAX_MESSAGE_BYTES, True), (MAX_MESSAGE_BYTES + 1, False)])
def test_a_fragment_of_a_message_that_is_too_long_is_not_shown_to_the_tls_library(length: int, taken: bool) -> None:
    first = bytes([1]) + bytes(2) + bytes([1, 0, 0]) + bytes(3) + bytes(2) + bytes([1]) + b"x"
    second = bytes([11]) + length.to_bytes(3, "big") + bytes([0, 1]) + bytes(3) + bytes(2) + bytes([1]) + b"x"
    body = first + second
    record = bytes([22, 0xFE, 0xFD]) + bytes(8) + len(body).to_bytes(2, "big") + body
    assert server().receive(record, 0.0) is taken


def test_an_oversized_datagram_is_dropped() -> None:
    length = MAX_DATAGRAM_BYTES + 1 - 13
    record = bytes([22, 0xFE, 0xFD]) + bytes(8) + length.to_bytes(2, "big") + bytes(length)
    assert not server().receive(record, 0.0)


@given(st.integers(20, 26), st.binary(max_size=64), st.integers(0, 1))
def test_junk_records_never_raise(content_type: int, payload: bytes, epoch: int) -> None:
    ours, theirs = server(), client()
    record = bytes([content_type, 0xFE, 0xFD, 0, epoch]) + bytes(6) + len(payload).to_bytes(2, "big") + payload
    ours.receive(record, 0.0)
    talk(ours, theirs)
    state = ours.state
    ours.receive(record, 0.0)
    assert ours.state is state


def test_application_data_and_forged_alerts_change_nothing_once_connected() -> None:
    ours, connection = server(), raw_client()
    raw_talk(connection, ours)
    assert ours.state is DtlsState.CONNECTED
    connection.send(b"hello")
    ours.receive(connection.bio_read(4096), 0.0)
    ours.receive(bytes([21, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 99, 0, 2, 2, 40]), 0.0)
    assert ours.state is DtlsState.CONNECTED
    assert ours.take_datagrams() == []


def test_renegotiation_is_refused() -> None:
    ours, connection = server(), raw_client()
    raw_talk(connection, ours)
    keys = ours.keys
    connection.renegotiate()
    with pytest.raises(SSL.Error):
        connection.do_handshake()
    ours.receive(connection.bio_read(4096), 0.0)
    for data in ours.take_datagrams():
        connection.bio_write(data)
    with pytest.raises(SSL.Error):
        connection.do_handshake()
    assert ours.state is DtlsState.CONNECTED
    assert ours.keys is keys


def test_close_notify_ends_both_sides() -> None:
    ours, theirs = server(), client()
    talk(ours, theirs)
    theirs.close()
    talk(ours, theirs)
    assert (ours.state, ours.reason) == (DtlsState.CLOSED, DtlsReason.CLOSED_BY_PEER)
    assert (theirs.state, theirs.reason) == (DtlsState.CLOSED, DtlsReason.CLOSED)
    assert ours.keys is None
    assert not ours.receive(bytes([22, 0xFE, 0xFD]) + bytes(10), 0.0)


def test_closing_in_the_middle_of_a_handshake_is_quiet() -> None:
    theirs = client()
    theirs.close()
    theirs.close()
    theirs.on_timer(1.0)
    assert theirs.state is DtlsState.CLOSED
    assert theirs.timeout() is None


def test_ten_seconds_after_the_handshake_the_library_is_let_go_and_the_goodbye_still_works() -> None:
    ours, theirs = server(), client()
    talk(ours, theirs)
    assert ours.timeout() == LINGER_S
    for now in (LINGER_S - 0.1, LINGER_S, LINGER_S + 1):
        ours.on_timer(now)
        assert (ours.keys is None) is (now >= LINGER_S)
    assert ours.take_datagrams() == []
    assert ours.timeout() is None
    assert ours.state is DtlsState.CONNECTED
    assert (ours.cipher, ours.version) == ("ECDHE-ECDSA-AES128-GCM-SHA256", "DTLSv1.2")
    ours.close()
    talk(ours, theirs)
    assert theirs.reason is DtlsReason.CLOSED_BY_PEER


def test_a_goodbye_that_nobody_can_read_any_more_is_only_suspected() -> None:
    ours, theirs = server(), client()
    talk(ours, theirs)
    ours.on_timer(LINGER_S)
    assert ours.receive(bytes([22, 0xFE, 0xFD, 0, 0]) + bytes(8), LINGER_S + 1)
    assert not ours.farewell_suspected
    theirs.close()
    for data in theirs.take_datagrams():
        ours.receive(data, LINGER_S + 2)
    assert ours.farewell_suspected
    assert ours.state is DtlsState.CONNECTED


def test_the_last_flight_can_be_repeated_after_the_library_was_let_go() -> None:
    ours, theirs = server(), client()
    for data in theirs.take_datagrams():
        ours.receive(data, 0.0)
    for data in ours.take_datagrams():
        theirs.receive(data, 0.0)
    for data in theirs.take_datagrams():
        ours.receive(data, 0.0)
    assert ours.take_datagrams()
    ours.on_timer(LINGER_S)
    theirs.on_timer(LINGER_S)
    talk(ours, theirs, LINGER_S)
    assert theirs.state is DtlsState.CONNECTED


def test_no_key_is_shown() -> None:
    ours, theirs = server(), client()
    talk(ours, theirs)
    assert repr(ours.keys) == "SrtpKeys(SRTP_AEAD_AES_128_GCM)"
    assert repr(ours) == "DtlsEndpoint(server, connected)"
