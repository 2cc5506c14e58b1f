"""What waits to be sent on one connection. Bounded by count and bytes: who reads too slowly is dropped, nobody waits for it."""

from asyncio import Event
from collections.abc import Hashable


class Outbox:
    """A queue of encoded frames with one reader, the task that writes to the socket. A frame of a kind drives out one of the
    same kind that still waits: of what is told as a whole at each change only the latest is worth sending."""

    def __init__(self, max_messages: int, max_bytes: int) -> None:
        self._max_messages = max_messages
        self._max_bytes = max_bytes
        self._frames: dict[int, bytes] = {}
        self._number = 0
        self._waiting: dict[Hashable, int] = {}
        self._bytes = 0
        self._finished = False
        self._changed = Event()

    def __len__(self) -> int:
        return len(self._frames)

    @property
    def size_bytes(self) -> int:
        return self._bytes

    @property
    def finished(self) -> bool:
        return self._finished

    def put(self, frame: bytes, kind: Hashable | None = None) -> bool:
        """Queue `frame`. Return False, and keep nothing at all, when that exceeds a bound; a finished outbox takes nothing."""
        if self._finished:
            return True
        if kind is not None:
            self._bytes -= len(self._frames.pop(self._waiting.get(kind, -1), b""))
            self._waiting[kind] = self._number
        if len(self._frames) >= self._max_messages or self._bytes + len(frame) > self._max_bytes:
            self.discard()
            return False
        self._frames[self._number] = frame
        self._number += 1
        self._bytes += len(frame)
        self._changed.set()
        return True

    def finish(self) -> None:
        """Take no more frames; the reader gets those that wait, then the end."""
        self._finished = True
        self._changed.set()

    def discard(self) -> None:
        """Drop what waits and end at once."""
        self._empty()
        self.finish()

    async def take(self) -> list[bytes]:
        """Wait for frames and return all that are there, oldest first; an empty list is the end."""
        while not self._frames and not self._finished:
            self._changed.clear()
            await self._changed.wait()
        frames = list(self._frames.values())
        self._empty()
        return frames

    def _empty(self) -> None:
        self._frames.clear()
        self._waiting.clear()
        self._bytes = 0
