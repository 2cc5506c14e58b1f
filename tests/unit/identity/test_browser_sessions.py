import os

import pytest
from msgspec.structs import replace
from tests.support.accounts import NOW_S, a_sign_in

from conclave.identity.browser_sessions import (
    SECRET_CHARACTERS,
    check_csrf,
    check_valid,
    csrf_token,
    needs_renewal,
    new_secret,
    proof_of,
)
from conclave.model.accounts import SignInKind, UserId
from conclave.model.errors import ErrorCode, Refused

USER = UserId("u" * 16)


def test_a_cookie_is_random_and_only_its_digest_is_kept() -> None:
    secret = new_secret(os.urandom)
    assert len(secret) == SECRET_CHARACTERS
    assert secret != new_secret(os.urandom)
    assert len(proof_of(secret)) == 64
    assert secret not in proof_of(secret)


@pytest.mark.parametrize("secret", ["", "x" * 42, "x" * 44, "é" * 43, "x" * 100_000])
def test_a_value_that_was_never_ours_is_refused(secret: str) -> None:
    with pytest.raises(Refused) as caught:
        proof_of(secret)
    assert caught.value.code is ErrorCode.UNAUTHORIZED


def test_the_token_of_one_session_is_not_that_of_another() -> None:
    one, two = new_secret(os.urandom), new_secret(os.urandom)
    check_csrf(one, csrf_token(one))
    for given in ("", csrf_token(two), csrf_token(one)[:-1], one, "é", "\udcff"):
        with pytest.raises(Refused) as caught:
            check_csrf(one, given)
        assert caught.value.code is ErrorCode.FORBIDDEN


def test_a_session_is_valid_until_it_idles_or_ends() -> None:
    sign_in = a_sign_in(USER, kind=SignInKind.BROWSER)
    assert check_valid(sign_in, NOW_S + 99) is sign_in
    in_use = replace(sign_in, valid_until_s=NOW_S + 5_000)
    assert check_valid(in_use, NOW_S + 999) is in_use
    for bad, now_s in ((None, NOW_S), (sign_in, NOW_S + 100), (in_use, NOW_S + 1_000), (a_sign_in(USER), NOW_S)):
        with pytest.raises(Refused):
            check_valid(bad, now_s)


def test_use_is_noted_at_most_once_a_minute() -> None:
    sign_in = a_sign_in(USER, kind=SignInKind.BROWSER)
    assert not needs_renewal(sign_in, NOW_S + 59)
    assert needs_renewal(sign_in, NOW_S + 60)
