from pathlib import Path

import pytest

from conclave.config.loading import ConfigurationError, load_settings
from conclave.config.settings import Settings

TOKEN = "t" * 32


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "conclave.toml"
    path.write_text(text)
    return path


def problems(path: Path | None, environment: dict[str, str] | None = None) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(path, environment or {})
    return "\n".join(caught.value.problems)


def test_nothing_given_means_the_defaults() -> None:
    assert load_settings(None, {"PATH": "/bin"}) == Settings()


def test_a_file_sets_keys_and_leaves_the_others_alone(tmp_path: Path) -> None:
    settings = load_settings(write(tmp_path, '[listen]\nport = 443\n[media]\nannounced_addresses = ["192.0.2.1"]\n'), {})
    assert settings.listen.port == 443
    assert settings.listen.host == "127.0.0.1"
    assert settings.media.announced_addresses == ("192.0.2.1",)


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, "[listen]\nport = 443\n")
    assert load_settings(path, {"CONCLAVE_LISTEN__PORT": "9443"}).listen.port == 9443


def test_lists_and_booleans_come_from_the_environment() -> None:
    environment = {"CONCLAVE_MEDIA__PORTS": "5000, 5001", "CONCLAVE_MEETINGS__OPEN_CREATION": "true"}
    settings = load_settings(None, environment)
    assert settings.media.ports == (5000, 5001)
    assert settings.meetings.open_creation is True


def test_an_unknown_key_is_named_with_its_file(tmp_path: Path) -> None:
    path = write(tmp_path, "[listen]\nprot = 443\n")
    assert f"{path}: unknown key 'listen.prot'" in problems(path)


def test_an_unknown_section_is_named_with_its_file(tmp_path: Path) -> None:
    path = write(tmp_path, "[listne]\nport = 443\n")
    assert f"{path}: unknown key 'listne'" in problems(path)


def test_all_unknown_keys_are_reported_at_once(tmp_path: Path) -> None:
    path = write(tmp_path, "[listen]\na = 1\nb = 2\n")
    found = problems(path, {"CONCLAVE_LISTEN__C": "1"})
    assert "listen.a" in found
    assert "listen.b" in found
    assert "CONCLAVE_LISTEN__C" in found


def test_an_unknown_variable_of_ours_is_an_error() -> None:
    assert "CONCLAVE_LISTEN_PORT" in problems(None, {"CONCLAVE_LISTEN_PORT": "1"})


def test_a_value_out_of_range_is_named_with_its_origin(tmp_path: Path) -> None:
    path = write(tmp_path, "[listen]\nport = 70000\n")
    assert f"{path}: 'listen.port'" in problems(path)
    assert "CONCLAVE_LISTEN__PORT: 'listen.port'" in problems(None, {"CONCLAVE_LISTEN__PORT": "x"})


def test_a_text_in_place_of_a_number_is_refused_in_a_file(tmp_path: Path) -> None:
    assert "listen.port" in problems(write(tmp_path, '[listen]\nport = "443"\n'))


def test_a_file_that_is_missing_or_not_toml_is_explained(tmp_path: Path) -> None:
    assert "cannot be read" in problems(tmp_path / "absent.toml")
    assert "is not TOML" in problems(write(tmp_path, "[listen\n"))


def test_a_secret_comes_from_a_file_without_its_line_end(tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text(TOKEN + "\n")
    settings = load_settings(None, {"CONCLAVE_SECURITY__SERVICE_TOKEN_FILE": str(secret)})
    assert settings.security.service_token == TOKEN


def test_a_secret_file_that_cannot_be_read_is_named_by_its_variable(tmp_path: Path) -> None:
    found = problems(None, {"CONCLAVE_SECURITY__SERVICE_TOKEN_FILE": str(tmp_path / "absent")})
    assert "CONCLAVE_SECURITY__SERVICE_TOKEN_FILE" in found


def test_only_secrets_may_come_from_files() -> None:
    assert load_settings(None, {"CONCLAVE_TELEMETRY__LOG_FILE": "x.log"}).telemetry.log_file == "x.log"
    assert "CONCLAVE_LISTEN__HOST_FILE" in problems(None, {"CONCLAVE_LISTEN__HOST_FILE": "x"})


def test_a_short_secret_is_refused_without_being_quoted() -> None:
    found = problems(None, {"CONCLAVE_SECURITY__SERVICE_TOKEN": "hunter2"})
    assert "security.service_token" in found
    assert "hunter2" not in found


@pytest.mark.parametrize("origin", ["http://meet.example", "https://meet.example/", "https://meet.example/x", "*", "null"])
def test_an_origin_that_is_none_is_refused(origin: str) -> None:
    assert "security.allowed_origins" in problems(None, {"CONCLAVE_SECURITY__ALLOWED_ORIGINS": origin})


def test_ports_past_the_last_one_are_refused() -> None:
    environment = {"CONCLAVE_MEDIA__FIRST_PORT": "65533", "CONCLAVE_MEDIA__LANES": "3"}
    assert load_settings(None, environment).media.first_port == 65_533
    assert "'media.first_port'" in problems(None, environment | {"CONCLAVE_MEDIA__LANES": "4"})
    assert "'media.first_port'" in problems(None, environment | {"CONCLAVE_MEDIA__LANES": "0"})


@pytest.mark.parametrize("key", ["host", "announced_addresses"])
def test_a_name_where_the_media_needs_an_address_is_refused_and_the_key_is_named(key: str) -> None:
    assert f"'media.{key}': 'meet.example'" in problems(None, {f"CONCLAVE_MEDIA__{key.upper()}": "meet.example"})


@pytest.mark.parametrize("url", ["turn.example", "stun:turn.example", "turn:", "turn:a b", "turn:a?transport=x", 'turn:a">'])
def test_a_turn_address_that_is_none_is_refused(url: str) -> None:
    assert "'turn.urls'" in problems(None, {"CONCLAVE_TURN__URLS": url + ",turn:b", "CONCLAVE_TURN__SECRET": TOKEN})


def test_turn_servers_need_a_long_secret_which_may_come_from_a_file(tmp_path: Path) -> None:
    urls = "turn:turn.example:3478?transport=udp,turns:[2001:db8::1]:5349"
    assert "'turn.secret'" in problems(None, {"CONCLAVE_TURN__URLS": urls})
    assert "'turn.secret'" in problems(None, {"CONCLAVE_TURN__URLS": urls, "CONCLAVE_TURN__SECRET": "short"})
    secret = tmp_path / "secret"
    secret.write_text(TOKEN + "\n")
    settings = load_settings(None, {"CONCLAVE_TURN__URLS": urls, "CONCLAVE_TURN__SECRET_FILE": str(secret)})
    assert (settings.turn.urls, settings.turn.secret) == (tuple(urls.split(",")), TOKEN)


def test_lanes_that_contradict_the_ports_are_refused() -> None:
    assert "media.lanes" in problems(None, {"CONCLAVE_MEDIA__PORTS": "1,2", "CONCLAVE_MEDIA__LANES": "3"})


def test_one_secret_needs_the_secret() -> None:
    found = problems(None, {"CONCLAVE_ACCOUNTS__SIGNING_ALGORITHM": "HS256"})
    assert "accounts.token_secret" in found
    short = problems(None, {"CONCLAVE_ACCOUNTS__SIGNING_ALGORITHM": "HS256", "CONCLAVE_ACCOUNTS__TOKEN_SECRET": "short"})
    assert "fewer than 32" in short
    good = load_settings(None, {"CONCLAVE_ACCOUNTS__SIGNING_ALGORITHM": "HS256", "CONCLAVE_ACCOUNTS__TOKEN_SECRET": TOKEN})
    assert good.accounts.token_secret == TOKEN


@pytest.mark.parametrize("algorithm", ["none", "RS256", "hs256", "EdDSA,HS256", ""])
def test_an_algorithm_that_is_not_on_the_list_is_refused(algorithm: str) -> None:
    assert "signing_algorithm" in problems(None, {"CONCLAVE_ACCOUNTS__SIGNING_ALGORITHM": algorithm})


def test_the_address_of_the_database_may_come_from_a_file_and_be_short(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("postgresql://u:p@h/d\n")
    assert load_settings(None, {"CONCLAVE_STORE__URL_FILE": str(tmp_path / "url")}).store.url == "postgresql://u:p@h/d"


def test_nobody_registers_unless_the_settings_say_so() -> None:
    assert Settings().accounts.registration == "closed"
