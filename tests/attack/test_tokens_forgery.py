"""Account tokens that are not ours, or are ours and meant for something else."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from tests.support.account_client import call, make_account, socket_of
from tests.support.accounts import an_account
from tests.support.live import Live, hello
from tests.support.tokens import NOW_S, Mint

from conclave.identity.access_tokens import AccessTokens
from conclave.identity.signed_tokens import MAX_TOKEN_CHARACTERS, SignedTokens, TokenType
from conclave.identity.token_keys import Algorithm, KeyRing, TokenKey
from conclave.identity.token_revocations import TokenRevocations
from conclave.model.accounts import SignInId, SignInKind, SystemRole
from conclave.model.errors import ErrorCode, Refused
from conclave.model.roles import Role

MINT = Mint()
ACCOUNT = an_account(role=SystemRole.VIEWER)
GOOD = MINT.access.issue(ACCOUNT, SignInId("s" * 16), NOW_S)
CLAIMS: dict[str, Any] = jwt.decode(GOOD, options={"verify_signature": False})
TYPE = TokenType.ACCESS.value


def refuse(token: str, access: AccessTokens = MINT.access, now_s: float = NOW_S) -> None:
    with pytest.raises(Refused) as caught:
        access.verify(token, now_s)
    assert (caught.value.code, caught.value.detail) == (ErrorCode.UNAUTHORIZED, "the token is not valid")


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unsigned(header: dict[str, Any], claims: dict[str, Any]) -> str:
    return f"{b64(json.dumps(header).encode())}.{b64(json.dumps(claims).encode())}"


def signed(claims: dict[str, Any], key: Any = MINT.key.signing, algorithm: str = "EdDSA", **header: Any) -> str:
    return jwt.encode(claims, key, algorithm, headers={"typ": TYPE, "kid": MINT.key.kid} | header)


def raw_signed(header: dict[str, Any], claims: dict[str, Any]) -> str:
    body = unsigned(header, claims)
    return f"{body}.{b64(MINT.key.signing.sign(body.encode()))}"  # type: ignore[union-attr,call-arg]


def test_the_claims_used_here_are_good_when_signed_properly() -> None:
    assert MINT.access.verify(signed(CLAIMS), NOW_S).sub == ACCOUNT.user_id


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", "", "HS256", "ES256", "EdDSA", "Ed25519"])
def test_an_unsigned_token_is_refused_whatever_its_algorithm_says(algorithm: str) -> None:
    refuse(unsigned({"alg": algorithm, "typ": TYPE, "kid": MINT.key.kid}, CLAIMS) + ".")


@pytest.mark.parametrize("own", [Algorithm.EDDSA, Algorithm.ES256])
@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
@pytest.mark.parametrize("form", ["pem", "der", "jwk"])
def test_a_token_signed_with_our_public_key_as_secret_is_refused(own: Algorithm, algorithm: str, form: str) -> None:
    key = TokenKey.generate(own)
    access = AccessTokens(SignedTokens(KeyRing(key)), TokenRevocations(), lambda n: bytes(n))
    secret = {
        "pem": key.public_pem(),
        "der": key.verifying.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),  # type: ignore[union-attr]
        "jwk": json.dumps(key.jwk()).encode(),
    }[form]
    body = unsigned({"alg": algorithm, "typ": TYPE, "kid": key.kid}, CLAIMS)
    digest = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}[algorithm]
    refuse(f"{body}.{b64(hmac.new(secret, body.encode(), digest).digest())}", access)


def test_a_secret_is_not_taken_for_a_key_pair_and_back() -> None:
    secret = Mint(key=TokenKey.from_secret("s" * 64))
    pair = TokenKey.generate(Algorithm.ES256)
    refuse(signed(CLAIMS, pair.signing, "ES256", kid="secret"), secret.access)
    refuse(signed(CLAIMS, "x" * 64, "HS256", kid="secret"), secret.access)
    refuse(signed(CLAIMS, "s" * 64, "HS384", kid="secret"), secret.access)
    assert secret.access.verify(signed(CLAIMS, "s" * 64, "HS256", kid="secret"), NOW_S)


def test_a_token_signed_with_a_key_of_another_kind_is_refused() -> None:
    refuse(signed(CLAIMS, rsa.generate_private_key(65537, 2048), "RS256"))
    refuse(signed(CLAIMS, ec.generate_private_key(ec.SECP256R1()), "ES256"))


def test_a_token_signed_with_a_strangers_key_is_refused() -> None:
    stranger = TokenKey.generate(Algorithm.EDDSA)
    refuse(signed(CLAIMS, stranger.signing))
    refuse(signed(CLAIMS, stranger.signing, kid=stranger.kid))


@pytest.mark.parametrize(
    "kid",
    [None, "", "../../dev/null", "' OR 1=1 --", MINT.key.kid + "\0", "https://evil.example/jwks", 5, [MINT.key.kid], {"a": 1}],
    ids=["absent", "empty", "path", "statement", "with_nul", "address", "number", "list", "map"],
)
def test_a_key_id_that_is_not_ours_is_refused(kid: object) -> None:
    refuse(raw_signed({"alg": "EdDSA", "typ": TYPE} | ({} if kid is None else {"kid": kid}), CLAIMS))


@pytest.mark.parametrize("extra", [{"jwk": {"kty": "OKP"}}, {"jku": "https://evil.example"}, {"x5u": "https://evil.example"}])
def test_a_key_brought_along_in_the_header_is_not_used(extra: dict[str, Any]) -> None:
    refuse(signed(CLAIMS, TokenKey.generate(Algorithm.EDDSA).signing, **extra))


def test_a_critical_header_is_refused() -> None:
    refuse(raw_signed({"alg": "EdDSA", "typ": TYPE, "kid": MINT.key.kid, "crit": ["exp"], "exp": 1}, CLAIMS))


@pytest.mark.parametrize(
    "typ", ["JWT", "at+jwt", "", TYPE.upper(), None, 5, *(t.value for t in TokenType if t is not TokenType.ACCESS)]
)
def test_a_token_of_another_type_is_refused(typ: object) -> None:
    refuse(raw_signed({"alg": "EdDSA", "kid": MINT.key.kid} | ({} if typ is None else {"typ": typ}), CLAIMS))


@pytest.mark.parametrize(
    "change",
    [
        {"aud": "conclave-meeting"}, {"aud": ["conclave-api"]}, {"iss": "evil"}, {"sub": None}, {"roles": ["root"]},
        {"roles": "admin"}, {"permissions": ["everything"]}, {"jti": 7}, {"exp": "never"}, {"exp": 1e99}, {"exp": True},
        {"iat": None},
        {"type": "refresh"},
        {"type": "invitation"}, {"epoch": "0"}, {"sid": None},
    ],
)  # fmt: skip
def test_our_own_signature_over_other_claims_is_refused(change: dict[str, Any]) -> None:
    refuse(raw_signed({"alg": "EdDSA", "typ": TYPE, "kid": MINT.key.kid}, CLAIMS | change))


@pytest.mark.parametrize("name", sorted(CLAIMS))
def test_a_missing_claim_is_refused(name: str) -> None:
    refuse(signed({key: value for key, value in CLAIMS.items() if key != name}))


def test_an_expired_token_and_one_of_the_future_are_refused() -> None:
    refuse(GOOD, now_s=CLAIMS["exp"])
    refuse(GOOD, now_s=CLAIMS["iat"] - 6)
    refuse(signed(CLAIMS | {"iat": int(NOW_S) + 60, "exp": int(NOW_S) + 120}))


def test_an_oversized_or_deeply_nested_token_is_refused() -> None:
    refuse(signed(CLAIMS | {"padding": "x" * MAX_TOKEN_CHARACTERS}))
    refuse(b64(b"[" * 1_500 + b"]" * 1_500) + ".e30.AAAA")


@given(st.data())
def test_no_changed_character_leaves_a_token_good(data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(GOOD) - 1))
    character = data.draw(st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ \n\0é"))
    altered = GOOD[:position] + character + GOOD[position + 1 :]
    if altered != GOOD:
        refuse(altered)


@given(st.text(max_size=200) | st.binary(max_size=100).map(b64))
def test_arbitrary_text_is_refused(text: str) -> None:
    refuse(text)


Kind = Callable[[Live], str]


async def every_kind(live: Live) -> dict[str, str]:
    """Return a good token of every kind that this server issues."""
    account = await make_account(live, "root", SystemRole.ADMIN)
    desk = live.server.accounts.desk
    begun, browser = await desk.begin(account, SignInKind.TOKENS), await desk.begin(account, SignInKind.BROWSER)
    registration, _ = live.server.accounts.registrations.issue(account, SystemRole.ADMIN, time.time(), 600)
    assert begun.refresh_token is not None
    assert browser.secret is not None
    return {
        "access": begun.access_token, "refresh": begun.refresh_token, "registration": registration,
        "invitation": live.invite(live.new_meeting(), Role.HOST), "cookie": browser.secret,
    }  # fmt: skip


async def test_every_kind_of_token_opens_its_own_door_and_no_other(live: Live) -> None:
    tokens = await every_kind(live)
    opened = set()
    for kind, token in tokens.items():
        if (await call(live, "GET", "/me", token=token)).status == 200:
            opened.add((kind, "api"))
        if (await call(live, "GET", "/me", cookie=token)).status == 200:
            opened.add((kind, "cookie"))
        socket = await live.connect()
        if (await hello(socket, token))["type"] == "response":
            opened.add((kind, "meeting"))
        await socket.close()
        socket, answer = await socket_of(live, tokens["invitation"], token)
        if answer["type"] == "response":
            opened.add((kind, "seat of an account"))
        await socket.close()
    for kind, token in tokens.items():
        if kind != "refresh" and (await call(live, "POST", "/auth/refresh", {"refresh_token": token})).status == 200:
            opened.add((kind, "refresh"))
    assert opened == {("access", "api"), ("access", "seat of an account"), ("cookie", "cookie"), ("invitation", "meeting")}
    assert (await call(live, "POST", "/auth/refresh", {"refresh_token": tokens["refresh"]})).status == 200


async def test_a_key_of_another_server_opens_nothing_over_the_wire(live: Live, tmp_path: Path) -> None:
    account = await make_account(live)
    foreign = Mint().access.issue(account, SignInId("s" * 16), time.time())
    assert (await call(live, "GET", "/me", token=foreign)).status == 401


async def test_a_token_in_the_address_is_refused(live: Live) -> None:
    token = (await every_kind(live))["access"]
    for query in (f"?access_token={token}", f"?x={token}", f"?token={token}"):
        assert (await call(live, "GET", f"/me{query}")).status == 400
