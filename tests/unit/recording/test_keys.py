import os
import stat
from pathlib import Path

import pytest

from conclave.recording.keys import FileMasterKey, MasterKeyError, load_master_key

DATA_KEY = bytes(range(32))


def test_a_key_is_made_for_its_user_alone_and_is_the_same_next_time(tmp_path: Path) -> None:
    first = load_master_key(tmp_path / "key")
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    wrapped = first.wrap(DATA_KEY, b"one")
    assert load_master_key(tmp_path / "key").unwrap(wrapped, b"one") == DATA_KEY


def test_a_wrapped_key_shows_nothing_of_the_key_and_differs_each_time() -> None:
    master = FileMasterKey(bytes(32), os.urandom)
    assert DATA_KEY not in master.wrap(DATA_KEY, b"one")
    assert master.wrap(DATA_KEY, b"one") != master.wrap(DATA_KEY, b"one")
    assert repr(master).startswith("FileMasterKey(")
    assert bytes(32).hex() not in repr(master)


@pytest.mark.parametrize("at", [0, 7, 8, 19, 20, 50, 67])
def test_a_changed_wrapped_key_is_refused(at: int) -> None:
    master = FileMasterKey(bytes(32), os.urandom)
    wrapped = bytearray(master.wrap(DATA_KEY, b"one"))
    wrapped[at] ^= 1
    with pytest.raises(MasterKeyError):
        master.unwrap(bytes(wrapped), b"one")


def test_a_key_wrapped_for_another_recording_or_by_another_master_is_refused() -> None:
    master = FileMasterKey(bytes(32), os.urandom)
    wrapped = master.wrap(DATA_KEY, b"one")
    with pytest.raises(MasterKeyError):
        master.unwrap(wrapped, b"two")
    with pytest.raises(MasterKeyError, match="another master key"):
        FileMasterKey(bytes(31) + b"\x01", os.urandom).unwrap(wrapped, b"one")


@pytest.mark.parametrize("wrapped", [b"", b"short", bytes(20)])
def test_what_is_no_wrapped_key_is_refused(wrapped: bytes) -> None:
    with pytest.raises(MasterKeyError):
        FileMasterKey(bytes(32), os.urandom).unwrap(wrapped, b"one")


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    load_master_key(tmp_path / "key")
    (tmp_path / "key").chmod(0o640)
    with pytest.raises(MasterKeyError, match="chmod 600"):
        load_master_key(tmp_path / "key")


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_file_that_is_no_key_is_refused(tmp_path: Path, size: int) -> None:
    (tmp_path / "key").write_bytes(bytes(size))
    (tmp_path / "key").chmod(0o600)
    with pytest.raises(MasterKeyError, match="not a key"):
        load_master_key(tmp_path / "key")


def test_a_link_in_place_of_the_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / "key").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(MasterKeyError):
        load_master_key(tmp_path / "key")
    with pytest.raises(MasterKeyError, match="cannot be made"):
        load_master_key(tmp_path / "no such directory" / "key")
