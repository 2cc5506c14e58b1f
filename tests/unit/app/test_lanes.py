from conclave.app.lanes import lane_ports
from conclave.config.settings import MAX_LANES, MediaSettings


def test_explicit_ports_are_the_lanes() -> None:
    assert lane_ports(MediaSettings(ports=(5, 9))) == [5, 9]


def test_lanes_count_up_from_the_first_port() -> None:
    assert lane_ports(MediaSettings(first_port=4_000, lanes=3)) == [4_000, 4_001, 4_002]


def test_port_zero_asks_for_a_free_one_in_every_lane() -> None:
    assert lane_ports(MediaSettings(first_port=0, lanes=2)) == [0, 0]


def test_without_a_number_there_is_a_lane_per_core_up_to_four() -> None:
    assert 1 <= len(lane_ports(MediaSettings())) <= MAX_LANES
