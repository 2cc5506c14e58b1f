import asyncio
from pathlib import Path

from conclave.edge.file_watch import FileWatch


class Counting(FileWatch):
    def __init__(self, *files: Path, poll_s: float = 5.0) -> None:
        super().__init__(*files, poll_s=poll_s)
        self.reloads = 0
        self.reloaded = asyncio.Event()

    def _reload(self) -> bool:
        self.reloads += 1
        self.reloaded.set()
        return all(path.exists() for path in self._files)


def test_each_change_of_one_of_the_files_reloads_once(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("a")
    watch = Counting(one, two)
    assert not watch.check()
    one.write_text("longer")
    assert not watch.check()
    two.write_text("there now")
    assert watch.check()
    assert not watch.check()
    one.unlink()
    assert not watch.check()
    assert watch.reloads == 3


def test_without_files_nothing_ever_changes() -> None:
    watch = Counting()
    assert not watch.check()
    assert watch.reloads == 0


async def test_the_files_are_looked_at_by_themselves_until_the_watch_is_stopped(tmp_path: Path) -> None:
    watch = Counting(tmp_path / "one", poll_s=0.001)
    watch.start()
    (tmp_path / "one").write_text("new")
    await asyncio.wait_for(watch.reloaded.wait(), 20)
    watch.stop()
    watch.stop()
