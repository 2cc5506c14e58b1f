"""The audit log as a file of JSON lines that only grows: {"id", "time", "type", "meeting_id", ...}, one record a line.

The records of one action are one write(2) on a descriptor opened with O_APPEND, and with O_DSYNC when they must survive a power
failure; so they are durable when `record` returns, and a crash leaves at most one torn last line, which the next start ends.

At `max_bytes`, and with the first record of a day (UTC), the file gets a number (audit.000001.jsonl) and a new one takes its
place. The old file gets its second name before the new one replaces it, so at no moment is a record without a file.
"""

import os
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from conclave.model.errors import Unavailable
from conclave.model.ids import Entropy, new_id
from conclave.ports.audit import AuditEvent

FILE_MODE = 0o600
DOOR = "audit"
MAX_BYTES = 64 * 1024 * 1024
MAX_RECORD_BYTES = 16_384
"""Of the last record, as far as it is read to learn of which day a file is."""

_encode = msgspec.json.Encoder(order="deterministic").encode


class AuditLog:
    """ports.AuditSink on a file."""

    def __init__(
        self,
        path: Path,
        *,
        durable: bool,
        wall: Callable[[], float],
        entropy: Entropy = os.urandom,
        max_bytes: int = MAX_BYTES,
        rotates: bool = True,
    ) -> None:
        """Open or make `path` with mode 0600; `durable` waits for the disk at each record; without `rotates` the file is left to
        the server that may have it open. Raises Unavailable."""
        self._path = path
        self._wall = wall
        self._entropy = entropy
        self._failed = False
        self._max_bytes = self._full_at = max_bytes
        self._rotates = rotates
        self.records = 0
        """Records written since the start."""
        self.rotations = 0
        self.rotation_failures = 0
        self._flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | (os.O_DSYNC if durable else 0)
        try:
            self._fd = os.open(path, self._flags, FILE_MODE)
        except OSError as error:
            raise Unavailable(DOOR, f"{path} cannot be opened: {error.strerror}") from None
        self._size = self._end_torn_line()
        self._day = _last_day(self._fd, self._size)

    def record(self, *events: AuditEvent) -> None:
        """Append the records of one action. Raises Unavailable when they could not be written whole; then none of them is in the
        file, and a later call tries again."""
        time = self._time()
        lines = b"".join(self._line(event, time) for event in events)
        self._rotate_if_due(time[:10], len(lines))
        try:
            if self._failed:
                self._size = self._end_torn_line()
            written = os.write(self._fd, lines)
            if written != len(lines):
                self._failed = True
                self._take_back(lines[:written])
        except OSError as error:
            self._failed = True
            raise Unavailable(DOOR, error.strerror or "write failed") from None
        if written != len(lines):
            raise Unavailable(DOOR, "the record was cut short")
        self._failed = False
        self._size += written
        self.records += len(events)

    def counts(self) -> Mapping[str, int]:
        """Return totals since the start."""
        return {"records": self.records, "rotations": self.rotations, "rotation_failures": self.rotation_failures}

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

    def _rotate_if_due(self, day: str, upcoming_bytes: int) -> None:
        """Begin a new file where it is time. When that fails the old one goes on, and the next try waits for as much again."""
        another_day = bool(self._day) and day != self._day
        self._day = day
        if not self._rotates or not self._size or not (another_day or self._size + upcoming_bytes > self._full_at):
            return
        try:
            self._rotate()
        except OSError:
            self.rotation_failures += 1
            self._full_at = self._size + self._max_bytes
        else:
            self.rotations += 1
            self._full_at = self._max_bytes

    def _rotate(self) -> None:
        upcoming = self._path.with_name(f"{self._path.name}.next")
        upcoming.unlink(missing_ok=True)
        fd = os.open(upcoming, self._flags | os.O_EXCL, FILE_MODE)
        try:
            numbered = _numbered(self._path)
            if not numbered or not numbered[-1].samefile(self._path):
                number = _number(numbered[-1], self._path) + 1 if numbered else 1
                os.link(self._path, self._path.with_name(f"{self._path.stem}.{number:06}{self._path.suffix}"))
            upcoming.replace(self._path)
            _sync(self._path.parent)
        except OSError:
            os.close(fd)
            upcoming.unlink(missing_ok=True)
            raise
        os.close(self._fd)
        self._fd, self._size = fd, 0

    def _line(self, event: AuditEvent, time: str) -> bytes:
        fields = {name: value for name, value in msgspec.structs.asdict(event).items() if value is not None}
        fields["details"] = dict(event.details)
        return _encode({"id": new_id(self._entropy), "time": time, **fields}) + b"\n"

    def _take_back(self, written: bytes) -> None:
        """Cut off the beginning of records that were not written whole, unless another process has written after it."""
        start = os.fstat(self._fd).st_size - len(written)
        if os.pread(self._fd, len(written), start) == written:
            os.ftruncate(self._fd, start)

    def _time(self) -> str:
        return datetime.fromtimestamp(self._wall(), UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")

    def _end_torn_line(self) -> int:
        """Return the size of the file, whose last line is whole then."""
        size = os.fstat(self._fd).st_size
        if size and os.pread(self._fd, 1, size - 1) != b"\n":
            size += os.write(self._fd, b"\n")
        return size


def _numbered(path: Path) -> list[Path]:
    """Return the files that rotations left beside `path`, the oldest first."""
    name = re.compile(rf"{re.escape(path.stem)}\.\d{{6,}}{re.escape(path.suffix)}")
    found = [other for other in path.parent.iterdir() if name.fullmatch(other.name)]
    return sorted(found, key=lambda other: _number(other, path))


def _number(numbered: Path, path: Path) -> int:
    return int(numbered.name.removeprefix(f"{path.stem}.").removesuffix(path.suffix))


def _sync(directory: Path) -> None:
    """Make new names in `directory` durable."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _last_day(fd: int, size: int) -> str:
    """Return the UTC day of the last whole record, "" when there is none."""
    octets = os.pread(fd, MAX_RECORD_BYTES, max(0, size - MAX_RECORD_BYTES))
    for line in reversed(octets.splitlines()):
        try:
            return str(msgspec.json.decode(line)["time"])[:10]
        except (msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError):
            continue
    return ""
