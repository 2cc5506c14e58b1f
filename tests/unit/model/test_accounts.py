from tests.support.accounts import a_sign_in, an_account

from conclave.model.accounts import SystemPermission, SystemRole


def test_the_names_are_those_of_the_specification() -> None:
    assert list(SystemRole) == ["admin", "user", "viewer", "service"]
    assert list(SystemPermission) == ["read", "write", "delete", "admin", "upload", "process"]


def test_an_account_never_prints_its_hash_or_its_name() -> None:
    account = an_account()
    assert repr(account) == f"Account({account.user_id})"
    sign_in = a_sign_in(account.user_id)
    assert repr(sign_in) == f"SignIn({sign_in.sign_in_id})"
