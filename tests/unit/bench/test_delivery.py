from array import array

from bench.delivery import Delivery, Edges, count_reordered, counters_of, unwrap
from bench.rtc.receiver import Sample, StreamLog
from bench.rtc.rtp import AUDIO, VIDEO
from hypothesis import given
from hypothesis import strategies as st

A, B = (1, VIDEO), (2, VIDEO)


def log_of(numbers: list[int], samples: list[tuple[int, tuple[int, int], int]]) -> StreamLog:
    log = StreamLog(ssrc=1, payload_type=96)
    log.seqs = array("H", [number & 0xFFFF for number in numbers])
    log.samples = [Sample(place, *stream, counter, 1_000, 2_000) for place, stream, counter in samples]
    return log


def count(log: StreamLog, first: int, last: int) -> Delivery:
    delivery = Delivery()
    delivery.add([log], [A], Edges({A: first}, {A: last}))
    return delivery


def test_everything_between_the_edges_counts_and_nothing_outside() -> None:
    log = log_of(list(range(500, 600)), [(0, A, 40)])
    delivery = count(log, 50, 100)
    assert (delivery.expected, delivery.received, delivery.percent) == (50, 50, 100.0)


def test_a_lost_packet_is_missed_wherever_it_is() -> None:
    numbers = [number for number in range(500, 600) if number not in (510, 555, 599)]
    delivery = count(log_of(numbers, [(0, A, 0)]), 10, 100)
    assert delivery.received == 90 - 3


def test_duplicates_count_once_and_late_packets_count_as_reordered() -> None:
    delivery = count(log_of([0, 1, 2, 2, 4, 3, 5], [(0, A, 0)]), 0, 6)
    assert (delivery.received, delivery.duplicated, delivery.reordered) == (6, 1, 1)


def test_sequence_numbers_go_on_past_their_largest() -> None:
    numbers = list(range(65_500, 65_700))
    delivery = count(log_of(numbers, [(0, A, 1_000)]), 1_000, 1_200)
    assert delivery.percent == 100.0


def test_packets_before_the_first_sample_belong_to_it() -> None:
    log = log_of(list(range(100)), [(30, A, 1_030)])
    assert counters_of(log, A) == list(range(1_000, 1_100))


def test_a_switched_slot_is_divided_between_its_sources() -> None:
    log = log_of(list(range(20)), [(0, A, 100), (10, B, 7)])
    assert counters_of(log, A) == list(range(100, 110))
    assert counters_of(log, B) == list(range(7, 17))


def test_a_stream_of_which_nothing_came_is_silent() -> None:
    delivery = Delivery()
    delivery.add([], [A, (1, AUDIO)], Edges({A: 0, (1, AUDIO): 0}, {A: 10, (1, AUDIO): 5}))
    assert (delivery.expected, delivery.received, delivery.silent_streams, delivery.streams) == (15, 0, 2, 2)


def test_latencies_are_those_of_samples_inside_the_window() -> None:
    log = log_of(list(range(100)), [(0, A, 0), (50, A, 50), (99, A, 99)])
    delivery = count(log, 10, 60)
    assert (delivery.latencies_ns, delivery.read_latencies_ns) == ([1_000], [2_000])


def test_without_a_sample_nothing_can_be_placed() -> None:
    assert counters_of(log_of([1, 2, 3], []), A) == []


@given(start=st.integers(0, 65_535), steps=st.lists(st.integers(-30, 30), max_size=200))
def test_unwrapping_undoes_wrapping(start: int, steps: list[int]) -> None:
    numbers, value = [start], start
    for step in steps:
        value = max(numbers) + step
        numbers.append(value)
    assert unwrap(number & 0xFFFF for number in numbers) == numbers


@given(st.permutations(range(12)))
def test_a_packet_is_reordered_when_a_higher_number_came_before(order: list[int]) -> None:
    expected = sum(any(earlier > number for earlier in order[:place]) for place, number in enumerate(order))
    assert count_reordered(order) == expected
