import pytest
from hypothesis import given
from hypothesis import strategies as st

from conclave.identity.revocations import Revocations
from conclave.model.errors import Unavailable


def test_a_revoked_invitation_stays_so_until_it_would_have_expired() -> None:
    revocations = Revocations()
    revocations.add("a", 100.0, 0.0)
    assert "a" in revocations
    revocations.forget_expired(100.0)
    assert "a" in revocations
    revocations.forget_expired(100.5)
    assert "a" not in revocations


def test_an_expired_invitation_takes_no_room() -> None:
    revocations = Revocations()
    revocations.add("a", 5.0, 10.0)
    assert len(revocations) == 0


def test_a_full_list_forgets_nothing_and_takes_nothing() -> None:
    revocations = Revocations(capacity=2)
    revocations.add("a", 100.0, 0.0)
    revocations.add("b", 100.0, 0.0)
    with pytest.raises(Unavailable):
        revocations.add("c", 100.0, 0.0)
    assert "a" in revocations
    assert "b" in revocations
    revocations.add("b", 200.0, 0.0)


def test_a_full_list_takes_a_new_one_once_an_old_one_has_expired() -> None:
    revocations = Revocations(capacity=1)
    revocations.add("a", 100.0, 0.0)
    revocations.add("b", 300.0, 200.0)
    assert "a" not in revocations
    assert "b" in revocations


def test_revoking_again_never_shortens() -> None:
    revocations = Revocations()
    revocations.add("a", 100.0, 0.0)
    revocations.add("a", 50.0, 0.0)
    revocations.add("a", 150.0, 0.0)
    revocations.forget_expired(120.0)
    assert "a" in revocations


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.floats(0, 100), st.floats(0, 20)), max_size=50))
def test_nothing_is_forgotten_before_its_time(steps: list[tuple[str, float, float]]) -> None:
    revocations, now, until = Revocations(), 0.0, dict[str, float]()
    for jti, lifetime, pause in steps:
        now += pause
        revocations.add(jti, now + lifetime, now)
        until[jti] = max(until.get(jti, 0.0), now + lifetime)
        assert all(name in revocations for name, end in until.items() if end > now)
