"""The keys of account tokens: EdDSA (Ed25519) or ES256 (P-256) pairs, or one HS256 secret; each with its `kid`.

The algorithm belongs to the key and never to the token (RFC 8725, section 3.1). Reading and writing files is the rim's work.
"""

from base64 import urlsafe_b64encode
from collections.abc import Iterable
from enum import StrEnum
from hashlib import sha256
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

MIN_SECRET_BYTES = 32


class Algorithm(StrEnum):
    """The pinned list. `HS256` is for deployments with a single secret; whoever verifies by it can also sign."""

    EDDSA = "EdDSA"
    ES256 = "ES256"
    HS256 = "HS256"


Private = Ed25519PrivateKey | EllipticCurvePrivateKey
Public = Ed25519PublicKey | EllipticCurvePublicKey


class TokenKey:
    """A key that verifies, and signs when it has its private half or is a secret."""

    def __init__(self, algorithm: Algorithm, kid: str, signing: Private | bytes | None, verifying: Public | bytes) -> None:
        self.algorithm = algorithm
        self.kid = kid
        self.signing = signing
        self.verifying = verifying

    def __repr__(self) -> str:
        return f"TokenKey({self.algorithm}, kid={self.kid})"

    @classmethod
    def generate(cls, algorithm: Algorithm) -> "TokenKey":
        """Return a new random pair. Raises ValueError for HS256, whose secret comes from the configuration."""
        if algorithm is Algorithm.HS256:
            raise ValueError("a secret is configured, not generated")
        return cls._of(Ed25519PrivateKey.generate() if algorithm is Algorithm.EDDSA else generate_private_key(SECP256R1()))

    @classmethod
    def from_secret(cls, secret: str) -> "TokenKey":
        """Return the HS256 key of a secret. Raises ValueError, which never quotes it, when it is too short."""
        octets = secret.encode()
        if len(octets) < MIN_SECRET_BYTES:
            raise ValueError(f"the secret has fewer than {MIN_SECRET_BYTES} octets")
        return cls(Algorithm.HS256, "secret", octets, octets)

    @classmethod
    def from_private_pem(cls, pem: bytes) -> "TokenKey":
        """Return the pair in an unencrypted PKCS #8 PEM text. Raises ValueError, which never quotes the text."""
        try:
            return cls._of(load_pem_private_key(pem, password=None))
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise ValueError("not an unencrypted Ed25519 or P-256 private key in PEM") from None

    @classmethod
    def from_public_pem(cls, pem: bytes) -> "TokenKey":
        """Return the key of a public half in PEM, which can only verify. Raises ValueError."""
        try:
            return _verifying(load_pem_public_key(pem))
        except (ValueError, UnsupportedAlgorithm):
            raise ValueError("not an Ed25519 or P-256 public key in PEM") from None

    def private_pem(self) -> bytes:
        """Return the private half as unencrypted PKCS #8 PEM, for a file of mode 0600. Raises ValueError when there is none."""
        if not isinstance(self.signing, Private):
            raise ValueError("no private half")
        return self.signing.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def public_pem(self) -> bytes:
        """Return the public half in PEM. Raises ValueError for a secret."""
        if isinstance(self.verifying, bytes):
            raise ValueError("a secret has no public half")
        return self.verifying.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def jwk(self) -> dict[str, str] | None:
        """Return the public half as a JWK (RFC 7517, RFC 8037), None for a secret."""
        members = _members(self.verifying)
        return None if members is None else members | {"kid": self.kid, "alg": self.algorithm.value, "use": "sig"}

    @classmethod
    def _of(cls, private: Any) -> "TokenKey":
        if not isinstance(private, Private):
            raise ValueError("another kind of key")
        public = _verifying(private.public_key())
        return cls(public.algorithm, public.kid, private, public.verifying)


class KeyRing:
    """The key that signs and those that a rotation left behind, which verify until their last token has expired."""

    def __init__(self, current: TokenKey, former: Iterable[TokenKey] = ()) -> None:
        self.current = current
        self._keys = {key.kid: key for key in (*former, current)}

    def replace(self, other: "KeyRing") -> None:
        """Sign and verify with the keys of `other` from now on."""
        self.current, self._keys = other.current, dict(other._keys)

    def find(self, kid: object) -> TokenKey | None:
        """Return the key of ours with this `kid`, None for anything else."""
        return self._keys.get(kid) if isinstance(kid, str) else None

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """Return the published key set (RFC 7517, section 5), the current key first. A secret is never in it."""
        keys = [self.current, *(key for key in self._keys.values() if key is not self.current)]
        return {"keys": [jwk for jwk in (key.jwk() for key in keys) if jwk is not None]}


def _verifying(public: Any) -> TokenKey:
    members = _members(public)
    if members is None:
        raise ValueError("another kind of key")
    algorithm = Algorithm.EDDSA if members["kty"] == "OKP" else Algorithm.ES256
    return TokenKey(algorithm, _thumbprint(members), None, public)


def _members(public: object) -> dict[str, str] | None:
    if isinstance(public, Ed25519PublicKey):
        return {"crv": "Ed25519", "kty": "OKP", "x": _b64(public.public_bytes(Encoding.Raw, PublicFormat.Raw))}
    if isinstance(public, EllipticCurvePublicKey) and isinstance(public.curve, SECP256R1):
        point = public.public_numbers()
        return {"crv": "P-256", "kty": "EC", "x": _b64(point.x.to_bytes(32)), "y": _b64(point.y.to_bytes(32))}
    return None


def _thumbprint(members: dict[str, str]) -> str:
    """Return the JWK thumbprint (RFC 7638)."""
    text = "{" + ",".join(f'"{name}":"{members[name]}"' for name in sorted(members)) + "}"
    return _b64(sha256(text.encode()).digest())


def _b64(octets: bytes) -> str:
    return urlsafe_b64encode(octets).rstrip(b"=").decode()
