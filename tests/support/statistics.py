"""Is one kind of sample larger than another?"""

from collections.abc import Sequence


def superiority(ones: Sequence[float], others: Sequence[float]) -> float:
    """Return the probability that one of `ones` is larger than one of `others` (Mann-Whitney U, scaled to 0 to 1).

    It is 0.5 when nobody can tell them apart, whatever their distributions; load that falls on both moves it little.
    """
    wins = sum(1.0 if one > other else 0.5 if one == other else 0.0 for one in ones for other in others)
    return wins / (len(ones) * len(others))
