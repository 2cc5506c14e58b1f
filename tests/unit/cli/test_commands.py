import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from tests.support.live import settings_in

from conclave.cli.commands import application


@pytest.fixture(autouse=True)
def restore_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("CONCLAVE_"):
            monkeypatch.delenv(name)
    settings = settings_in(tmp_path)
    monkeypatch.setenv("CONCLAVE_LISTEN__PORT", "0")
    monkeypatch.setenv("CONCLAVE_LISTEN__TLS_CERTIFICATE", settings.listen.tls_certificate)
    monkeypatch.setenv("CONCLAVE_LISTEN__TLS_KEY", settings.listen.tls_key)
    monkeypatch.setenv("CONCLAVE_MEDIA__FIRST_PORT", "0")
    monkeypatch.setenv("CONCLAVE_STATE__DIRECTORY", settings.state.directory)
    monkeypatch.setenv("CONCLAVE_CLIENT__DIRECTORY", "")


def run(*arguments: str) -> int:
    try:
        application(list(arguments), exit_on_error=False)
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def test_an_invitation_is_printed_as_a_link(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("invite", "--meeting", "new", "--role", "host", "--base-url", "https://meet.example/") == 0
    assert capsys.readouterr().out.startswith("https://meet.example/#eyJ")


def test_a_link_of_a_state_directory_without_a_key_comes_with_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    run("invite", "--meeting", "new")
    assert "had no key" in capsys.readouterr().err
    run("invite", "--meeting", "new")
    assert capsys.readouterr().err == ""


def test_the_token_alone_can_be_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("invite", "--meeting", "new", "--token-only") == 0
    assert capsys.readouterr().out.startswith("eyJ")


def test_a_wrong_duration_fails_with_words_and_exit_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("invite", "--meeting", "new", "--expires", "soon") == 1
    assert "is not a duration" in capsys.readouterr().err


def test_check_explains_each_finding_and_passes_on_a_good_host(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check") == 0
    out = capsys.readouterr().out
    assert "ok       certificate: names localhost" in out
    assert "error" not in out


def test_check_fails_and_names_an_unknown_key_with_its_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "c.toml").write_text("[listen]\nprot = 1\n")
    assert run("check", "--config", str(tmp_path / "c.toml")) == 1
    assert "unknown key 'listen.prot'" in capsys.readouterr().out


def test_check_fails_when_the_certificate_does_not_name_the_host(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check", "--host", "meet.example") == 1
    assert "does not name meet.example" in capsys.readouterr().out


def test_serve_fails_with_words_when_it_cannot_start(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONCLAVE_LISTEN__TLS_KEY", "/absent.key")
    monkeypatch.setenv("CONCLAVE_TELEMETRY__LOG_FILE", os.devnull)
    assert run("serve") == 1
    error = capsys.readouterr().err
    assert "/absent.key does not exist" in error
    assert "Traceback" not in error


def test_help_and_invitations_do_not_import_the_server(tmp_path: Path) -> None:
    code = (
        "import sys; from conclave.cli.commands import application;"
        "application(['invite', '--meeting', 'new'], exit_on_error=False);"
        "sys.exit(any(name in sys.modules for name in ('aiohttp', 'uvloop', 'conclave.plane.plane')))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr


def test_an_administrator_is_made_and_the_key_rotated(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "password").write_text("grey otter on a bicycle\n")
    assert run("admin", "create", "Root", "--password-file", str(tmp_path / "password")) == 0
    assert "root is an administrator" in capsys.readouterr().out
    assert run("admin", "create", "root", "--password-file", str(tmp_path / "password")) == 1
    assert "taken" in capsys.readouterr().err
    assert run("keys", "rotate") == 0
    assert "within five seconds" in capsys.readouterr().out


def test_the_interfaces_are_printed_as_they_are_checked_in(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("openapi", "asyncapi"):
        assert run("describe", name) == 0
        assert capsys.readouterr().out == (Path(__file__).parents[3] / "server" / f"{name}.json").read_text()
