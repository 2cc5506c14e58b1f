import pytest
from tests.support.tokens import NOW_S, Mint

from conclave.identity.signed_tokens import AUDIENCE, ISSUER, SignedTokens, TimedClaims, TokenType
from conclave.identity.token_keys import Algorithm, KeyRing, TokenKey
from conclave.model.errors import ErrorCode, Refused

CLAIMS = {"iat": int(NOW_S), "exp": int(NOW_S) + 60, "jti": "j" * 16}
KEYS = (TokenKey.generate(Algorithm.EDDSA), TokenKey.generate(Algorithm.ES256), TokenKey.from_secret("s" * 32))


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.algorithm)
def test_every_algorithm_of_the_list_signs_and_verifies(key: TokenKey) -> None:
    tokens = SignedTokens(KeyRing(key))
    found = tokens.read(tokens.sign(TokenType.ACCESS, CLAIMS), TokenType.ACCESS, TimedClaims, NOW_S)
    assert (found.iss, found.aud, found.jti) == (ISSUER, AUDIENCE, "j" * 16)


@pytest.mark.parametrize("written", TokenType)
@pytest.mark.parametrize("expected", TokenType)
def test_a_token_is_good_as_its_own_type_alone(written: TokenType, expected: TokenType) -> None:
    tokens = SignedTokens(KeyRing(KEYS[0]))
    token = tokens.sign(written, CLAIMS)
    if written is expected:
        tokens.read(token, expected, TimedClaims, NOW_S)
        return
    with pytest.raises(Refused) as caught:
        tokens.read(token, expected, TimedClaims, NOW_S)
    assert caught.value.code is ErrorCode.UNAUTHORIZED


def test_a_former_key_still_verifies_and_a_forgotten_one_does_not() -> None:
    old, new = KEYS[0], KEYS[1]
    token = SignedTokens(KeyRing(old)).sign(TokenType.ACCESS, CLAIMS)
    rotated = SignedTokens(KeyRing(new, [TokenKey.from_public_pem(old.public_pem())]))
    rotated.read(token, TokenType.ACCESS, TimedClaims, NOW_S)
    with pytest.raises(Refused):
        SignedTokens(KeyRing(new)).read(token, TokenType.ACCESS, TimedClaims, NOW_S)


def test_a_token_is_good_from_its_issue_until_its_expiry() -> None:
    tokens = SignedTokens(KeyRing(KEYS[0]))
    token = tokens.sign(TokenType.ACCESS, CLAIMS)
    for now_s in (NOW_S - 5, NOW_S + 59.9):
        tokens.read(token, TokenType.ACCESS, TimedClaims, now_s)
    for now_s in (NOW_S - 6, NOW_S + 60, NOW_S + 1e9):
        with pytest.raises(Refused):
            tokens.read(token, TokenType.ACCESS, TimedClaims, now_s)


def test_every_refusal_says_the_same() -> None:
    mint = Mint()
    details = set()
    for token in ("", "x", "a.b.c", Mint().signed.sign(TokenType.ACCESS, CLAIMS), "é" * 10, "x" * 5_000):
        with pytest.raises(Refused) as caught:
            mint.signed.read(token, TokenType.ACCESS, TimedClaims, NOW_S)
        details.add(caught.value.detail)
    assert details == {"the token is not valid"}
