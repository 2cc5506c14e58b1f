"""Files that are read again by a running server when they change."""

import asyncio
from abc import ABC, abstractmethod
from pathlib import Path

POLL_S = 5.0

Stamp = tuple[int, int, int]
ABSENT: Stamp = (0, 0, 0)


class FileWatch(ABC):
    """Looks at `files` every `poll_s` seconds and reloads once for each change, be it of one of several: one that fails because
    the others are still to come is made good at their change."""

    def __init__(self, *files: Path, poll_s: float = POLL_S) -> None:
        self._files = files
        self._poll_s = poll_s
        self._seen = self._stamps()
        self._handle: asyncio.TimerHandle | None = None

    def start(self) -> None:
        self._handle = asyncio.get_running_loop().call_later(self._poll_s, self._due)

    def stop(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def check(self) -> bool:
        """Reload if a file changed since last time; True when something new is in use."""
        stamps = self._stamps()
        if stamps == self._seen:
            return False
        self._seen = stamps
        return self._reload()

    @abstractmethod
    def _reload(self) -> bool:
        """Read the files, one of which may be gone; True when something new is in use."""

    def _due(self) -> None:
        self.check()
        self.start()

    def _stamps(self) -> tuple[Stamp, ...]:
        return tuple(_stamp(path) for path in self._files)


def _stamp(path: Path) -> Stamp:
    try:
        status = path.stat()
    except OSError:
        return ABSENT
    return status.st_mtime_ns, status.st_size, status.st_ino
