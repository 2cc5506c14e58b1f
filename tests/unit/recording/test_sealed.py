import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conclave.recording.keys import FileMasterKey, MasterKeyError
from conclave.recording.sealed import CHUNK_BYTES, MAGIC, Damaged, SealedReader, SealedWriter

MASTER = FileMasterKey(bytes(32), os.urandom)
KEY = bytes(range(32))
WRAPPED = MASTER.wrap(KEY, b"one")
HEAD = len(MAGIC) + 16 + 2 + len(WRAPPED)
TEXT = b"known plain text " * 40


def write(path: Path, *pieces: bytes, finish: bool = True) -> Path:
    writer = SealedWriter(path, b"one", KEY, WRAPPED)
    for piece in pieces:
        writer.write(piece)
        writer.flush()
    if finish:
        writer.finish()
    else:
        writer.abandon()
    return path


def read(path: Path) -> tuple[list[bytes], bool]:
    reader = SealedReader(path, b"one", MASTER)
    return list(reader.pieces()), reader.complete


def test_what_is_written_is_read_back_and_complete(tmp_path: Path) -> None:
    assert read(write(tmp_path / "a", b"one", b"two")) == ([b"one", b"two"], True)


def test_large_texts_are_cut_into_chunks(tmp_path: Path) -> None:
    pieces, complete = read(write(tmp_path / "a", bytes(3 * CHUNK_BYTES + 5)))
    assert [len(piece) for piece in pieces] == [CHUNK_BYTES] * 3 + [5]
    assert complete


def test_nothing_of_the_text_is_on_the_disk_and_only_its_user_may_read_it(tmp_path: Path) -> None:
    path = write(tmp_path / "a", TEXT)
    assert b"known plain" not in path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_same_text_looks_different_in_another_file(tmp_path: Path) -> None:
    one, two = write(tmp_path / "a", TEXT).read_bytes(), write(tmp_path / "b", TEXT).read_bytes()
    assert one[HEAD:] != two[HEAD:]


def test_what_was_flushed_is_readable_without_an_end_and_known_to_be_unfinished(tmp_path: Path) -> None:
    assert read(write(tmp_path / "a", b"one", b"two", finish=False)) == ([b"one", b"two"], False)


@given(cut=st.integers(1, 200))
def test_a_truncated_file_is_readable_up_to_its_last_whole_chunk_and_not_complete(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    path = write(tmp_path_factory.mktemp("cut") / "a", b"one", b"two", b"three", bytes(100))
    data = path.read_bytes()
    path.write_bytes(data[: max(HEAD, len(data) - cut)])
    pieces, complete = read(path)
    assert pieces == [b"one", b"two", b"three", bytes(100)][: len(pieces)]
    assert not complete


def chunks(data: bytes) -> list[bytes]:
    found, at = [], HEAD
    while at < len(data):
        size = 4 + (int.from_bytes(data[at : at + 4], "big") & ~(1 << 31)) + 16
        found.append(data[at : at + size])
        at += size
    return found


@pytest.mark.parametrize(
    "change",
    [
        lambda parts: [parts[1], parts[0], *parts[2:]],
        lambda parts: [parts[0], *parts[2:]],
        lambda parts: parts[1:],
        lambda parts: [parts[0], parts[0], *parts[1:]],
        lambda parts: [*parts, parts[0]],
        lambda parts: [*parts[:2], parts[3]],
        lambda parts: [bytes([parts[0][0] | 0x80]) + parts[0][1:]],
        lambda parts: [*parts[:3], bytes([parts[3][0] & 0x7F]) + parts[3][1:]],
        lambda parts: [b"\x7f\xff\xff\xff" + parts[0][4:]],
    ],
    ids=["exchanged", "removed", "beheaded", "repeated", "appended", "shortened", "final too soon", "final taken off", "huge"],
)
def test_chunks_that_were_moved_removed_or_marked_otherwise_are_detected(
    tmp_path: Path, change: Callable[[list[bytes]], list[bytes]]
) -> None:
    path = write(tmp_path / "a", b"one", b"two", b"three")
    data = path.read_bytes()
    path.write_bytes(data[:HEAD] + b"".join(change(chunks(data))))
    with pytest.raises(Damaged):
        read(path)


@pytest.mark.parametrize("at", range(0, 300, 7))
def test_every_changed_byte_is_detected(tmp_path: Path, at: int) -> None:
    path = write(tmp_path / "a", bytes(100), bytes(100))
    data = bytearray(path.read_bytes())
    at %= len(data)
    data[at] ^= 0x10
    path.write_bytes(data)
    try:
        _, complete = read(path)
    except (Damaged, MasterKeyError):
        return
    assert not complete


def test_a_file_cannot_stand_in_for_another_of_the_same_recording(tmp_path: Path) -> None:
    write(tmp_path / "a", b"one").rename(tmp_path / "b")
    with pytest.raises(Damaged):
        read(tmp_path / "b")


def test_another_key_opens_nothing(tmp_path: Path) -> None:
    path = write(tmp_path / "a", b"one")
    with pytest.raises(MasterKeyError):
        SealedReader(path, b"one", FileMasterKey(b"\x01" * 32, os.urandom))
    with pytest.raises(MasterKeyError):
        SealedReader(path, b"two", MASTER)


@pytest.mark.parametrize("data", [b"", b"CONCLREC\x01", b"\x1aE\xdf\xa3" + bytes(100)])
def test_what_is_no_recording_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a").write_bytes(data)
    with pytest.raises((Damaged, MasterKeyError)):
        read(tmp_path / "a")


def test_a_file_that_exists_is_never_overwritten(tmp_path: Path) -> None:
    write(tmp_path / "a", b"one")
    with pytest.raises(FileExistsError):
        write(tmp_path / "a", b"two")


def test_a_durable_file_reads_the_same(tmp_path: Path) -> None:
    writer = SealedWriter(tmp_path / "a", b"one", KEY, WRAPPED, durable=True)
    writer.write(b"text")
    writer.flush()
    writer.flush()
    writer.finish()
    assert read(tmp_path / "a") == ([b"text"], True)
