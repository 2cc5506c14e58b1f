import hashlib
import os
from random import Random

from cryptography.hazmat.primitives.asymmetric import ec

from conclave.media.certificate import COMMON_NAME, MAX_AGE_S, CertificateRotation, make_certificate


def test_a_certificate_is_p256_self_signed_and_says_nothing_of_us() -> None:
    made = make_certificate(os.urandom)
    key = made.certificate.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert isinstance(key.curve, ec.SECP256R1)
    made.certificate.verify_directly_issued_by(made.certificate)
    assert [attribute.value for attribute in made.certificate.subject] == [COMMON_NAME]


def test_the_fingerprint_is_sha256_of_the_der_as_sdp_writes_it() -> None:
    made = make_certificate(os.urandom)
    assert made.fingerprint.algorithm == "sha-256"
    assert bytes.fromhex(made.fingerprint.value.replace(":", "")) == hashlib.sha256(made.der).digest()
    assert made.fingerprint.value == made.fingerprint.value.upper()


def test_the_serial_number_comes_from_the_entropy_and_the_key_does_not() -> None:
    first, second = make_certificate(Random(1).randbytes), make_certificate(Random(1).randbytes)
    assert first.certificate.serial_number == second.certificate.serial_number
    assert first.fingerprint != second.fingerprint


def test_a_serial_number_is_never_zero() -> None:
    assert make_certificate(bytes).certificate.serial_number == 1


def test_no_key_is_shown() -> None:
    made = make_certificate(os.urandom)
    assert repr(made) == f"DtlsCertificate({made.fingerprint.value})"


def test_the_current_certificate_is_shared_until_it_is_too_old() -> None:
    rotation = CertificateRotation(os.urandom)
    first = rotation.current(100.0)
    assert rotation.current(100.0 + MAX_AGE_S - 1) is first
    second = rotation.current(100.0 + MAX_AGE_S)
    assert second is not first
    assert rotation.current(100.0 + 2 * MAX_AGE_S - 1) is second
