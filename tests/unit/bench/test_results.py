import io
import json
from pathlib import Path

from bench.results import Figure, number, percentile_figures, print_table, round_figures, write_json


def test_rounds_become_median_and_range() -> None:
    rounds = [{"delivery": (100.0, "%")}, {"delivery": (98.0, "%")}, {"delivery": (99.0, "%"), "late": (1.0, "ms")}]
    assert round_figures("webinar", rounds) == [
        Figure("webinar", "delivery", 99.0, "%", 3, 98.0, 100.0),
        Figure("webinar", "late", 1.0, "ms", 1, 1.0, 1.0),
    ]


def test_a_series_becomes_three_percentiles() -> None:
    figures = percentile_figures("join", "join_total", [float(value) for value in range(1, 101)], "ms")
    assert [(figure.name, figure.value, figure.n) for figure in figures] == [
        ("join_total_p50", 50.0, 100),
        ("join_total_p95", 95.0, 100),
        ("join_total_p99", 99.0, 100),
    ]
    assert percentile_figures("join", "join_total", [], "ms") == []


def test_json_lines_are_appended_conditions_first(tmp_path: Path) -> None:
    path = tmp_path / "figures.jsonl"
    for _ in range(2):
        write_json([Figure("webinar", "delivery", 99.98765432, "%", 3, 99.9, 100.0)], {"subscribers": 100}, path)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert (
        lines[:2]
        == lines[2:]
        == [
            {"conditions": {"subscribers": 100}},
            {"scenario": "webinar", "name": "delivery", "value": 99.9877, "unit": "%", "n": 3, "spread": [99.9, 100.0]},
        ]
    )


def test_the_table_shows_a_range_only_for_several_rounds() -> None:
    out = io.StringIO()
    print_table(
        [Figure("webinar", "delivery", 99.95, "%", 1, 99.95, 99.95), Figure("webinar", "latency", 2.0, "ms", 3, 1.5, 2.5)],
        "webinar",
        out,
    )
    delivery, latency = (next(line for line in out.getvalue().splitlines() if name in line) for name in ("delivery", "latency"))
    assert "99.950" in delivery
    assert "–" not in delivery
    assert "1.50–2.50" in latency


def test_numbers_keep_what_matters() -> None:
    assert [number(value) for value in (100.0, 99.9512, 17_012.4, 4.126, 0.0451, 0.0)] == [
        "100", "99.951", "17,012", "4.13", "0.045", "0",
    ]  # fmt: skip


def test_the_percentiles_of_a_series_share_a_row() -> None:
    out = io.StringIO()
    print_table(percentile_figures("join", "join_total", [1.0, 2.0, 3.0], "ms"), "join", out)
    (row,) = (line for line in out.getvalue().splitlines() if "join_total" in line)
    assert "join_total p50 / p95 / p99" in row
    assert "2 / 3 / 3" in row
