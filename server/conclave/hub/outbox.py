"""What waits to be sent on one connection. Bounded by count and bytes: who reads too slowly is dropped, nobody waits for it."""

from asyncio import Event
from collections import deque


class Outbox:
    """A queue of encoded frames with one reader, the task that writes to the socket."""

    def __init__(self, max_messages: int, max_bytes: int) -> None:
        self._max_messages = max_messages
        self._max_bytes = max_bytes
        self._frames: deque[bytes] = deque()
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

    def put(self, frame: bytes) -> bool:
        """Queue `frame`. Return False, and keep nothing at all, when that exceeds a bound; a finished outbox takes nothing."""
        if self._finished:
            return True
        if len(self._frames) >= self._max_messages or self._bytes + len(frame) > self._max_bytes:
            self.discard()
            return False
        self._frames.append(frame)
        self._bytes += len(frame)
        self._changed.set()
        return True

    def finish(self) -> None:
        """Take no more frames; the reader gets those that wait, then the end."""
        self._finished = True
        self._changed.set()

    def discard(self) -> None:
        """Drop what waits and end at once."""
        self._frames.clear()
        self._bytes = 0
        self.finish()

    async def take(self) -> list[bytes]:
        """Wait for frames and return all that are there, oldest first; an empty list is the end."""
        while not self._frames and not self._finished:
            self._changed.clear()
            await self._changed.wait()
        frames = list(self._frames)
        self._frames.clear()
        self._bytes = 0
        return frames
