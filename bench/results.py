"""Figures: what a run found, as a table for people and as JSON lines for comparison."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple, TextIO

from rich.console import Console
from rich.table import Table

from bench.summary import percentile, spread

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
    table = Table(title=title, title_justify="left")
    table.add_column("figure")
    table.add_column("value", justify="right")
    table.add_column("unit")
    table.add_column("min–max", justify="right")
    table.add_column("n", justify="right")
    for figure in figures:
        between = "" if figure.low is None or figure.n < 2 else f"{number(figure.low)}–{number(figure.high or 0.0)}"
        table.add_row(figure.name, number(figure.value), figure.unit, between, str(figure.n))
    Console(file=out).print(table)


def number(value: float) -> str:
    """Return a value with about three significant digits, whole numbers as they are."""
    if value == int(value) or abs(value) >= 1000:
        return f"{value:,.0f}"
    if abs(value) >= 99:
        return f"{value:.3f}" if abs(value) < 100 else f"{value:.1f}"
    return f"{value:.2f}" if abs(value) >= 1 else f"{value:.3f}"
