import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, x25519
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from conclave.identity.keys import SigningKey


def test_a_key_survives_its_file() -> None:
    key = SigningKey.generate()
    read = SigningKey.from_pem(key.to_pem())
    assert read.kid == key.kid
    read.public_key.verify(key.private_key.sign(b"x"), b"x")


def test_the_key_id_is_the_thumbprint_of_rfc_8037_appendix_a() -> None:
    secret = jwt.utils.base64url_decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A")
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = SigningKey(Ed25519PrivateKey.from_private_bytes(secret))
    assert key.kid == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_two_keys_differ() -> None:
    assert SigningKey.generate().kid != SigningKey.generate().kid


def test_the_private_key_is_never_shown() -> None:
    key = SigningKey.generate()
    assert repr(key) == f"SigningKey(kid={key.kid})"


WRONG = {
    "another curve": ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    "a key for agreement": x25519.X25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    "an encrypted key": SigningKey.generate().private_key.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")
    ),
    "a truncated key": SigningKey.generate().to_pem()[:60],
    "nothing": b"",
    "bytes": b"\xff\x00",
}


@pytest.mark.parametrize("pem", WRONG.values(), ids=WRONG.keys())
def test_anything_but_an_ed25519_key_is_refused_without_quoting_it(pem: bytes) -> None:
    with pytest.raises(ValueError, match="not an") as caught:
        SigningKey.from_pem(pem)
    assert "BEGIN" not in str(caught.value)
