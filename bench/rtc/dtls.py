"""DTLS client over memory buffers, and the SRTP keys that come out of it (RFC 6347, RFC 5764)."""

import datetime
import secrets
from enum import StrEnum
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import SSL

_RECORD_HEADER = 13
_FLIGHT_BYTES = 1200
_EXPORTER_LABEL = b"EXTRACTOR-dtls_srtp"


class Profile(StrEnum):
    """SRTP protection profiles as the command line names them."""

    GCM128 = "gcm128"
    GCM256 = "gcm256"
    CM = "cm"


class ProfileShape(NamedTuple):
    """OpenSSL's name of a profile, and the lengths in bytes of its master key and salt."""

    openssl_name: bytes
    key_bytes: int
    salt_bytes: int


SHAPES: dict[Profile, ProfileShape] = {
    Profile.GCM128: ProfileShape(b"SRTP_AEAD_AES_128_GCM", 16, 12),
    Profile.GCM256: ProfileShape(b"SRTP_AEAD_AES_256_GCM", 32, 12),
    Profile.CM: ProfileShape(b"SRTP_AES128_CM_SHA1_80", 16, 14),
}


class DtlsError(Exception):
    """The handshake failed or its outcome is not what was signaled."""


class SrtpKeys(NamedTuple):
    """Master key followed by master salt, for each direction as this end sees it."""

    profile: Profile
    outbound: bytes
    inbound: bytes


class Certificate(NamedTuple):
    """One ECDSA P-256 certificate for all clients of a run: making one for each would be measured as the server's join time."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    fingerprint: str


def make_certificate() -> Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "bench")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .sign(key, hashes.SHA256())
    )
    return Certificate(certificate, key, fingerprint_of(certificate))


def fingerprint_of(certificate: x509.Certificate) -> str:
    """Return the SHA-256 fingerprint as SDP writes it (RFC 8122)."""
    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()


def client_context(certificate: Certificate, profiles: tuple[Profile, ...]) -> SSL.Context:
    """Return a context that offers `profiles`, the preferred first. The chain is not verified: the fingerprint is."""
    context = SSL.Context(SSL.DTLS_METHOD)
    context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *_: True)
    context.use_certificate(certificate.certificate)
    context.use_privatekey(certificate.key)
    context.set_tlsext_use_srtp(b":".join(SHAPES[profile].openssl_name for profile in profiles))
    return context


class DtlsClient:
    """The active end of one association. Bytes in by `receive`, datagrams out by `start`, `receive` and `on_timeout`."""

    def __init__(self, context: SSL.Context, expected_fingerprint: str) -> None:
        self._connection = SSL.Connection(context, None)
        self._connection.set_connect_state()
        self._connection.set_ciphertext_mtu(_FLIGHT_BYTES)
        self._expected_fingerprint = expected_fingerprint.upper()
        self.keys: SrtpKeys | None = None
        self.closed = False

    def start(self) -> list[bytes]:
        """Return the ClientHello. Raises DtlsError."""
        return self._advance()

    def receive(self, datagram: bytes) -> list[bytes]:
        """Take a datagram and return what must be sent. Sets `keys` when the handshake is complete. Raises DtlsError."""
        self._connection.bio_write(datagram)
        if self.keys is None:
            return self._advance()
        self._read_alerts()
        return self._flush()

    def timeout_s(self) -> float | None:
        """Seconds until `on_timeout` must be called, None when nothing is waited for."""
        return self._connection.DTLSv1_get_timeout() if self.keys is None else None

    def on_timeout(self) -> list[bytes]:
        """Return the flight to send again."""
        self._connection.DTLSv1_handle_timeout()
        return self._flush()

    def close(self) -> list[bytes]:
        """Return a close_notify alert."""
        if self.keys is None:
            return []
        try:
            self._connection.shutdown()
        except SSL.Error:
            return []
        return self._flush()

    def _advance(self) -> list[bytes]:
        try:
            self._connection.do_handshake()
        except SSL.WantReadError:
            return self._flush()
        except SSL.Error as error:
            raise DtlsError(f"handshake failed: {error}") from None
        self._check_fingerprint()
        self.keys = self._export()
        return self._flush()

    def _read_alerts(self) -> None:
        try:
            self._connection.recv(2048)
        except SSL.WantReadError:
            return
        except (SSL.ZeroReturnError, SSL.Error):
            self.closed = True

    def _check_fingerprint(self) -> None:
        certificate = self._connection.get_peer_certificate(as_cryptography=True)
        if certificate is None or fingerprint_of(certificate) != self._expected_fingerprint:
            raise DtlsError("the server's certificate is not the one it signaled")

    def _export(self) -> SrtpKeys:
        name = self._connection.get_selected_srtp_profile()
        profile = next((profile for profile, shape in SHAPES.items() if shape.openssl_name == name), None)
        if profile is None:
            raise DtlsError(f"no SRTP profile agreed ({name!r})")
        _, key, salt = SHAPES[profile]
        material = self._connection.export_keying_material(_EXPORTER_LABEL, 2 * (key + salt))
        return SrtpKeys(
            profile,
            outbound=material[:key] + material[2 * key : 2 * key + salt],
            inbound=material[key : 2 * key] + material[2 * key + salt :],
        )

    def _flush(self) -> list[bytes]:
        flight = bytearray()
        while True:
            try:
                flight += self._connection.bio_read(65536)
            except SSL.WantReadError:
                return pack_records(bytes(flight))


def pack_records(flight: bytes, limit: int = _FLIGHT_BYTES) -> list[bytes]:
    """Divide concatenated DTLS records into datagrams of at most `limit` bytes that hold whole records only."""
    datagrams: list[bytes] = []
    start = position = 0
    while position + _RECORD_HEADER <= len(flight):
        end = position + _RECORD_HEADER + int.from_bytes(flight[position + 11 : position + 13], "big")
        if end - start > limit and position > start:
            datagrams.append(flight[start:position])
            start = position
        position = end
    if start < len(flight):
        datagrams.append(flight[start:])
    return datagrams


def new_ice_credentials() -> tuple[str, str]:
    """Return a fresh (ufrag, pwd) of 8 and 24 characters (RFC 8445, 5.3)."""
    return secrets.token_hex(4), secrets.token_hex(12)
