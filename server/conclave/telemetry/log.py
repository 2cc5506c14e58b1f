"""Structured logs: one JSON object a line, redacted, written by a thread so that a slow disk never holds up the loop.

When the queue is full, lines are dropped and counted; the next line that fits says how many were lost.
"""

import logging
import os
import sys
import threading
from pathlib import Path
from queue import Empty, Full, Queue
from typing import Any

import msgspec
import structlog

from conclave.telemetry.redaction import redact

QUEUE_LINES = 10_000
LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}

_encode = msgspec.json.Encoder().encode


class LineWriter:
    """A queue of lines and the thread that writes them to a file descriptor."""

    def __init__(self, path: str = "", capacity: int = QUEUE_LINES) -> None:
        """`path` "" means standard error. Raises OSError when the file cannot be opened; it is made with mode 0600."""
        self._owned = bool(path)
        self._fd = os.open(Path(path), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600) if path else sys.stderr.fileno()
        self._queue: Queue[bytes | None] = Queue(capacity)
        self._dropped = 0
        self._thread = threading.Thread(target=self._run, name="conclave-log", daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> int:
        """Lines lost because the queue was full or the file refused them."""
        return self._dropped

    def write(self, line: bytes) -> None:
        """Queue one line without its end; never blocks."""
        try:
            self._queue.put_nowait(line)
        except Full:
            self._dropped += 1

    def close(self) -> None:
        """Write what is queued, stop the thread, close the file."""
        self._queue.put(None)
        self._thread.join(timeout=5)
        if self._owned:
            os.close(self._fd)

    def _run(self) -> None:
        while (line := self._queue.get()) is not None:
            lines, stopping = [line], False
            while len(lines) < 256 and not stopping:
                try:
                    following = self._queue.get_nowait()
                except Empty:
                    break
                if following is None:
                    stopping = True
                else:
                    lines.append(following)
            self._write(b"\n".join(lines) + b"\n", len(lines))
            if stopping:
                return

    def _write(self, data: bytes, lines: int) -> None:
        try:
            while data:
                data = data[os.write(self._fd, data) :]
        except OSError:
            self._dropped += lines


class _LineLogger:
    """What structlog calls with the finished line."""

    def __init__(self, writer: LineWriter) -> None:
        self._writer = writer

    def msg(self, line: bytes) -> None:
        self._writer.write(line)

    debug = info = warning = error = critical = exception = fatal = log = msg


class _Bridge(logging.Handler):
    """Brings the records of libraries into the same lines."""

    def emit(self, record: logging.LogRecord) -> None:
        fields: dict[str, Any] = {"logger": record.name}
        if record.exc_info and record.exc_info[0] is not None:
            fields["exc_info"] = record.exc_info
        structlog.get_logger().log(_level(record.levelno), record.getMessage(), **fields)


def _level(number: int) -> int:
    return max(level for level in (logging.DEBUG, *LEVELS.values(), logging.CRITICAL) if level <= max(number, logging.DEBUG))


def _render(_logger: Any, _method: str, event: Any) -> bytes:
    return _encode(event)


def configure_logging(level: str, writer: LineWriter) -> None:
    """Send structlog and the standard logging module through `writer` from `level` ("debug" ... "error") up."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.ExceptionRenderer(),
            redact,
            _render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=lambda *_: _LineLogger(writer),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers[:] = [_Bridge()]
    root.setLevel(max(LEVELS[level], logging.WARNING))
