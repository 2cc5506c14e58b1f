import jwt
import pytest
from tests.support.accounts import an_account
from tests.support.tokens import NOW_S, Mint

from conclave.identity.access_tokens import LIFETIME_S
from conclave.model.accounts import Revocation, RevocationKind, SignInId, SystemPermission, SystemRole
from conclave.model.errors import Refused

SIGN_IN = SignInId("s" * 16)


def test_a_token_has_the_claims_of_the_specification() -> None:
    account = an_account(role=SystemRole.SERVICE, grants=frozenset({SystemPermission.DELETE}))
    mint = Mint()
    token = mint.access.issue(account, SIGN_IN, NOW_S)
    payload = jwt.decode(token, options={"verify_signature": False})
    assert set(payload) == {
        "iss", "aud", "sub", "username", "email", "roles", "permissions", "iat", "exp", "jti", "type", "sid", "epoch",
    }  # fmt: skip
    assert payload["type"] == "access"
    assert payload["exp"] - payload["iat"] == LIFETIME_S == 1_800
    claims = mint.access.verify(token, NOW_S)
    assert (claims.sub, claims.roles, claims.sid) == (account.user_id, [SystemRole.SERVICE], SIGN_IN)
    assert [permission.value for permission in claims.permissions] == ["delete", "process", "read", "write"]
    assert account.username not in repr(claims)


@pytest.mark.parametrize("kind", RevocationKind)
def test_a_revocation_of_any_kind_is_in_force_at_once(kind: RevocationKind) -> None:
    mint, account = Mint(), an_account()
    token = mint.access.issue(account, SIGN_IN, NOW_S)
    claims = mint.access.verify(token, NOW_S)
    subject = {RevocationKind.TOKEN: claims.jti, RevocationKind.SIGN_IN: SIGN_IN, RevocationKind.USER: account.user_id}[kind]
    mint.access.revocations.add(Revocation(kind, subject, NOW_S + LIFETIME_S, 1), NOW_S)
    with pytest.raises(Refused):
        mint.access.verify(token, NOW_S)
    other = mint.access.issue(an_account("eve"), SignInId("o" * 16), NOW_S)
    mint.access.verify(other, NOW_S)


def test_two_tokens_of_one_account_have_ids_of_their_own() -> None:
    mint, account = Mint(), an_account()
    first, second = (mint.access.verify(mint.access.issue(account, SIGN_IN, NOW_S), NOW_S) for _ in range(2))
    assert first.jti != second.jti
