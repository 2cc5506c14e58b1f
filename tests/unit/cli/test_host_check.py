import socket
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.support.live import settings_in

from conclave.cli import host_check
from conclave.cli.findings import Finding, Level
from conclave.config.settings import ListenSettings, MediaSettings, Settings


def problems(findings: list[Finding]) -> str:
    return "\n".join(finding.text for finding in findings if finding.level is not Level.OK)


def errors(findings: list[Finding]) -> list[str]:
    return [finding.text for finding in findings if finding.level is Level.ERROR]


def test_a_good_configuration_has_no_errors(tmp_path: Path) -> None:
    assert errors(host_check.check_host(settings_in(tmp_path), "localhost")) == []


def test_busy_ports_are_named_with_their_protocol() -> None:
    with socket.socket() as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        tcp.bind(("127.0.0.1", 0))
        tcp.listen()
        udp.bind(("127.0.0.1", 0))
        listen, media = tcp.getsockname()[1], udp.getsockname()[1]
        settings = Settings(listen=ListenSettings(port=listen), media=MediaSettings(ports=(media,)))
        found = problems(list(host_check.check_ports(settings)))
    assert f"TCP 127.0.0.1 port {listen}" in found
    assert f"UDP 127.0.0.1 port {media}" in found


def test_addresses_that_clients_cannot_reach_are_found() -> None:
    def check(host: str, *addresses: str) -> str:
        settings = Settings(listen=ListenSettings(host=host), media=MediaSettings(announced_addresses=addresses))
        return problems(list(host_check.check_addresses(settings)))

    assert "is not an IP address" in check("127.0.0.1", "localhost")
    assert "cannot be reached" in check("127.0.0.1", "0.0.0.0")  # noqa: S104 # an address, not a socket
    assert "clients elsewhere get no media" in check("192.0.2.1", "127.0.0.1")
    assert "is empty" in check("127.0.0.1")
    assert check("192.0.2.1", "192.0.2.1") == ""


def test_state_open_to_others_is_an_error_with_the_cure(tmp_path: Path) -> None:
    directory = tmp_path / "state"
    assert problems(list(host_check.check_state(directory))) == ""
    directory.mkdir(mode=0o755)
    assert f"chmod 700 {directory}" in problems(list(host_check.check_state(directory)))
    directory.chmod(0o700)
    (directory / "invitations.key").touch(mode=0o644)
    assert "chmod 600" in problems(list(host_check.check_state(directory)))
    assert stat.S_IMODE((directory / "invitations.key").stat().st_mode) == 0o644


def test_a_client_directory_without_a_page_is_an_error(tmp_path: Path) -> None:
    assert host_check.check_client("").level is Level.OK
    assert host_check.check_client(str(tmp_path)).level is Level.ERROR
    (tmp_path / "index.html").touch()
    assert host_check.check_client(str(tmp_path)).level is Level.OK


def test_too_few_open_files_are_a_warning() -> None:
    assert host_check.check_descriptors(10**9).level in (Level.WARNING, Level.OK)
    assert host_check.check_descriptors(10).level is Level.OK


@pytest.mark.parametrize(("text", "level"), [("212992", Level.WARNING), ("8388608", Level.OK), ("x", Level.WARNING)])
def test_small_udp_buffers_are_a_warning(tmp_path: Path, text: str, level: Level) -> None:
    for name in ("rmem_max", "wmem_max"):
        (tmp_path / name).write_text(text)
    assert [finding.level for finding in host_check.check_udp(tmp_path)][:2] == [level, level]


def test_a_clock_that_was_never_set_is_an_error() -> None:
    assert host_check.check_clock(datetime(1970, 1, 1, tzinfo=UTC)).level is Level.ERROR
    assert host_check.check_clock(datetime.now(UTC)).level is Level.OK
    assert host_check.check_synchronisation().subject == "clock"


def test_the_native_plane_loads_on_this_host() -> None:
    assert host_check.check_plane().level is Level.OK
