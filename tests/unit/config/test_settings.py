import msgspec

from conclave.config.settings import SECRETS, Settings


def test_the_defaults_reach_nobody_but_this_host() -> None:
    settings = Settings()
    assert settings.listen.host == "127.0.0.1"
    assert settings.media.host == "127.0.0.1"
    assert settings.media.announced_addresses == ("127.0.0.1",)


def test_the_defaults_let_nobody_open_a_meeting_without_a_token() -> None:
    settings = Settings()
    assert settings.meetings.open_creation is False
    assert settings.security.service_token == ""
    assert settings.telemetry.metrics_token == ""


def test_every_secret_is_an_existing_text_key_with_an_empty_default() -> None:
    for name in SECRETS:
        section, _, key = name.partition(".")
        assert getattr(getattr(Settings(), section), key) == ""


def test_every_section_forbids_unknown_fields_and_is_frozen() -> None:
    for field in msgspec.structs.fields(Settings):
        config = field.type.__struct_config__
        assert config.forbid_unknown_fields
        assert config.frozen
