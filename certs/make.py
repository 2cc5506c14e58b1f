"""Make a local certificate authority and a server certificate for development: P-256, SHA-256, key files with mode 0600.

    python certs/make.py [--directory certs] [--days 90] [more.host.names 192.0.2.10 ...]

Running it again changes nothing unless a name is missing, the certificate is near its end, or a file does not fit the others.
The authority is limited to the names given (RFC 5280, name constraints), so that trusting it trusts nothing else.
"""

import argparse
import os
import sys
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DEFAULT_NAMES = ("localhost", "127.0.0.1", "::1")
AUTHORITY_DAYS = 365
RENEW_BEFORE = timedelta(days=14)


def make(directory: Path, names: tuple[str, ...], days: int = 90, now: datetime | None = None) -> bool:
    """Write authority.pem, authority.key, server.pem (leaf, then authority) and server.key; False when all were good already.

    Raises ValueError for a name that is neither a host name nor an IP address, OSError when the directory cannot be written.
    """
    now = now or datetime.now(UTC)
    subjects = [_subject(name) for name in dict.fromkeys((*DEFAULT_NAMES, *names))]
    if _is_good(directory, subjects, now):
        return False
    directory.mkdir(parents=True, exist_ok=True)
    authority_key, authority = _load_authority(directory, subjects, now) or _make_authority(directory, subjects, now)
    _make_server(directory, authority_key, authority, subjects, days, now)
    return True


def _subject(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        if not name or not all(part and part.isascii() and part.replace("-", "a").isalnum() for part in name.split(".")):
            raise ValueError(f"{name!r} is neither a host name nor an IP address") from None
        return x509.DNSName(name.lower())


def _is_good(directory: Path, subjects: list[x509.GeneralName], now: datetime) -> bool:
    loaded = _load_authority(directory, subjects, now)
    if loaded is None:
        return False
    try:
        leaf = x509.load_pem_x509_certificates((directory / "server.pem").read_bytes())[0]
        key = serialization.load_pem_private_key((directory / "server.key").read_bytes(), None)
        leaf.verify_directly_issued_by(loaded[1])
        held = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return False
    return (
        key.public_key() == leaf.public_key()
        and all(subject in list(held) for subject in subjects)
        and leaf.not_valid_before_utc <= now
        and leaf.not_valid_after_utc - now > RENEW_BEFORE
    )


def _load_authority(
    directory: Path, subjects: list[x509.GeneralName], now: datetime
) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate] | None:
    try:
        certificate = x509.load_pem_x509_certificate((directory / "authority.pem").read_bytes())
        key = serialization.load_pem_private_key((directory / "authority.key").read_bytes(), None)
        permitted = certificate.extensions.get_extension_for_class(x509.NameConstraints).value.permitted_subtrees or []
    except (OSError, ValueError, TypeError, x509.ExtensionNotFound):
        return None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        return None
    if certificate.not_valid_after_utc - now <= RENEW_BEFORE or any(
        _constraint(subject) not in permitted for subject in subjects
    ):
        return None
    return key, certificate


def _constraint(subject: x509.GeneralName) -> x509.GeneralName:
    return x509.IPAddress(ip_network(subject.value)) if isinstance(subject, x509.IPAddress) else subject


def _make_authority(
    directory: Path, subjects: list[x509.GeneralName], now: datetime
) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Conclave development authority")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=AUTHORITY_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.NameConstraints([_constraint(subject) for subject in subjects], None), critical=True)
        .add_extension(_key_usage(authority=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    _write(directory / "authority.key", _pem(key), 0o600)
    _write(directory / "authority.pem", certificate.public_bytes(serialization.Encoding.PEM), 0o644)
    return key, certificate


def _make_server(
    directory: Path, authority_key: ec.EllipticCurvePrivateKey, authority: x509.Certificate,
    subjects: list[x509.GeneralName], days: int, now: datetime,
) -> None:  # fmt: skip
    key = ec.generate_private_key(ec.SECP256R1())
    end = min(now + timedelta(days=days), authority.not_valid_after_utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Conclave development server")]))
        .issuer_name(authority.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(subjects), critical=False)
        .add_extension(_key_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    chain = certificate.public_bytes(serialization.Encoding.PEM) + authority.public_bytes(serialization.Encoding.PEM)
    _write(directory / "server.key", _pem(key), 0o600)
    _write(directory / "server.pem", chain, 0o644)


def _key_usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority, key_cert_sign=authority, crl_sign=authority, content_commitment=False,
        key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def _write(path: Path, data: bytes, mode: int) -> None:
    temporary = path.with_name(path.name + ".new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    temporary.replace(path)


def main() -> int:
    parser = argparse.ArgumentParser(description="Make development certificates.")
    parser.add_argument("names", nargs="*", help="further host names and IP addresses of the server")
    parser.add_argument("--directory", type=Path, default=Path(__file__).parent)
    parser.add_argument("--days", type=int, default=90, help="how long the server certificate is valid")
    options = parser.parse_args()
    try:
        made = make(options.directory, tuple(options.names), options.days)
    except (ValueError, OSError) as error:
        print(f"certs: {error}", file=sys.stderr)
        return 1
    print(
        f"certs: {options.directory / 'server.pem'} {'made' if made else 'is good'}; trust {options.directory / 'authority.pem'}"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
