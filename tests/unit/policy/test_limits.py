from conclave.policy.limits import FRAMES, KNOCKS, KNOCKS_PER_SOURCE, MAX_FRAME_BYTES, RATES, REFUSALS, Limits
from conclave.policy.rules import RateClass
from conclave.signaling.messages import ChatSend, PublisherOffer


def test_every_rate_class_has_a_bucket() -> None:
    assert RATES.keys() == set(RateClass)


def test_every_bucket_gives_something_back() -> None:
    for size in (*RATES.values(), FRAMES, REFUSALS, KNOCKS, KNOCKS_PER_SOURCE):
        assert size.burst >= 1
        assert size.per_s > 0


def test_the_largest_fields_fit_into_a_frame() -> None:
    assert MAX_FRAME_BYTES == 65_536
    assert max(60_000, 32_768 * 4 // 3) < MAX_FRAME_BYTES
    assert {PublisherOffer.__struct_fields__[-1], ChatSend.__struct_fields__[-1]} == {"sdp", "envelope"}


def test_all_defaults_are_positive() -> None:
    limits = Limits()
    numbers = [value for value in (getattr(limits, name) for name in limits.__struct_fields__) if type(value) in (int, float)]
    assert numbers
    assert min(numbers) > 0


def test_a_heartbeat_fits_into_its_own_rate() -> None:
    assert RATES[RateClass.HEARTBEAT].per_s * Limits().heartbeat_s >= 1
