"""The audit log as a file of JSON lines that only grows: {"id", "time", "type", "meeting_id", ...}, one record a line.

A record is one write(2) on a descriptor opened with O_APPEND, and with O_DSYNC when it must survive a power failure; so it is
durable when `record` returns, and a crash leaves at most one torn last line, which the next start ends.
"""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from conclave.model.errors import Unavailable
from conclave.model.ids import Entropy, new_id
from conclave.ports.audit import AuditEvent

FILE_MODE = 0o600
DOOR = "audit"

_encode = msgspec.json.Encoder(order="deterministic").encode


class AuditLog:
    """ports.AuditSink on a file."""

    def __init__(self, path: Path, *, durable: bool, wall: Callable[[], float], entropy: Entropy = os.urandom) -> None:
        """Open or make `path` with mode 0600; `durable` waits for the disk at each record. Raises Unavailable."""
        self._wall = wall
        self._entropy = entropy
        self._failed = False
        self.records = 0
        """Records written since the start."""
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | (os.O_DSYNC if durable else 0)
        try:
            self._fd = os.open(path, flags, FILE_MODE)
        except OSError as error:
            raise Unavailable(DOOR, f"{path} cannot be opened: {error.strerror}") from None
        self._end_torn_line()

    def record(self, event: AuditEvent) -> None:
        """Append one record. Raises Unavailable when it could not be written whole; a later call tries again."""
        fields = {name: value for name, value in msgspec.structs.asdict(event).items() if value is not None}
        fields["details"] = dict(event.details)
        line = _encode({"id": new_id(self._entropy), "time": self._time(), **fields}) + b"\n"
        try:
            if self._failed:
                self._end_torn_line()
            written = os.write(self._fd, line)
        except OSError as error:
            self._failed = True
            raise Unavailable(DOOR, error.strerror or "write failed") from None
        if written != len(line):
            self._failed = True
            raise Unavailable(DOOR, "the record was cut short")
        self._failed = False
        self.records += 1

    def check(self) -> None:
        """Raise Unavailable when the last write failed, or the file system is full or read-only."""
        try:
            space = os.fstatvfs(self._fd)
        except OSError as error:
            raise Unavailable(DOOR, error.strerror or "closed") from None
        if self._failed or space.f_flag & os.ST_RDONLY or space.f_bavail == 0:
            raise Unavailable(DOOR, "cannot be written")

    def close(self) -> None:
        os.close(self._fd)

    def _time(self) -> str:
        return datetime.fromtimestamp(self._wall(), UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")

    def _end_torn_line(self) -> None:
        size = os.fstat(self._fd).st_size
        if size and os.pread(self._fd, 1, size - 1) != b"\n":
            os.write(self._fd, b"\n")
