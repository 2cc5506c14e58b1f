import pytest
from hypothesis import given
from hypothesis import strategies as st

from conclave.identity.lockout import Attempt, Lockout, LockoutLimits
from conclave.model.errors import ErrorCode, Refused

NOW_S = 1_800_000_000.0
LIMITS = LockoutLimits()
HOME, AWAY = b"h" * 16, b"a" * 16


def lockout(**limits: float) -> Lockout:
    return Lockout(LockoutLimits(**limits), b"k" * 32)  # type: ignore[arg-type]


def fail(subject: Lockout, times: int, name: str = "ada", source: bytes = HOME, now_s: float = NOW_S) -> Attempt:
    """Fail so often, one after the other; return the last attempt."""
    for _ in range(times):
        attempt = subject.begin(name, source, now_s)
        subject.fail(attempt, now_s)
    return attempt


def test_the_numbers_are_those_of_the_specification() -> None:
    assert (LIMITS.failures, LIMITS.lock_s) == (5, 900)


def test_five_failures_lock_for_fifteen_minutes() -> None:
    subject = lockout()
    assert not fail(subject, 5).locked
    assert fail(subject, 1).locked
    assert subject.begin("ada", AWAY, NOW_S + 899.9).locked
    assert not subject.begin("ada", AWAY, NOW_S + 900).locked


def test_a_locked_source_is_told_how_long_it_still_is() -> None:
    subject = lockout(failures_per_source=2)
    fail(subject, 2, "ada")
    for passed_s in (0.0, 600.5):
        with pytest.raises(Refused) as caught:
            subject.begin("eve", HOME, NOW_S + passed_s)
        assert caught.value.retry_after_s == 900 - passed_s


def test_attempts_during_a_lock_do_not_prolong_it() -> None:
    subject = lockout(failures_per_source=1_000)
    fail(subject, 5)
    fail(subject, 20, now_s=NOW_S + 800)
    assert not subject.begin("ada", HOME, NOW_S + 900).locked


def test_after_a_lock_the_count_begins_anew() -> None:
    subject = lockout()
    fail(subject, 5)
    assert not fail(subject, 5, now_s=NOW_S + 900).locked
    assert fail(subject, 1, now_s=NOW_S + 901).locked


def test_a_success_forgets_the_failures_before_it() -> None:
    subject = lockout()
    fail(subject, 4)
    subject.succeed(subject.begin("ada", HOME, NOW_S))
    assert not fail(subject, 5).locked


def test_a_locked_attempt_cannot_succeed() -> None:
    subject = lockout()
    fail(subject, 5)
    attempt = subject.begin("ada", HOME, NOW_S)
    with pytest.raises(Refused) as caught:
        subject.succeed(attempt)
    assert caught.value.code is ErrorCode.UNAUTHORIZED
    assert subject.begin("ada", HOME, NOW_S).locked


def test_attempts_at_once_do_not_slip_in_under_the_limit() -> None:
    subject = lockout()
    under_way = [subject.begin("ada", HOME, NOW_S) for _ in range(20)]
    assert sum(not attempt.locked for attempt in under_way) == 5


def test_old_failures_do_not_count() -> None:
    subject = lockout()
    fail(subject, 4)
    assert not fail(subject, 4, now_s=NOW_S + 900).locked
    assert not fail(subject, 1, now_s=NOW_S + 901).locked


def test_identifiers_do_not_share_a_count() -> None:
    subject = lockout()
    fail(subject, 6)
    assert not fail(subject, 1, name="eve").locked


def test_a_source_that_sprays_is_locked_and_others_are_not() -> None:
    subject = lockout(failures_per_source=30)
    for number in range(30):
        fail(subject, 1, name=f"user{number}")
    with pytest.raises(Refused) as caught:
        subject.begin("user31", HOME, NOW_S)
    assert caught.value.code is ErrorCode.RATE_LIMITED
    assert not subject.begin("user31", AWAY, NOW_S).locked
    assert not subject.begin("user31", HOME, NOW_S + 900).locked


def test_successes_neither_count_for_a_source_nor_wash_it() -> None:
    subject = lockout(failures_per_source=3)
    fail(subject, 1, name="a")
    for _ in range(10):
        subject.succeed(subject.begin("mine", HOME, NOW_S))
    fail(subject, 1, name="b")
    fail(subject, 1, name="c")
    with pytest.raises(Refused):
        subject.begin("d", HOME, NOW_S)


def test_a_crowd_behind_one_address_logs_in_at_once() -> None:
    subject = lockout(failures_per_source=3)
    attempts = [subject.begin(f"user{number}", HOME, NOW_S) for number in range(100)]
    for attempt in attempts:
        subject.succeed(attempt)
    assert len(subject) == 0


def test_an_undecided_attempt_can_be_taken_back() -> None:
    subject = lockout()
    for _ in range(20):
        subject.cancel(subject.begin("ada", HOME, NOW_S))
    assert len(subject) == 0
    assert not fail(subject, 5).locked


def test_a_lock_survives_a_restart() -> None:
    kept = fail(lockout(), 5).kept
    after = Lockout(LIMITS, b"k" * 32, [kept])
    assert after.begin("ada", HOME, NOW_S + 10).locked
    assert not after.begin("eve", HOME, NOW_S + 10).locked


def test_identifiers_are_kept_as_keyed_hashes() -> None:
    attempt = lockout().begin("ada", HOME, NOW_S)
    assert "ada" not in attempt.key
    assert Lockout(LIMITS, b"o" * 32).begin("ada", HOME, NOW_S).key != attempt.key


def test_a_full_table_drops_what_matters_least() -> None:
    subject = Lockout(LockoutLimits(failures_per_source=10_000), b"k" * 32, capacity=3)
    fail(subject, 5, name="locked")
    fail(subject, 1, name="old")
    fail(subject, 1, name="new")
    fail(subject, 1, name="another")
    assert len(subject) == 3
    assert subject.begin("locked", HOME, NOW_S).locked
    late = NOW_S + 2_000
    fail(subject, 1, name="late", now_s=late)
    assert len(subject) == 1


def test_a_table_full_of_locks_gives_up_the_oldest() -> None:
    subject = Lockout(LockoutLimits(failures_per_source=10_000), b"k" * 32, capacity=2)
    for name in ("first", "second", "third"):
        fail(subject, 5, name=name)
    assert len(subject) == 2
    assert subject.begin("third", HOME, NOW_S).locked


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 300)), max_size=60))
def test_at_most_nine_guesses_within_any_fifteen_minutes_reach_the_hash(steps: list[tuple[bool, float]]) -> None:
    """Four at the end of one window, five at the beginning of the next."""
    subject, now_s, open_at = lockout(), NOW_S, []
    for _, wait_s in steps:
        now_s += wait_s
        if not subject.begin("ada", HOME, now_s).locked:
            open_at.append(now_s)
    for start in open_at:
        assert sum(start <= at < start + 900 for at in open_at) <= 9
