"""Where a server keeps its recordings, and how the recorder's thread reaches the event loop."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from conclave.model.ids import RecordingId
from conclave.recording.keys import load_master_key
from conclave.recording.shelf import Shelf

DIRECTORY = "recordings"
KEY_FILE = "recordings.key"

Failed = Callable[[RecordingId, BaseException], None]


def open_shelf(state: Path) -> Shelf:
    """Return the recordings in a state directory, with their master key, made at the first start. Raises MasterKeyError."""
    return Shelf(state / DIRECTORY, load_master_key(state / KEY_FILE))


def in_loop(loop: asyncio.AbstractEventLoop, failed: Failed) -> Failed:
    """Return a function for other threads that calls `failed` in the loop; nothing happens once the loop is closed."""

    def call(recording_id: RecordingId, error: BaseException) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(failed, recording_id, error)

    return call
