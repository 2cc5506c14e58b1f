import asyncio
import stat
from pathlib import Path

import pytest

from conclave.app.recordings import DIRECTORY, KEY_FILE, in_loop, open_shelf
from conclave.model.ids import RecordingId
from conclave.recording.keys import MasterKeyError

ONE = RecordingId("r" * 16)


def test_the_master_key_is_made_at_the_first_start_beside_the_recordings(tmp_path: Path) -> None:
    assert open_shelf(tmp_path).ids() == []
    assert stat.S_IMODE((tmp_path / KEY_FILE).stat().st_mode) == 0o600
    assert not (tmp_path / DIRECTORY).exists()


def test_a_master_key_that_others_can_read_keeps_the_server_from_starting(tmp_path: Path) -> None:
    open_shelf(tmp_path)
    (tmp_path / KEY_FILE).chmod(0o644)
    with pytest.raises(MasterKeyError):
        open_shelf(tmp_path)


async def test_another_thread_reaches_the_loop() -> None:
    heard: asyncio.Queue[RecordingId] = asyncio.Queue()
    tell = in_loop(asyncio.get_running_loop(), lambda recording_id, _: heard.put_nowait(recording_id))
    await asyncio.to_thread(tell, ONE, OSError())
    assert await asyncio.wait_for(heard.get(), 5) == ONE


def test_a_loop_that_is_closed_is_left_alone() -> None:
    loop = asyncio.new_event_loop()
    loop.close()
    in_loop(loop, lambda *_: None)(ONE, OSError())
