"""Settings from a TOML file and the environment; the environment wins.

CONCLAVE_<SECTION>__<KEY>=value sets one key (lists: comma separated). CONCLAVE_<SECTION>__<KEY>_FILE=path reads a secret
from a file, its trailing line end removed. A key that no section has is an error that names it and where it stands.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin

import msgspec
from msgspec import Struct

from conclave.config.settings import MAX_LANES, SECRETS, TOKENS, MediaSettings, Settings, TurnSettings
from conclave.model.errors import ConclaveError

PREFIX = "CONCLAVE_"
SEPARATOR = "__"
FILE_SUFFIX = "_file"
RESERVED = frozenset({"CONCLAVE_SANITIZE", "CONCLAVE_FUZZ_SECONDS"})
"""Variables of the build and the tests that share the prefix."""

MIN_TOKEN_CHARACTERS = 32
LAST_PORT = 65_535
_TURN_URI = re.compile(r"turns?:(?:[\w.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?(?:\?transport=(?:udp|tcp))?", re.ASCII)
"""RFC 7065, section 3.1."""


class ConfigurationError(ConclaveError):
    """What is wrong with the settings; `problems` holds one sentence each, naming key and origin, never a secret's value."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def load_settings(path: Path | None, environment: Mapping[str, str]) -> Settings:
    """Read `path` (None: no file) and the environment.

    Raises ConfigurationError with everything that is wrong: unreadable file, TOML syntax, unknown keys, wrong types, ranges.
    """
    tables = _read_file(path) if path is not None else {}
    problems = _unknown_keys(tables, str(path))
    overrides, origins, found = _read_environment(environment)
    problems += found
    if problems:
        raise ConfigurationError(tuple(problems))
    return _convert(tables, str(path), overrides, origins)


def _read_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError((f"{path}: cannot be read: {error.strerror}",)) from None
    except UnicodeDecodeError:
        raise ConfigurationError((f"{path}: is not UTF-8 text",)) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError((f"{path}: is not TOML: {error}",)) from None


def _fields(section: str) -> dict[str, msgspec.structs.FieldInfo] | None:
    types = {field.name: field.type for field in msgspec.structs.fields(Settings)}
    if section not in types:
        return None
    return {field.name: field for field in msgspec.structs.fields(types[section])}


def _unknown_keys(tables: dict[str, Any], origin: str) -> list[str]:
    problems = []
    for section, values in tables.items():
        fields = _fields(section)
        if fields is None:
            known = ", ".join(field.name for field in msgspec.structs.fields(Settings))
            problems.append(f"{origin}: unknown key {section!r}; the sections are {known}")
        elif not isinstance(values, dict):
            problems.append(f"{origin}: {section!r} must be a table")
        else:
            problems += [
                f"{origin}: unknown key '{section}.{key}'; the section has {', '.join(fields)}"
                for key in values
                if key not in fields
            ]
    return problems


def _read_environment(environment: Mapping[str, str]) -> tuple[dict[str, dict[str, Any]], dict[str, str], list[str]]:
    overrides: dict[str, dict[str, Any]] = {}
    origins: dict[str, str] = {}
    problems: list[str] = []
    for variable in sorted(environment):
        if not variable.startswith(PREFIX) or variable in RESERVED:
            continue
        section, _, key = variable[len(PREFIX) :].lower().partition(SEPARATOR)
        fields = _fields(section)
        value = environment[variable]
        secret = key.removesuffix(FILE_SUFFIX)
        if secret != key and f"{section}.{secret}" in SECRETS:
            key, value = secret, _read_secret(Path(value), variable, problems)
        if fields is None or key not in fields:
            problems.append(f"environment: unknown key {variable!r}; write CONCLAVE_<SECTION>__<KEY>")
            continue
        overrides.setdefault(section, {})[key] = _split(value) if _is_list(fields[key].type) else value
        origins[f"{section}.{key}"] = variable
    return overrides, origins, problems


def _read_secret(path: Path, variable: str, problems: list[str]) -> str:
    try:
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError):
        problems.append(f"environment: {variable} names a file that cannot be read: {path}")
        return ""


def _is_list(annotation: Any) -> bool:
    if isinstance(annotation, UnionType):
        return any(_is_list(part) for part in get_args(annotation))
    return get_origin(annotation) is tuple


def _split(value: str) -> list[str]:
    return [part.strip() for part in value.split(",") if part.strip()]


def _convert(tables: dict[str, Any], origin: str, overrides: dict[str, dict[str, Any]], origins: dict[str, str]) -> Settings:
    problems: list[str] = []
    sections: dict[str, Struct] = {}
    for field in msgspec.structs.fields(Settings):
        values: dict[str, Any] = {}
        for info in msgspec.structs.fields(field.type):
            name = f"{field.name}.{info.name}"
            if name in origins:
                raw, where, strict = overrides[field.name][info.name], origins[name], False
            elif info.name in tables.get(field.name, {}):
                raw, where, strict = tables[field.name][info.name], origin, True
            else:
                continue
            try:
                values[info.name] = msgspec.convert(raw, info.type, strict=strict)
            except msgspec.ValidationError as error:
                problems.append(f"{where}: '{name}': {error}")
        sections[field.name] = field.type(**values)
    if problems:
        raise ConfigurationError(tuple(problems))
    settings = Settings(**sections)  # type: ignore[arg-type]
    _check_together(settings)
    return settings


def _check_together(settings: Settings) -> None:
    problems = []
    for name in sorted(TOKENS):
        section, _, key = name.partition(".")
        value = getattr(getattr(settings, section), key)
        if value and len(value) < MIN_TOKEN_CHARACTERS:
            problems.append(f"'{name}' has fewer than {MIN_TOKEN_CHARACTERS} characters; make one with `openssl rand -hex 32`")
    if settings.accounts.signing_algorithm == "HS256" and not settings.accounts.token_secret:
        problems.append("'accounts.signing_algorithm' is HS256 and 'accounts.token_secret' is empty; make one, or use EdDSA")
    if settings.telemetry.log_level not in ("debug", "info", "warning", "error"):
        problems.append("'telemetry.log_level' must be debug, info, warning or error")
    if settings.media.ports and settings.media.lanes not in (0, len(settings.media.ports)):
        problems.append("'media.lanes' and the number of 'media.ports' differ; leave lanes at 0 to take them from ports")
    problems += _check_media(settings.media)
    problems += _check_turn(settings.turn)
    problems += [
        f"'security.allowed_origins': {origin!r} is not an origin such as https://meet.example"
        for origin in settings.security.allowed_origins
        if not origin.startswith("https://") or "/" in origin[len("https://") :]
    ]
    if problems:
        raise ConfigurationError(tuple(problems))


def _check_media(media: MediaSettings) -> Iterator[str]:
    """Yield what keeps the packet plane from listening, or clients from finding it, whatever the host is."""
    for key, addresses in (("host", (media.host,)), ("announced_addresses", media.announced_addresses)):
        for address in addresses:
            try:
                ip_address(address)
            except ValueError:
                yield f"'media.{key}': {address!r} is not an IP address; names are not looked up"
    lanes = media.lanes or MAX_LANES
    if not media.ports and media.first_port and media.first_port + lanes - 1 > LAST_PORT:
        yield f"'media.first_port': the ports of {lanes} lanes from {media.first_port} on end above {LAST_PORT}"


def _check_turn(turn: TurnSettings) -> Iterator[str]:
    for url in turn.urls:
        if not _TURN_URI.fullmatch(url):
            yield f"'turn.urls': {url!r} is not a URI such as turn:turn.example:3478?transport=udp"
    if turn.urls and not turn.secret:
        yield "'turn.secret' is empty; it must be the static-auth-secret of the TURN server"
