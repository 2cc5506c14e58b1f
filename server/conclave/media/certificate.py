"""The certificates of our DTLS ends: ECDSA P-256, self-signed, and replaced by age.

A peer trusts the fingerprint that signaling gave it, nothing in the certificate itself (RFC 8122, RFC 8827 section 6.5),
so the name is the one every browser uses and the validity is open-ended: neither tells a peer anything about this server.
"""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from conclave.media.parameters import Fingerprint
from conclave.model.ids import Entropy

if TYPE_CHECKING:
    from OpenSSL import SSL

    from conclave.model.media import SrtpProfile

MAX_AGE_S = 24 * 3600.0
SERIAL_BYTES = 16
COMMON_NAME = "WebRTC"
NOT_BEFORE = datetime(2020, 1, 1, tzinfo=UTC)
NO_EXPIRY = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)  # RFC 5280 section 4.1.2.5


class DtlsCertificate:
    """A private key, its certificate and its SHA-256 fingerprint.

    `contexts` keeps the TLS library's contexts made from it, one per order of SRTP profiles: making one costs
    more than the rest of a handshake's set-up.
    """

    def __init__(self, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
        self.key = key
        self.certificate = certificate
        self.fingerprint = Fingerprint("sha-256", certificate.fingerprint(hashes.SHA256()).hex(":").upper())
        self.contexts: dict[tuple[SrtpProfile, ...], SSL.Context] = {}

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    def __repr__(self) -> str:
        return f"DtlsCertificate({self.fingerprint.value})"


def make_certificate(entropy: Entropy) -> DtlsCertificate:
    """Return a new certificate. The key comes from the TLS library's own generator, the serial number from `entropy`."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, COMMON_NAME)])
    serial = int.from_bytes(entropy(SERIAL_BYTES), "big") >> 1
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(serial or 1)
        .not_valid_before(NOT_BEFORE)
        .not_valid_after(NO_EXPIRY)
        .sign(key, hashes.SHA256())
    )
    return DtlsCertificate(key, certificate)


class CertificateRotation:
    """Hands out one certificate to all transports opened within `max_age_s`, then a new one.

    Transports keep the certificate they were opened with: a fingerprint that was signaled stays true.
    """

    def __init__(self, entropy: Entropy, *, max_age_s: float = MAX_AGE_S) -> None:
        self._entropy = entropy
        self._max_age_s = max_age_s
        self._made_at = 0.0
        self._current: DtlsCertificate | None = None

    def current(self, now: float) -> DtlsCertificate:
        """Return the certificate for a transport that is opened at `now` (monotonic seconds)."""
        if self._current is None or now - self._made_at >= self._max_age_s:
            self._current = make_certificate(self._entropy)
            self._made_at = now
        return self._current
