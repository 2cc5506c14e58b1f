"""Figures: what a run found, as a table for people and as JSON lines for comparison."""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple, TextIO

from rich.console import Console
from rich.table import Table

from bench.summary import percentile, spread

_TABLE_COLUMNS = 110
_PERCENTILE = re.compile(r"_p\d+$")

Rounds = list[dict[str, tuple[float, str]]]
"""Of each round: name -> (value, unit)."""


class Figure(NamedTuple):
    """One comparable number: the median of `n` rounds with the smallest and the largest, or one value over `n` samples."""

    scenario: str
    name: str
    value: float
    unit: str
    n: int
    low: float | None = None
    high: float | None = None

    def as_json(self) -> str:
        line: dict[str, object] = {
            "scenario": self.scenario,
            "name": self.name,
            "value": round(self.value, 4),
            "unit": self.unit,
            "n": self.n,
        }
        if self.low is not None and self.high is not None:
            line["spread"] = [round(self.low, 4), round(self.high, 4)]
        return json.dumps(line)


def percentile_figures(scenario: str, name: str, values: list[float], unit: str) -> list[Figure]:
    """Return p50, p95 and p99 of one series; nothing for an empty one."""
    if not values:
        return []
    return [Figure(scenario, f"{name}_p{p}", percentile(values, p), unit, len(values)) for p in (50, 95, 99)]


def round_figures(scenario: str, rounds: Rounds) -> list[Figure]:
    """Return the median and the range over rounds of every name, in the order of its first appearance."""
    names = list(dict.fromkeys(name for each in rounds for name in each))
    figures = []
    for name in names:
        values = [each[name][0] for each in rounds if name in each]
        unit = next(each[name][1] for each in rounds if name in each)
        over = spread(values)
        figures.append(Figure(scenario, name, over.median, unit, over.n, over.low, over.high))
    return figures


def write_json(figures: Iterable[Figure], conditions: Mapping[str, object], path: Path) -> None:
    """Append one line with the conditions of the run and one line for each figure."""
    with path.open("a", encoding="utf-8") as out:
        out.write(json.dumps({"conditions": dict(conditions)}) + "\n")
        out.writelines(figure.as_json() + "\n" for figure in figures)


def print_table(figures: Iterable[Figure], title: str, out: TextIO | None = None) -> None:
    """Print one row a figure; the percentiles of one series share a row."""
    table = Table(title=title, title_justify="left")
    for heading in ("figure", "value", "unit", "min–max", "n"):
        table.add_column(heading, justify="left" if heading in ("figure", "unit") else "right")
    for name, group in _by_series(figures).items():
        first = group[0]
        if len(group) > 1:
            table.add_row(name, " / ".join(number(figure.value) for figure in group), first.unit, _range(group), str(first.n))
        else:
            table.add_row(first.name, number(first.value), first.unit, _range(group), str(first.n))
    console = Console(file=out)
    if not console.is_terminal:
        console = Console(file=out, width=_TABLE_COLUMNS)
    console.print(table)


def _by_series(figures: Iterable[Figure]) -> dict[str, list[Figure]]:
    """Group what differs only in its percentile; the group's name tells which, in order: "latency p50 / p99"."""
    groups: dict[str, list[Figure]] = {}
    for figure in figures:
        groups.setdefault(_PERCENTILE.sub("", figure.name), []).append(figure)
    return {
        stem if len(group) == 1 else f"{stem} {' / '.join(figure.name[len(stem) + 1 :] for figure in group)}": group
        for stem, group in groups.items()
    }


def _range(group: list[Figure]) -> str:
    ranges = [(figure.low, figure.high) for figure in group]
    return " / ".join(
        f"{number(low)}–{number(high)}" for low, high in ranges if low is not None and high is not None and group[0].n > 1
    )


def number(value: float) -> str:
    """Return a value with about three significant digits, whole numbers as they are."""
    if value == int(value) or abs(value) >= 1000:
        return f"{value:,.0f}"
    if abs(value) >= 99:
        return f"{value:.3f}" if abs(value) < 100 else f"{value:.1f}"
    return f"{value:.2f}" if abs(value) >= 1 else f"{value:.3f}"
