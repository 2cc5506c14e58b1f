"""Revoked invitations in a file of JSON lines that only grows: {"jti", "until"}, one revocation a line.

It is written in the loop's thread, like the audit log, because a revocation must be durable before anyone sees its result and
meetings do not wait for a database. A start drops what has expired; a crash leaves at most one torn last line, which is skipped.
"""

import os
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec
from msgspec import Struct

from conclave.model.errors import Unavailable

FILE_MODE = 0o600
DOOR = "revocations"


class Line(Struct, frozen=True):
    """`until` is the Unix time after which the invitation has expired anyway."""

    jti: str
    until: float


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Line).decode


class RevocationFile:
    """ports.revocations.RevocationStore on a file. `close` it."""

    def __init__(self, path: Path, *, durable: bool, wall: Callable[[], float]) -> None:
        """Read what still matters and write it anew with mode 0600; `durable` waits for the disk. Raises Unavailable."""
        self._kept: dict[str, float] = {}
        upcoming = path.with_name(f"{path.name}.next")
        try:
            for line in _lines(path):
                if line.until > wall():
                    self._kept[line.jti] = max(line.until, self._kept.get(line.jti, 0.0))
            upcoming.unlink(missing_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | (os.O_DSYNC if durable else 0)
            self._fd = os.open(upcoming, flags, FILE_MODE)
            self._write(b"".join(_encode(Line(jti, until)) + b"\n" for jti, until in self._kept.items()))
            upcoming.replace(path)
            if durable:
                _sync(path.parent)
        except OSError as error:
            raise Unavailable(DOOR, f"{path} cannot be used: {error.strerror}") from None

    def keep(self, jti: str, expires_at_s: float) -> None:
        """Make a revocation durable before returning. Raises Unavailable when it could not be written whole."""
        try:
            self._write(_encode(Line(jti, expires_at_s)) + b"\n")
        except OSError as error:
            raise Unavailable(DOOR, error.strerror or "write failed") from None

    def kept(self) -> Iterable[tuple[str, float]]:
        """Return what was kept before this start."""
        return tuple(self._kept.items())

    def close(self) -> None:
        os.close(self._fd)

    def _write(self, octets: bytes) -> None:
        if octets and os.write(self._fd, octets) != len(octets):
            os.write(self._fd, b"\n")
            raise Unavailable(DOOR, "the record was cut short")


def _sync(directory: Path) -> None:
    """Make a new name in `directory` durable: what is appended from now on belongs to it."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _lines(path: Path) -> Iterable[Line]:
    try:
        octets = path.read_bytes()
    except FileNotFoundError:
        return
    for line in octets.splitlines():
        try:
            yield _decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
