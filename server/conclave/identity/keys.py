"""Ed25519 keys that sign invitations. Reading and writing files is the rim's work."""

from base64 import urlsafe_b64encode
from hashlib import sha256

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat, load_pem_private_key


class SigningKey:
    """An Ed25519 private key with its key id, the JWK thumbprint of its public half (RFC 7638, RFC 8037 section 2)."""

    def __init__(self, private_key: Ed25519PrivateKey) -> None:
        self.private_key = private_key
        self.public_key = private_key.public_key()
        self.kid = _thumbprint(self.public_key.public_bytes(Encoding.Raw, PublicFormat.Raw))

    def __repr__(self) -> str:
        return f"SigningKey(kid={self.kid})"

    @classmethod
    def generate(cls) -> "SigningKey":
        """Return a new random key."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def from_pem(cls, pem: bytes) -> "SigningKey":
        """Return the key in an unencrypted PKCS #8 PEM text. Raises ValueError, which never quotes the text, when it is none."""
        try:
            key = load_pem_private_key(pem, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise ValueError("not an unencrypted private key in PEM") from None
        if not isinstance(key, Ed25519PrivateKey):
            raise ValueError("not an Ed25519 private key")
        return cls(key)

    def to_pem(self) -> bytes:
        """Return the key as unencrypted PKCS #8 PEM, for a file of mode 0600."""
        return self.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _thumbprint(public: bytes) -> str:
    x = urlsafe_b64encode(public).rstrip(b"=").decode()
    members = f'{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}'
    return urlsafe_b64encode(sha256(members.encode()).digest()).rstrip(b"=").decode()
