"""Is the server's certificate one that browsers will take?"""

import ssl
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from conclave.cli.findings import Finding, error, ok, warning

SUBJECT = "certificate"
RENEW_BEFORE = timedelta(days=14)
MIN_RSA_BITS = 2_048


def check_certificate(certificate: Path, key: Path, host: str, now: datetime | None = None) -> Iterator[Finding]:
    """Look at both files as `host` would be reached at `now`."""
    try:
        leaf = x509.load_pem_x509_certificates(certificate.read_bytes())[0]
    except FileNotFoundError:
        yield error(SUBJECT, f"{certificate} does not exist; name yours in listen.tls_certificate, or run `python certs/make.py`")
        return
    except OSError as problem:
        yield error(SUBJECT, f"{certificate} cannot be read: {problem.strerror}; give the server's user read access")
        return
    except (ValueError, IndexError):
        yield error(SUBJECT, f"{certificate} holds no PEM certificate")
        return
    yield from _check_key(certificate, key)
    yield from _check_dates(certificate, leaf, now or datetime.now(UTC))
    yield _check_name(certificate, leaf, host)
    yield _check_strength(certificate, leaf)


def _check_key(certificate: Path, key: Path) -> Iterator[Finding]:
    try:
        mode = stat.S_IMODE(key.stat().st_mode)
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password=lambda: "")
    except FileNotFoundError:
        yield error(SUBJECT, f"{key} does not exist; name the key in listen.tls_key")
        return
    except PermissionError:
        yield error(SUBJECT, f"{key} cannot be read by this user; give it read access with chgrp and chmod 640")
        return
    except (ssl.SSLError, OSError):
        yield error(SUBJECT, f"{key} is not the unencrypted PEM key of {certificate}; use the pair that was issued together")
        return
    if mode & 0o007:
        yield warning(SUBJECT, f"{key} is open to every user; close it with: chmod 600 {key}")
    yield ok(SUBJECT, f"{key} fits {certificate}")


def _check_dates(certificate: Path, leaf: x509.Certificate, now: datetime) -> Iterator[Finding]:
    end = leaf.not_valid_after_utc
    if now >= end:
        yield error(SUBJECT, f"{certificate} expired on {end:%Y-%m-%d}; renew it")
    elif now < leaf.not_valid_before_utc:
        yield error(
            SUBJECT, f"{certificate} is not valid before {leaf.not_valid_before_utc:%Y-%m-%d %H:%M} UTC; is the clock right?"
        )
    elif end - now < RENEW_BEFORE:
        yield warning(SUBJECT, f"{certificate} expires on {end:%Y-%m-%d}; renew it, the server loads it without a restart")
    else:
        yield ok(SUBJECT, f"valid until {end:%Y-%m-%d}")


def _check_name(certificate: Path, leaf: x509.Certificate, host: str) -> Finding:
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return error(SUBJECT, f"{certificate} has no subject alternative names; browsers refuse it; issue a new one")
    try:
        address = ip_address(host)
    except ValueError:
        matches = any(_matches(host.lower(), name.lower()) for name in names.get_values_for_type(x509.DNSName))
    else:
        matches = address in names.get_values_for_type(x509.IPAddress)
    if matches:
        return ok(SUBJECT, f"names {host}")
    return error(SUBJECT, f"{certificate} does not name {host}; issue one that does, or say how browsers reach it with --host")


def _matches(host: str, name: str) -> bool:
    """RFC 6125, section 6.4.3: a wildcard stands for one whole leftmost label."""
    if name.startswith("*."):
        return "." in host and host.partition(".")[2] == name[2:]
    return host == name


def _check_strength(certificate: Path, leaf: x509.Certificate) -> Finding:
    public = leaf.public_key()
    if isinstance(public, rsa.RSAPublicKey) and public.key_size < MIN_RSA_BITS:
        return error(SUBJECT, f"{certificate} has an RSA key of {public.key_size} bits; use P-256, or RSA with 2048 or more")
    if not isinstance(public, (rsa.RSAPublicKey, ec.EllipticCurvePublicKey, ed25519.Ed25519PublicKey)):
        return error(SUBJECT, f"{certificate} has a kind of key that browsers do not take; use P-256")
    return ok(SUBJECT, "has a key that browsers take")
