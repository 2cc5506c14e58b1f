import asyncio
from pathlib import Path

import pytest
from tests.support.accounts import an_account
from tests.support.live import settings_in

from conclave.cli import account_check
from conclave.cli.account_check import check_accounts
from conclave.cli.findings import Level
from conclave.model.accounts import Account, SystemRole
from conclave.store.stores import FILE, Look, Stores


def levels(directory: Path, url: str = "") -> list[tuple[Level, str]]:
    return [(finding.level, finding.text) for finding in check_accounts(settings_in(directory, {"store": {"url": url}}))]


def test_a_first_start_is_announced_and_the_command_for_an_administrator_named(tmp_path: Path) -> None:
    found = levels(tmp_path)
    assert [level for level, _ in found] == [Level.OK, Level.WARNING]
    assert "conclave admin create" in found[1][1]


@pytest.mark.parametrize(
    ("account", "expected"),
    [
        (None, [Level.OK, Level.WARNING]),
        (an_account(), [Level.OK, Level.WARNING]),
        (an_account(role=SystemRole.ADMIN, active=False), [Level.OK, Level.WARNING]),
        (an_account(role=SystemRole.ADMIN), [Level.OK]),
    ],
)
def test_a_database_in_order_is_ok_but_somebody_must_administer(
    tmp_path: Path, account: Account | None, expected: list[Level]
) -> None:
    directory = Path(settings_in(tmp_path).state.directory)
    directory.mkdir(mode=0o700)
    asyncio.run(_open_with(directory, account))
    assert [level for level, _ in levels(tmp_path)] == expected


async def _open_with(directory: Path, account: Account | None) -> None:
    stores = await Stores.open("", directory)
    if account is not None:
        await stores.accounts.add(account)
    await stores.close()


def test_looking_makes_no_file(tmp_path: Path) -> None:
    found = levels(tmp_path, f"sqlite:///{tmp_path / 'elsewhere.db'}")
    assert [level for level, _ in found] == [Level.OK, Level.WARNING]
    assert not (tmp_path / "elsewhere.db").exists()


def test_an_empty_database_gets_its_schema_at_the_start(tmp_path: Path) -> None:
    directory = Path(settings_in(tmp_path).state.directory)
    directory.mkdir(mode=0o700)
    (directory / FILE).touch(mode=0o600)
    assert "empty" in levels(tmp_path)[0][1]


@pytest.mark.parametrize("url", ["mysql://u:secret@h/d", "nonsense", "postgresql://u:secret@127.0.0.1:1/d"])
def test_what_is_wrong_is_an_error_without_the_password(tmp_path: Path, url: str) -> None:
    found = levels(tmp_path, url)
    assert [level for level, _ in found] == [Level.ERROR]
    assert "secret" not in found[0][1]


def test_a_database_elsewhere_without_a_verified_certificate_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def elsewhere(_url: str, _directory: Path) -> Look:
        return Look("1", "1", has_administrator=True, exposed=True)

    monkeypatch.setattr(account_check, "look", elsewhere)
    (schema, exposed) = levels(tmp_path)
    assert (schema[0], exposed[0]) == (Level.OK, Level.WARNING)
    assert "verify-full" in exposed[1]
