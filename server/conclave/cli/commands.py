"""conclave serve, check, invite and others. Each imports what it needs when it runs."""

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

from cyclopts import App, Parameter

from conclave import __version__

if TYPE_CHECKING:
    from conclave.app.server import Server
    from conclave.config.settings import Settings

application = App(
    name="conclave", version=__version__, help="A meeting server behind a locked door.", result_action="return_none"
)

recordings = App(name="recording", help="What was recorded.")
application.command(recordings)

admins = App(name="admin", help="Administrators.")
application.command(admins)
keys = App(name="keys", help="Keys of account tokens.")
application.command(keys)
descriptions = App(name="describe", help="The interfaces, for other programs.")
application.command(descriptions)

FAILED = 1

Config = Annotated[Path | None, Parameter(name=["--config", "-c"])]


class RoleName(StrEnum):
    HOST = "host"
    CO_HOST = "co-host"
    PARTICIPANT = "participant"
    VIEWER = "viewer"


@application.command
def serve(config: Config = None, *, dev: bool = False) -> None:
    """Serve meetings until SIGTERM or SIGINT; SIGHUP reads certificate and token keys again at once.

    Parameters
    ----------
    config: settings file (TOML); the environment (CONCLAVE_<SECTION>__<KEY>) wins over it.
    dev: for one machine: anybody may open meetings, limits suit load tests, a first link is printed.
    """
    from conclave.app.development import for_development
    from conclave.model.errors import ConclaveError

    try:
        from conclave.app.run import run
    except ModuleNotFoundError as error:
        _fail(f"{error}; install everything with: pip install -e .")
    settings = _load(config)
    if dev:
        settings = for_development(settings)
    try:
        run(settings, _announce_first_meeting if dev else _announce)
    except (ConclaveError, ValueError, OSError) as error:
        _fail(f"{error}\n`conclave check` explains what is wrong with the configuration and this host.")


@application.command
def check(config: Config = None, *, host: str = "localhost", running: bool = False) -> None:
    """Explain what is wrong with the configuration or this host; exit code 1 when something would keep it from working.

    Parameters
    ----------
    config: settings file (TOML).
    host: the name under which browsers reach this server, to compare with the certificate.
    running: the server runs, so its ports are busy because of it.
    """
    from conclave.cli.host_check import Level, check_host
    from conclave.config.loading import ConfigurationError

    try:
        settings = _read(config)
    except ConfigurationError as error:
        for problem in error.problems:
            _say(f"error    configuration: {problem}")
        sys.exit(FAILED)
    findings = check_host(settings, host, running=running)
    for finding in findings:
        _say(f"{finding.level.value:8} {finding.subject}: {finding.text}")
    if any(finding.level is Level.ERROR for finding in findings):
        sys.exit(FAILED)


@application.command
def invite(
    config: Config = None,
    *,
    meeting: str,
    role: RoleName = RoleName.PARTICIPANT,
    expires: str = "24h",
    seats: int = 0,
    base_url: str | None = None,
    token_only: bool = False,
) -> None:
    """Print an invitation link. It needs the state directory of the server, not the server.

    Parameters
    ----------
    config: settings file (TOML) of the server.
    meeting: the meeting's id, or `new` for one that its first host opens.
    role: host, co-host, participant or viewer.
    expires: how long it is good: 90m, 24h, 7d.
    seats: how many may sit at once by this link; 0 for any number.
    base_url: where the server is reached; https://localhost:<port> by default.
    token_only: print the token alone, for Authorization headers.
    """
    from conclave.cli.invitation import has_key, make_invitation, parse_duration
    from conclave.model.errors import ConclaveError
    from conclave.model.roles import Role

    settings = _load(config)
    known = has_key(settings)
    try:
        issued = make_invitation(settings, meeting, Role(role.value), parse_duration(expires), seats)
    except (ConclaveError, ValueError) as error:
        _fail(str(error))
    if not known:
        sys.stderr.write(
            f"conclave: {settings.state.directory} had no key, so one was made; only a server with this directory takes it\n"
        )
    base = (base_url or f"https://localhost:{settings.listen.port}").rstrip("/")
    _say(issued.token if token_only else base + issued.path)


@recordings.command(name="list")
def list_recordings(config: Config = None) -> None:
    """Print what was recorded. It needs the state directory of the server, not the server.

    Parameters
    ----------
    config: settings file (TOML) of the server.
    """
    from conclave.cli.recordings import list_recordings
    from conclave.model.errors import ConclaveError

    settings = _load(config)
    try:
        lines = list_recordings(settings)
    except (ConclaveError, OSError) as error:
        _fail(str(error))
    for line in lines:
        _say(line)


@recordings.command
def export(recording_id: str, config: Config = None, *, output: Path) -> None:
    """Decrypt a recording: a WebM or Matroska file for each participant, who spoke when, and what it consists of.

    Parameters
    ----------
    recording_id: as `conclave recording list` prints it.
    config: settings file (TOML) of the server.
    output: directory for the files; none is overwritten.
    """
    from conclave.cli.recordings import export_recording
    from conclave.model.errors import ConclaveError

    settings = _load(config)
    try:
        written = export_recording(settings, recording_id, output)
    except (ConclaveError, OSError) as error:
        _fail(str(error))
    for path in written:
        _say(str(path))


@admins.command
def create(username: str, config: Config = None, *, password_file: Path | None = None) -> None:
    """Make an account of an administrator, the first or another. The server may run meanwhile.

    Parameters
    ----------
    username: the name to log in with.
    config: settings file (TOML) of the server.
    password_file: where the password stands; without it, it is asked for, or read from standard input.
    """
    from conclave.cli.administrator import create_administrator, read_password
    from conclave.model.errors import ConclaveError

    settings = _load(config)
    try:
        name = create_administrator(settings, username, read_password(password_file))
    except (ConclaveError, ValueError, OSError) as error:
        _fail(getattr(error, "detail", str(error)))
    _say(f"{name} is an administrator.")


@keys.command
def rotate(config: Config = None) -> None:
    """Replace the key that signs account tokens. Tokens of the old one stay good until they expire.

    Parameters
    ----------
    config: settings file (TOML) of the server.
    """
    from conclave.cli.administrator import rotate_keys
    from conclave.model.errors import ConclaveError

    settings = _load(config)
    try:
        kid = rotate_keys(settings)
    except ConclaveError as error:
        _fail(str(error))
    _say(f"The new key is {kid}; a running server signs with it within five seconds.")


@descriptions.command
def openapi() -> None:
    """Print the OpenAPI 3.1 document of the HTTP API."""
    from conclave.edge.openapi import describe

    _say_json(describe())


@descriptions.command
def asyncapi() -> None:
    """Print the AsyncAPI 3.0 document of the signaling protocol."""
    from conclave.signaling.asyncapi import describe

    _say_json(describe())


def _announce(server: "Server") -> None:
    _say(f"Conclave listens on port {server.port}.")


def _announce_first_meeting(server: "Server") -> None:
    from conclave.cli.invitation import first_link

    _announce(server)
    _say(f"Open a first meeting as host: {first_link(server.invitations, server.port)}")


def _read(config: Path | None) -> "Settings":
    from conclave.config.loading import load_settings

    return load_settings(config, os.environ)


def _load(config: Path | None) -> "Settings":
    from conclave.config.loading import ConfigurationError

    try:
        return _read(config)
    except ConfigurationError as error:
        _fail("\n".join(error.problems))


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _say_json(document: dict[str, object]) -> None:
    import msgspec

    _say(msgspec.json.format(msgspec.json.encode(document)).decode())


def _fail(text: str) -> NoReturn:
    sys.stderr.write(f"conclave: {text}\n")
    sys.exit(FAILED)
