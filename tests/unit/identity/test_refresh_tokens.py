import pytest
from tests.support.tokens import NOW_S, Mint

from conclave.identity.refresh_tokens import LIFETIME_S
from conclave.model.accounts import SignInId, UserId
from conclave.model.errors import Refused

USER, FAMILY = UserId("u" * 16), SignInId("f" * 16)


def test_a_refresh_token_lives_seven_days_and_names_its_family() -> None:
    mint = Mint()
    issued = mint.refresh.issue(USER, FAMILY, NOW_S, NOW_S + 1e9)
    claims = mint.refresh.read(issued.token, NOW_S + LIFETIME_S - 1)
    assert (claims.sub, claims.sid, claims.jti, claims.type) == (USER, FAMILY, issued.jti, "refresh")
    assert issued.expires_at_s - NOW_S == LIFETIME_S == 7 * 86_400
    with pytest.raises(Refused):
        mint.refresh.read(issued.token, NOW_S + LIFETIME_S)


def test_a_refresh_token_does_not_outlive_its_family() -> None:
    assert Mint().refresh.issue(USER, FAMILY, NOW_S, NOW_S + 60).expires_at_s == NOW_S + 60


def test_an_issued_token_is_never_printed() -> None:
    issued = Mint().refresh.issue(USER, FAMILY, NOW_S, NOW_S + 60)
    assert issued.token not in repr(issued)
