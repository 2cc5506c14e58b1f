import os
from base64 import b64encode
from hashlib import pbkdf2_hmac

import pytest

from conclave.identity.passwords import MAX_PBKDF2_ITERATIONS, Cost, Passwords, WrongPassword

CHEAP = Cost(time=1, memory_kib=8, parallelism=1)
SECRET = "grey otter 77"


def passwords(cost: Cost = CHEAP) -> Passwords:
    return Passwords(os.urandom, cost)


def django(password: str, iterations: int = 1_000) -> str:
    digest = pbkdf2_hmac("sha256", password.encode(), b"salt", iterations)
    return f"pbkdf2_sha256${iterations}$salt${b64encode(digest).decode()}"


def passlib(password: str, iterations: int = 1_000) -> str:
    def unpadded(octets: bytes) -> str:
        return b64encode(octets).decode().rstrip("=").replace("+", ".")

    salt = bytes(range(240, 256))
    return f"$pbkdf2-sha256${iterations}${unpadded(salt)}${unpadded(pbkdf2_hmac('sha256', password.encode(), salt, iterations))}"


def test_the_cost_is_that_of_the_recommendation() -> None:
    assert Passwords(os.urandom).hash(SECRET).startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_the_right_password_passes_and_a_wrong_one_raises() -> None:
    mine = passwords()
    stored = mine.hash(SECRET)
    assert mine.verify(stored, SECRET) is None
    for wrong in ("", SECRET + " ", SECRET[:-1], SECRET.upper()):
        with pytest.raises(WrongPassword):
            mine.verify(stored, wrong)


def test_two_hashes_of_one_password_differ() -> None:
    mine = passwords()
    assert mine.hash(SECRET) != mine.hash(SECRET)


def test_composed_and_decomposed_letters_match() -> None:
    mine = passwords()
    assert mine.verify(mine.hash("caf\u00e9 au lait"), "cafe\u0301 au lait") is None


def test_a_cheaper_hash_is_replaced_by_a_better_one() -> None:
    stored = passwords().hash(SECRET)
    better = passwords(Cost(time=2, memory_kib=16, parallelism=1))
    new = better.verify(stored, SECRET)
    assert new is not None
    assert better.verify(new, SECRET) is None


@pytest.mark.parametrize("make", [django, passlib])
def test_a_pbkdf2_hash_is_verified_and_replaced_by_argon2id(make: object) -> None:
    assert callable(make)
    stored, mine = make(SECRET), passwords()
    with pytest.raises(WrongPassword):
        mine.verify(stored, "other password")
    new = mine.verify(stored, SECRET)
    assert new is not None
    assert new.startswith("$argon2id$")
    assert mine.verify(new, SECRET) is None


@pytest.mark.parametrize(
    "stored",
    [
        "", "!", "plain text", "$argon2id$broken", "$2b$12$" + "x" * 53, "pbkdf2_sha256$x$salt$AAAA", "pbkdf2_sha256$1$salt",
        "pbkdf2_sha256$1000$salt$not base64", "$pbkdf2-sha256$1$a$b",
        f"pbkdf2_sha256${MAX_PBKDF2_ITERATIONS + 1}$s$" + "A" * 43 + "=",
        "pbkdf2_sha256$1000$salt$", "pbkdf2_sha256$-1$salt$" + "A" * 43 + "=",
    ],
)  # fmt: skip
def test_what_is_no_hash_matches_no_password(stored: str) -> None:
    for password in ("", stored, SECRET):
        with pytest.raises(WrongPassword):
            passwords().verify(stored, password)


def test_nobodys_password_is_always_wrong_and_costs_the_same_work() -> None:
    mine = passwords()
    stored = mine.hash(SECRET)
    mine.verify(stored, SECRET)
    with pytest.raises(WrongPassword):
        mine.verify(None, SECRET)
    assert mine.operations == 2


def test_a_wrong_password_is_never_quoted() -> None:
    with pytest.raises(WrongPassword) as caught:
        passwords().verify(None, SECRET)
    assert SECRET not in str(caught.value)
