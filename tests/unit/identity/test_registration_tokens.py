import pytest
from tests.support.accounts import an_account
from tests.support.tokens import NOW_S, Mint

from conclave.identity.registration_tokens import MAX_LIFETIME_S
from conclave.model.accounts import SystemRole
from conclave.model.errors import ErrorCode, Refused

ADMIN = an_account(role=SystemRole.ADMIN)


def test_a_registration_carries_its_role_and_who_gave_it() -> None:
    mint = Mint()
    token, expires_at_s = mint.registration.issue(ADMIN, SystemRole.VIEWER, NOW_S, 60)
    claims = mint.registration.read(token, NOW_S)
    assert (claims.sub, claims.epoch, claims.role) == (ADMIN.user_id, ADMIN.epoch, SystemRole.VIEWER)
    assert expires_at_s == NOW_S + 60
    with pytest.raises(Refused):
        mint.registration.read(token, NOW_S + 60)


@pytest.mark.parametrize("lifetime_s", [0, -1, MAX_LIFETIME_S + 1])
def test_a_lifetime_out_of_range_is_refused(lifetime_s: int) -> None:
    with pytest.raises(Refused) as caught:
        Mint().registration.issue(ADMIN, SystemRole.USER, NOW_S, lifetime_s)
    assert caught.value.code is ErrorCode.INVALID
