import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from conclave.telemetry.log import LineWriter, configure_logging


@pytest.fixture(autouse=True)
def restore_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_each_event_is_one_json_line_with_time_and_level(tmp_path: Path) -> None:
    writer = LineWriter(str(tmp_path / "log"))
    configure_logging("info", writer)
    structlog.get_logger().info("started", lanes=2)
    structlog.get_logger().debug("unseen")
    writer.close()
    (line,) = lines(tmp_path / "log")
    assert line["event"] == "started"
    assert line["level"] == "info"
    assert line["lanes"] == 2
    assert str(line["timestamp"]).endswith("Z")


def test_secrets_do_not_reach_the_file(tmp_path: Path) -> None:
    writer = LineWriter(str(tmp_path / "log"))
    configure_logging("info", writer)
    structlog.get_logger().info("hello", token="abc", peer="seen at 192.0.2.9")
    writer.close()
    text = (tmp_path / "log").read_text()
    assert "abc" not in text
    assert "192.0.2.9" not in text


def test_records_of_libraries_come_as_the_same_lines(tmp_path: Path) -> None:
    writer = LineWriter(str(tmp_path / "log"))
    configure_logging("info", writer)
    try:
        raise ValueError("from 192.0.2.9")
    except ValueError:
        logging.getLogger("aiohttp.server").exception("failed for %s", "Bearer abcdefghijkl")
    writer.close()
    (line,) = lines(tmp_path / "log")
    assert line["logger"] == "aiohttp.server"
    assert line["level"] == "error"
    assert "ValueError" in str(line["exception"])
    assert "192.0.2.9" not in str(line)
    assert "abcdefghijkl" not in str(line)


def test_the_file_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    LineWriter(str(tmp_path / "log")).close()
    assert (tmp_path / "log").stat().st_mode & 0o777 == 0o600


def test_a_full_queue_drops_and_counts_and_never_blocks(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    writer = LineWriter(str(tmp_path / "pipe"), capacity=4)
    for _ in range(2_000):
        writer.write(b"x" * 1_000)
    assert writer.dropped > 0
    os.close(reader)
    writer.close()


def test_a_file_that_cannot_be_opened_is_an_error_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="absent"):
        LineWriter(str(tmp_path / "absent" / "log"))
