from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conclave.edge.sources import KEY_S, KEYS_KEPT, TRANSPORTS_BESIDE, Allowance, Sources
from conclave.meeting.bans import BAN_S
from conclave.model.errors import ErrorCode, Refused
from conclave.policy.limits import BucketSize


class Time:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def make(time: Time, **changes: Any) -> Sources:
    numbers = {"max_connections": 10, "max_per_source": 3, "connects_per_s": 1, "creations_per_min": 2} | changes
    return Sources(**numbers, clock=time, key=b"k" * 32)


def test_a_source_is_its_ipv4_address_or_its_ipv6_network() -> None:
    sources = make(Time())
    assert sources.identify("192.0.2.1") != sources.identify("192.0.2.2")
    assert sources.identify("2001:db8::1") == sources.identify("2001:db8::ffff:2")
    assert sources.identify("2001:db8::1") != sources.identify("2001:db8:0:1::1")
    assert sources.identify("::ffff:192.0.2.1") == sources.identify("192.0.2.1")
    assert sources.identify("fe80::1%eth0") == sources.identify("fe80::2")
    assert sources.identify(None) == sources.identify("nonsense")


def test_the_name_of_a_source_does_not_reveal_its_address() -> None:
    name = make(Time()).identify("192.0.2.1")
    assert len(name) == 16
    assert name != Sources(max_connections=1, max_per_source=1, connects_per_s=1, creations_per_min=1, clock=Time()).identify(
        "192.0.2.1"
    )


def test_connections_of_one_source_are_limited_and_given_back() -> None:
    sources = make(Time())
    mine, other = sources.identify("192.0.2.1"), sources.identify("192.0.2.2")
    for _ in range(3):
        sources.open_connection(mine)
    with pytest.raises(Refused) as caught:
        sources.open_connection(mine)
    assert caught.value.code is ErrorCode.RATE_LIMITED
    sources.open_connection(other)
    assert (sources.count(), sources.connections()) == (2, 4)
    sources.close_connection(mine)
    assert sources.connections() == 3


def test_connecting_too_fast_is_refused_until_time_has_passed() -> None:
    time = Time()
    sources = make(time)
    mine = sources.identify("192.0.2.1")
    for _ in range(3):
        sources.open_connection(mine)
        sources.close_connection(mine)
    with pytest.raises(Refused, match="new connections"):
        sources.open_connection(mine)
    time.now += 1.0
    sources.open_connection(mine)


def test_a_full_server_says_unavailable() -> None:
    sources = make(Time(), max_connections=1)
    sources.open_connection(sources.identify("192.0.2.1"))
    with pytest.raises(Refused) as caught:
        sources.open_connection(sources.identify("192.0.2.2"))
    assert caught.value.code is ErrorCode.UNAVAILABLE


def test_tls_connections_of_one_source_are_limited_before_http() -> None:
    sources = make(Time())
    mine = sources.identify("192.0.2.1")
    for _ in range(3 + TRANSPORTS_BESIDE):
        sources.open_transport(mine)
    with pytest.raises(Refused):
        sources.open_transport(mine)
    sources.close_transport(mine)
    sources.open_transport(mine)


def test_opening_meetings_is_limited_by_the_minute() -> None:
    time = Time()
    sources = make(time)
    mine = sources.identify("192.0.2.1")
    sources.create_meeting(mine)
    sources.create_meeting(mine)
    with pytest.raises(Refused):
        sources.create_meeting(mine)
    time.now += 31.0
    sources.create_meeting(mine)


def test_the_table_of_buckets_is_bounded_and_forgets_full_ones() -> None:
    allowance = Allowance(BucketSize(burst=1, per_s=1), max_keys=2)
    assert allowance.take(b"a", 0.0)
    assert allowance.take(b"b", 0.0)
    assert not allowance.take(b"c", 0.5)
    assert allowance.take(b"c", 2.0)


@given(st.lists(st.sampled_from(["open", "close"]), max_size=60))
def test_any_order_of_opening_and_closing_keeps_the_counts_right(steps: list[str]) -> None:
    time = Time()
    sources = make(time)
    mine, held = sources.identify("192.0.2.1"), 0
    for step in steps:
        time.now += 10.0
        if step == "open" and held < 3:
            sources.open_connection(mine)
            held += 1
        elif step == "close" and held:
            sources.close_connection(mine)
            held -= 1
        assert sources.connections() == held
        assert sources.count() == (1 if held else 0)


def test_the_key_is_another_one_each_day_and_two_former_ones_are_known() -> None:
    time = Time()
    sources = make(time)
    names = []
    for _ in range(5):
        names.append(sources.identify("192.0.2.1"))
        time.now += KEY_S
    assert len(set(names)) == 5
    assert sources.former("192.0.2.1") == (names[4], names[3])
    assert sources.names("192.0.2.1") == (sources.identify("192.0.2.1"), names[4], names[3])
    assert KEYS_KEPT == 3
    assert KEY_S == BAN_S


def test_several_days_without_anybody_leave_no_old_key_in_use() -> None:
    time = Time()
    sources = make(time)
    before = sources.identify("192.0.2.1")
    time.now += 10 * KEY_S
    assert before not in (sources.identify("192.0.2.1"), *sources.former("192.0.2.1"))


def test_a_new_key_doubles_no_limit_of_connections() -> None:
    time = Time()
    sources = make(time, connects_per_s=1_000)
    before = sources.identify("192.0.2.1")
    for _ in range(3):
        sources.open_connection(before)
        sources.open_transport(before)
    time.now += KEY_S
    today, former = sources.identify("192.0.2.1"), sources.former("192.0.2.1")
    with pytest.raises(Refused) as caught:
        sources.open_connection(today, former)
    assert caught.value.code is ErrorCode.RATE_LIMITED
    sources.close_connection(before)
    sources.open_connection(today, former)
    for _ in range(TRANSPORTS_BESIDE):
        sources.open_transport(today, former)
    with pytest.raises(Refused):
        sources.open_transport(today, former)
