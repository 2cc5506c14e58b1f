from hypothesis import given
from hypothesis import strategies as st

from conclave.policy.buckets import Bucket, Buckets
from conclave.policy.limits import RATES, BucketSize
from conclave.policy.rules import RateClass


def test_a_new_bucket_is_full() -> None:
    bucket = Bucket(BucketSize(burst=3, per_s=1), 10.0)
    assert [bucket.take(10.0) for _ in range(4)] == [True, True, True, False]


def test_tokens_come_back_with_time() -> None:
    bucket = Bucket(BucketSize(burst=2, per_s=0.5), 0.0)
    assert bucket.take(0.0)
    assert bucket.take(0.0)
    assert not bucket.take(1.9)
    assert bucket.take(2.0)
    assert not bucket.take(2.0)


def test_a_bucket_never_holds_more_than_its_burst() -> None:
    bucket = Bucket(BucketSize(burst=2, per_s=1), 0.0)
    assert [bucket.take(1_000_000.0) for _ in range(3)] == [True, True, False]


def test_a_refused_message_takes_no_token() -> None:
    bucket = Bucket(BucketSize(burst=1, per_s=1), 0.0)
    assert bucket.take(0.0)
    assert not bucket.take(0.5)
    assert bucket.take(1.0)


def test_a_clock_that_steps_back_gives_nothing() -> None:
    bucket = Bucket(BucketSize(burst=1, per_s=1), 100.0)
    assert bucket.take(100.0)
    assert not bucket.take(1.0)
    assert not bucket.take(100.5)
    assert bucket.take(101.0)


@given(st.lists(st.floats(0, 10), min_size=1, max_size=200), st.floats(1, 20), st.floats(0.1, 20))
def test_no_sequence_takes_more_than_burst_and_rate_allow(gaps: list[float], burst: float, per_s: float) -> None:
    bucket, now, taken = Bucket(BucketSize(burst, per_s), 0.0), 0.0, 0
    for gap in gaps:
        now += gap
        taken += bucket.take(now)
    assert taken <= burst + now * per_s + 1e-6


def test_rate_classes_do_not_share_tokens() -> None:
    buckets = Buckets(RATES)
    while buckets.take(RateClass.EXPRESSION, 0.0):
        pass
    assert all(buckets.take(rate, 0.0) for rate in RateClass if rate is not RateClass.EXPRESSION)
