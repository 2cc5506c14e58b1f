import io
import json
import stat
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.support.account_client import PASSWORD, call, log_in
from tests.support.live import Live, settings_in

from conclave.app.token_keys import load_ring
from conclave.cli.administrator import create_administrator, read_password, rotate_keys
from conclave.model.errors import Refused, Unavailable


def test_an_administrator_made_by_command_can_log_in_and_administer(tmp_path: Path) -> None:
    import asyncio

    settings = settings_in(tmp_path)
    assert create_administrator(settings, "Root", PASSWORD) == "root"
    assert stat.S_IMODE((Path(settings.state.directory) / "conclave.db").stat().st_mode) == 0o600

    async def use() -> None:
        live = await Live.start(tmp_path)
        try:
            body = (await log_in(live, "root")).body
            assert (await call(live, "GET", "/users", token=body["access_token"])).status == 200
        finally:
            await live.stop()

    asyncio.run(use())


def test_a_taken_name_and_a_weak_password_are_refused(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    create_administrator(settings, "root", PASSWORD)
    for name, password in (("ROOT", PASSWORD), ("other", "short"), ("o ther", PASSWORD)):
        with pytest.raises(Refused):
            create_administrator(settings, name, password)


def audited(tmp_path: Path) -> list[dict[str, Any]]:
    path = Path(settings_in(tmp_path).state.directory) / "audit.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_an_administrator_and_a_new_key_are_on_record_before_they_are_there(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    create_administrator(settings, "root", PASSWORD)
    with pytest.raises(Refused):
        create_administrator(settings, "root", PASSWORD)
    kid = rotate_keys(settings)
    made, rotated = audited(tmp_path)
    assert (made["type"], made["details"]["role"], made["details"]["by"]) == ("user_registered", "admin", "command")
    assert (rotated["type"], rotated["details"]) == ("token_key_rotated", {"kid": kid, "by": "command"})
    assert "root" not in str(made)


def test_what_cannot_be_recorded_is_not_done(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    kid = rotate_keys(settings)
    directory = Path(settings.state.directory)
    (directory / "audit.jsonl").unlink()
    (directory / "audit.jsonl").mkdir()
    for action in (lambda: create_administrator(settings, "root", PASSWORD), lambda: rotate_keys(settings)):
        with pytest.raises(Unavailable):
            action()
    (directory / "audit.jsonl").rmdir()
    assert load_ring(directory, settings.accounts, 0.0).current.kid == kid
    assert create_administrator(settings, "root", PASSWORD) == "root"


def test_a_password_comes_from_a_file_or_from_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "password").write_text("from a file, kept  \n")
    assert read_password(tmp_path / "password") == "from a file, kept  "
    monkeypatch.setattr(sys, "stdin", io.StringIO("from a pipe\nsecond line\n"))
    assert read_password(None) == "from a pipe"


def test_a_password_is_typed_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    typed = iter(["one", "two", "same", "same"])
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("getpass.getpass", lambda _: next(typed))
    with pytest.raises(ValueError, match="not the same"):
        read_password(None)
    assert read_password(None) == "same"


def test_a_rotation_gives_the_id_of_the_new_key(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    assert rotate_keys(settings) != rotate_keys(settings)
