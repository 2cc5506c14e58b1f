import os
from pathlib import Path

import pytest
from tests.support.accounts import an_account

from conclave.store.database import StoreError
from conclave.store.stores import FILE, Look, Stores, look, url_of


def test_without_an_address_the_file_lies_in_the_state_directory(tmp_path: Path) -> None:
    assert url_of("", tmp_path).database == str(tmp_path / FILE)
    assert url_of("postgresql://u@h/d", tmp_path).database == "d"


async def test_what_was_kept_is_there_after_a_restart(tmp_path: Path) -> None:
    account = an_account()
    first = await Stores.open("", tmp_path)
    await first.accounts.add(account)
    await first.close()
    second = await Stores.open("", tmp_path)
    assert await second.accounts.by_id(account.user_id) == account
    await second.close()


async def test_a_store_that_cannot_be_opened_leaves_no_descriptor(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"this is no database" * 100)
    (tmp_path / FILE).chmod(0o600)
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(Exception, match=r"store|database"):
        await Stores.open("", tmp_path)
    assert len(os.listdir("/proc/self/fd")) == before


async def test_a_look_says_which_version_is_there_and_which_is_needed(tmp_path: Path) -> None:
    seen = await look("", tmp_path)
    assert (seen.version, seen.has_administrator) == (None, False)
    await (await Stores.open("", tmp_path)).close()
    assert await look("", tmp_path) == Look(seen.needed, seen.needed, False)


async def test_a_bad_address_is_refused_before_anything_is_opened(tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        await Stores.open("oracle://x", tmp_path)
    assert list(tmp_path.iterdir()) == []
