"""Forged, altered and misused invitations. Every one is `unauthorized`, in the same words unless it is ours and out of date."""

import base64
import json
import os
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from conclave.identity.invitations import AUDIENCE, ISSUER, MAX_TOKEN_CHARACTERS, TYPE, Invitations
from conclave.identity.keys import SigningKey
from conclave.model.errors import ErrorCode, Refused
from conclave.model.ids import MeetingId
from conclave.model.roles import Role

KEY = SigningKey.generate()
MEETING = MeetingId("m" * 16)
NOW = 1_800_000_000
INVITATIONS = Invitations(KEY, os.urandom)
GOOD = INVITATIONS.issue(MEETING, Role.VIEWER, NOW)
CLAIMS = {
    "iss": ISSUER, "aud": AUDIENCE, "sub": MEETING, "role": "host", "jti": "j" * 16, "iat": NOW, "nbf": NOW, "exp": NOW + 60,
    "seats": 0,
}  # fmt: skip


def refuse(token: str) -> None:
    with pytest.raises(Refused) as caught:
        INVITATIONS.verify(token, NOW)
    assert (caught.value.code, caught.value.detail) == (ErrorCode.UNAUTHORIZED, "the invitation is not valid")


def signed(claims: dict[str, Any], key: Any = KEY.private_key, algorithm: str = "EdDSA", **header: Any) -> str:
    return jwt.encode(claims, key, algorithm, headers={"typ": TYPE, "kid": KEY.kid} | header)


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unsigned(header: dict[str, Any], claims: dict[str, Any], signature: bytes = b"") -> str:
    return ".".join((b64(json.dumps(header).encode()), b64(json.dumps(claims).encode()), b64(signature)))


def test_the_claims_used_here_are_good_when_signed_properly() -> None:
    assert INVITATIONS.verify(signed(CLAIMS), NOW).role is Role.HOST


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", "", "HS256", "EdDSA", "Ed25519"])
def test_an_unsigned_token_is_refused_whatever_its_algorithm_says(algorithm: str) -> None:
    refuse(unsigned({"alg": algorithm, "typ": TYPE, "kid": KEY.kid}, CLAIMS))


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
@pytest.mark.parametrize("form", ["raw", "pem", "der"])
def test_a_token_signed_with_our_public_key_as_secret_is_refused(algorithm: str, form: str) -> None:
    import hashlib
    import hmac

    public = {
        "raw": KEY.public_key.public_bytes(Encoding.Raw, PublicFormat.Raw),
        "pem": KEY.public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "der": KEY.public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
    }[form]
    token = unsigned({"alg": algorithm, "typ": TYPE, "kid": KEY.kid}, CLAIMS).rsplit(".", 1)[0]
    digest = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}[algorithm]
    refuse(token + "." + b64(hmac.new(public, token.encode(), digest).digest()))


def test_a_token_signed_with_a_key_of_another_kind_is_refused() -> None:
    refuse(signed(CLAIMS, rsa.generate_private_key(65537, 2048), "RS256"))
    refuse(signed(CLAIMS, ec.generate_private_key(ec.SECP256R1()), "ES256"))


def test_a_token_signed_with_a_strangers_key_is_refused() -> None:
    stranger = SigningKey.generate()
    refuse(signed(CLAIMS, stranger.private_key))
    refuse(signed(CLAIMS, stranger.private_key, kid=stranger.kid))


@pytest.mark.parametrize(
    "kid",
    [None, "", "../../dev/null", "' OR 1=1 --", KEY.kid + "\0", "https://evil.example/jwks", 5, [KEY.kid], {"a": 1}],
    ids=["absent", "empty", "path", "statement", "with_nul", "address", "number", "list", "map"],
)
def test_a_key_id_that_is_not_ours_is_refused(kid: object) -> None:
    header = {"alg": "EdDSA", "typ": TYPE} | ({} if kid is None else {"kid": kid})
    body = unsigned(header, CLAIMS).rsplit(".", 1)[0]
    refuse(body + "." + b64(KEY.private_key.sign(body.encode())))


@pytest.mark.parametrize("extra", [{"jwk": {"kty": "OKP"}}, {"jku": "https://evil.example"}, {"x5u": "https://evil.example"}])
def test_a_key_brought_along_in_the_header_is_not_used(extra: dict[str, Any]) -> None:
    refuse(signed(CLAIMS, SigningKey.generate().private_key, **extra))


@pytest.mark.parametrize("typ", ["JWT", "at+jwt", "", TYPE.upper(), None])
def test_a_token_of_another_type_is_refused(typ: str | None) -> None:
    header = {"alg": "EdDSA", "kid": KEY.kid} | ({} if typ is None else {"typ": typ})
    body = unsigned(header, CLAIMS).rsplit(".", 1)[0]
    refuse(body + "." + b64(KEY.private_key.sign(body.encode())))


def test_a_critical_header_is_refused() -> None:
    header = {"alg": "EdDSA", "typ": TYPE, "kid": KEY.kid, "crit": ["exp"], "exp": NOW}
    body = unsigned(header, CLAIMS).rsplit(".", 1)[0]
    refuse(body + "." + b64(KEY.private_key.sign(body.encode())))


@pytest.mark.parametrize(
    "change",
    [
        {"aud": "conclave-admin"}, {"aud": [AUDIENCE]}, {"iss": "evil"}, {"sub": "short"}, {"sub": None}, {"role": "admin"},
        {"role": "Host"}, {"jti": ""}, {"jti": 7}, {"exp": "never"}, {"exp": 1e99}, {"iat": None}, {"seats": -1}, {"seats": True},
        {"name": ""}, {"name": "x" * 65}, {"exp": True},
    ],
)  # fmt: skip
def test_our_own_signature_over_other_claims_is_refused(change: dict[str, Any]) -> None:
    body = unsigned({"alg": "EdDSA", "typ": TYPE, "kid": KEY.kid}, CLAIMS | change).rsplit(".", 1)[0]
    refuse(body + "." + b64(KEY.private_key.sign(body.encode())))


@pytest.mark.parametrize("name", ["iss", "aud", "sub", "role", "jti", "iat", "nbf", "exp"])
def test_a_missing_claim_is_refused(name: str) -> None:
    refuse(signed({key: value for key, value in CLAIMS.items() if key != name}))


def test_a_token_for_another_meeting_is_refused_where_one_is_expected() -> None:
    assert INVITATIONS.verify(GOOD.token, NOW, MEETING)
    with pytest.raises(Refused) as caught:
        INVITATIONS.verify(GOOD.token, NOW, MeetingId("n" * 16))
    assert caught.value.code is ErrorCode.UNAUTHORIZED


def test_an_expired_token_cannot_be_stretched_by_its_claims() -> None:
    with pytest.raises(Refused, match="expired"):
        INVITATIONS.verify(signed(CLAIMS | {"exp": NOW - 60}), NOW)
    with pytest.raises(Refused, match="not valid yet"):
        INVITATIONS.verify(signed(CLAIMS | {"nbf": NOW + 60}), NOW)
    with pytest.raises(Refused, match="not valid yet"):
        INVITATIONS.verify(signed(CLAIMS | {"iat": NOW + 60}), NOW)


def test_an_oversized_token_is_refused_before_it_is_parsed() -> None:
    refuse(signed(CLAIMS | {"padding": "x" * MAX_TOKEN_CHARACTERS}))


@given(st.data())
def test_no_changed_character_leaves_a_token_good(data: st.DataObject) -> None:
    token = GOOD.token
    position = data.draw(st.integers(0, len(token) - 1))
    character = data.draw(st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ \n\0é"))
    altered = token[:position] + character + token[position + 1 :]
    if altered != token:
        with pytest.raises(Refused) as caught:
            INVITATIONS.verify(altered, NOW)
        assert caught.value.code is ErrorCode.UNAUTHORIZED


@given(st.text(max_size=200) | st.binary(max_size=100).map(b64) | st.just("." * 100))
def test_arbitrary_text_is_refused(text: str) -> None:
    refuse(text)


def test_deeply_nested_claims_are_refused() -> None:
    body = b64(json.dumps({"alg": "EdDSA", "typ": TYPE, "kid": KEY.kid}).encode()) + "." + b64(b"[" * 1500 + b"]" * 1500)
    refuse(body + "." + b64(KEY.private_key.sign(body.encode())))


def test_a_deeply_nested_header_is_refused() -> None:
    refuse(b64(b"[" * 1500 + b"]" * 1500) + ".e30.AAAA")


def test_a_refusal_never_quotes_the_token() -> None:
    with pytest.raises(Refused) as caught:
        INVITATIONS.verify(GOOD.token + "x", NOW)
    assert GOOD.token[:20] not in str(caught.value)
