import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from conclave.identity.token_keys import Algorithm, KeyRing, TokenKey

PAIRS = (Algorithm.EDDSA, Algorithm.ES256)


@pytest.mark.parametrize("algorithm", PAIRS)
def test_a_pair_survives_its_text(algorithm: Algorithm) -> None:
    key = TokenKey.generate(algorithm)
    again = TokenKey.from_private_pem(key.private_pem())
    public = TokenKey.from_public_pem(key.public_pem())
    assert (again.algorithm, again.kid) == (public.algorithm, public.kid) == (algorithm, key.kid)
    assert public.signing is None
    with pytest.raises(ValueError, match="no private half"):
        public.private_pem()


def test_the_key_id_is_the_thumbprint_of_rfc_8037() -> None:
    from base64 import urlsafe_b64decode

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    public = Ed25519PublicKey.from_public_bytes(urlsafe_b64decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo="))
    key = TokenKey.from_public_pem(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    assert key.kid == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


@pytest.mark.parametrize("algorithm", PAIRS)
def test_the_published_key_has_the_members_of_its_kind_and_no_private_one(algorithm: Algorithm) -> None:
    key = TokenKey.generate(algorithm)
    jwk = key.jwk()
    assert jwk is not None
    expected = {"crv", "kty", "x", "kid", "alg", "use"} | ({"y"} if algorithm is Algorithm.ES256 else set())
    assert set(jwk) == expected
    assert (jwk["alg"], jwk["kid"]) == (algorithm.value, key.kid)


def test_a_secret_is_never_published() -> None:
    key = TokenKey.from_secret("s" * 32)
    assert key.jwk() is None
    assert KeyRing(key).jwks() == {"keys": []}
    for call in (key.private_pem, key.public_pem):
        with pytest.raises(ValueError, match="half"):
            call()
    assert "ssss" not in repr(key)


def test_a_short_secret_is_refused_without_being_quoted() -> None:
    with pytest.raises(ValueError, match="fewer than 32") as caught:
        TokenKey.from_secret("tooshort")
    assert "tooshort" not in str(caught.value)
    with pytest.raises(ValueError, match="configured"):
        TokenKey.generate(Algorithm.HS256)


def test_keys_of_other_kinds_are_refused_without_being_quoted() -> None:
    for private in (rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP384R1())):
        pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        with pytest.raises(ValueError, match="not an unencrypted Ed25519 or P-256"):
            TokenKey.from_private_pem(pem)
        with pytest.raises(ValueError, match="not an Ed25519 or P-256"):
            TokenKey.from_public_pem(public)
    for text in (b"", b"secret words"):
        with pytest.raises(ValueError, match="not an") as caught:
            TokenKey.from_private_pem(text)
        assert "secret words" not in str(caught.value)


def test_a_ring_finds_current_and_former_keys_by_id_and_publishes_the_current_one_first() -> None:
    current, former = TokenKey.generate(Algorithm.EDDSA), TokenKey.generate(Algorithm.ES256)
    ring = KeyRing(current, [TokenKey.from_public_pem(former.public_pem())])
    assert ring.find(current.kid) is current
    assert ring.find(former.kid) is not None
    for kid in (None, 5, "", [current.kid], current.kid + " "):
        assert ring.find(kid) is None
    assert [jwk["kid"] for jwk in ring.jwks()["keys"]] == [current.kid, former.kid]
