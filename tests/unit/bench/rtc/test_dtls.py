import contextlib

import pytest
from bench.rtc.dtls import (
    SHAPES,
    Certificate,
    DtlsClient,
    DtlsError,
    Profile,
    client_context,
    make_certificate,
    new_ice_credentials,
    pack_records,
)
from OpenSSL import SSL


@pytest.fixture(scope="module")
def certificate() -> Certificate:
    return make_certificate()


def server(certificate: Certificate, profile: Profile | None) -> SSL.Connection:
    context = SSL.Context(SSL.DTLS_METHOD)
    context.set_verify(SSL.VERIFY_PEER, lambda *_: True)
    context.use_certificate(certificate.certificate)
    context.use_privatekey(certificate.key)
    if profile is not None:
        context.set_tlsext_use_srtp(SHAPES[profile].openssl_name)
    connection = SSL.Connection(context, None)
    connection.set_accept_state()
    connection.set_ciphertext_mtu(1200)
    return connection


def shake_hands(client: DtlsClient, far_end: SSL.Connection) -> None:
    datagrams = client.start()
    for _ in range(10):
        for datagram in datagrams:
            far_end.bio_write(datagram)
        with contextlib.suppress(SSL.WantReadError):
            far_end.do_handshake()
        datagrams = []
        try:
            datagrams = client.receive(far_end.bio_read(65536))
        except SSL.WantReadError:
            return


@pytest.mark.parametrize("profile", list(Profile))
def test_both_ends_export_the_same_keys(certificate: Certificate, profile: Profile) -> None:
    client = DtlsClient(client_context(certificate, (profile,)), certificate.fingerprint)
    far_end = server(certificate, profile)
    shake_hands(client, far_end)
    assert client.keys is not None
    assert client.keys.profile is profile
    shape = SHAPES[profile]
    key, salt = shape.key_bytes, shape.salt_bytes
    material = far_end.export_keying_material(b"EXTRACTOR-dtls_srtp", 2 * (key + salt))
    assert client.keys.outbound == material[:key] + material[2 * key : 2 * key + salt]
    assert client.keys.inbound == material[key : 2 * key] + material[2 * key + salt :]
    assert client.timeout_s() is None


def test_a_certificate_that_was_not_signaled_ends_the_handshake(certificate: Certificate) -> None:
    other = make_certificate()
    client = DtlsClient(client_context(certificate, (Profile.CM,)), other.fingerprint)
    with pytest.raises(DtlsError, match="not the one it signaled"):
        shake_hands(client, server(certificate, Profile.CM))
    assert client.keys is None


def test_a_server_without_srtp_is_an_error(certificate: Certificate) -> None:
    client = DtlsClient(client_context(certificate, (Profile.CM,)), certificate.fingerprint)
    with pytest.raises(DtlsError, match="no SRTP profile"):
        shake_hands(client, server(certificate, None))


def test_garbage_during_the_handshake_is_no_crash(certificate: Certificate) -> None:
    client = DtlsClient(client_context(certificate, (Profile.CM,)), certificate.fingerprint)
    assert client.start()
    assert client.receive(b"\x16" + bytes(40)) == []
    assert client.keys is None
    assert client.timeout_s() is not None


def test_records_stay_whole_when_a_flight_is_divided() -> None:
    def record(size: int) -> bytes:
        return b"\x16\xfe\xfd" + bytes(8) + size.to_bytes(2, "big") + bytes(size)

    records = [record(size) for size in (500, 600, 100, 1100, 40)]
    datagrams = pack_records(b"".join(records))
    assert datagrams == [records[0] + records[1], records[2], records[3] + records[4]]
    assert pack_records(b"") == []


def test_credentials_are_long_enough_and_differ() -> None:
    first, second = new_ice_credentials(), new_ice_credentials()
    assert first != second
    assert len(first[0]) >= 4
    assert len(first[1]) >= 22
