import pytest
from bench.summary import Spread, median, percentile, spread
from hypothesis import given
from hypothesis import strategies as st


def test_percentiles_are_values_that_occurred() -> None:
    values = list(range(1, 101))
    assert [percentile(values, p) for p in (0, 1, 50, 95, 99, 100)] == [1, 1, 50, 95, 99, 100]


def test_the_percentile_of_one_value_is_that_value() -> None:
    assert percentile([7.5], 99) == 7.5


def test_the_median_of_an_even_count_lies_between_the_middle_two() -> None:
    assert median([4, 1, 3, 2]) == 2.5
    assert median([3, 1, 2]) == 2


def test_a_spread_names_the_smallest_and_the_largest_round() -> None:
    assert spread([3.0, 1.0, 2.0]) == Spread(2.0, 1.0, 3.0, 3)


@pytest.mark.parametrize("function", [lambda: percentile([], 50), lambda: median([]), lambda: spread([])])
def test_no_values_are_an_error(function: object) -> None:
    with pytest.raises(ValueError, match="no values"):
        function()  # type: ignore[operator]


@pytest.mark.parametrize("percent", [-1, 100.1])
def test_a_percentage_outside_0_to_100_is_an_error(percent: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 100"):
        percentile([1.0], percent)


@given(values=st.lists(st.floats(-1e9, 1e9), min_size=1), percent=st.floats(0, 100))
def test_at_least_the_percentage_of_values_lies_at_or_under_a_percentile(values: list[float], percent: float) -> None:
    value = percentile(values, percent)
    assert value in values
    assert sum(each <= value for each in values) >= len(values) * percent / 100 - 1e-9
