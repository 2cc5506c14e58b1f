import pytest

from conclave.identity.password_rules import COMMON, MAX_CHARACTERS, MIN_CHARACTERS, check, prepare
from conclave.model.errors import ErrorCode, Refused


@pytest.mark.parametrize(
    "password", ["grey otter 77", "x" * 5 + "abcdefgh?", "пароль длинный", "🦊🐙🦉🐝🦊🐙🦉🐝🦊🐙🦉🦉", "a b c d e f g" * 70]
)
def test_a_long_password_is_good_whatever_it_is_made_of(password: str) -> None:
    check(password, "ada")


@pytest.mark.parametrize(
    "password",
    [
        "short",
        "elevenchars",
        "x" * (MAX_CHARACTERS + 1),
        "Password1234",
        "PASSWORDPASSWORD",
        "aaaaaaaaaaaaaaa",
        "abcabcabcabc",
        "abababababababab",
    ],
)
def test_short_long_common_and_repeated_passwords_are_refused(password: str) -> None:
    with pytest.raises(Refused) as caught:
        check(password)
    assert caught.value.code is ErrorCode.INVALID
    assert password not in caught.value.detail


def test_ones_own_name_is_no_password() -> None:
    for password in ("ada.lovelace", "Ada.Lovelace1", "ada.lovelace@example.org"):
        with pytest.raises(Refused):
            check(password, "ada.lovelace", "ada.lovelace@example.org")
    check("ada.lovelace and more", "ada.lovelace")


def test_composed_and_decomposed_letters_are_one_password() -> None:
    assert prepare("e\u0301" * 6) == prepare("\u00e9" * 6)
    with pytest.raises(Refused):
        check("e\u0301" * 6)


def test_the_list_holds_only_what_the_other_rules_let_pass() -> None:
    assert len(COMMON) >= 80
    assert all(len(password) >= MIN_CHARACTERS and password == password.casefold() for password in COMMON)
