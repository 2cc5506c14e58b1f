import msgspec

from conclave.app.development import for_development
from conclave.config.settings import MeetingSettings, SecuritySettings, Settings


def test_development_lets_anybody_open_meetings_and_load_tests_in() -> None:
    settings = for_development(Settings())
    assert settings.meetings.open_creation is True
    assert settings.security.max_connections_per_source > 1_000


def test_what_the_deployment_has_set_is_kept() -> None:
    chosen = Settings(security=SecuritySettings(max_connections_per_source=7), meetings=MeetingSettings(max_meetings=3))
    settings = for_development(chosen)
    assert settings.security.max_connections_per_source == 7
    assert settings.meetings.max_meetings == 3


def test_development_does_not_open_the_server_to_other_hosts() -> None:
    settings = for_development(Settings())
    assert msgspec.structs.asdict(settings.listen) == msgspec.structs.asdict(Settings().listen)
    assert settings.security.allowed_origins == ()
