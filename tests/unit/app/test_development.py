from ipaddress import ip_address

import msgspec

from conclave.app.development import for_development, primary_address
from conclave.config.settings import MediaSettings, MeetingSettings, SecuritySettings, Settings


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


def test_media_is_announced_under_the_hosts_own_address_before_loopback() -> None:
    settings = for_development(Settings(), lambda: "192.0.2.7")
    assert settings.media.announced_addresses == ("192.0.2.7", "127.0.0.1")
    assert settings.media.host == "0.0.0.0"  # noqa: S104


def test_without_a_route_media_stays_on_loopback() -> None:
    assert for_development(Settings(), lambda: None).media == MediaSettings()
    assert for_development(Settings(), lambda: "127.0.0.1").media == MediaSettings()


def test_media_addresses_that_the_deployment_has_set_are_kept() -> None:
    for media in (MediaSettings(host="127.0.0.2"), MediaSettings(announced_addresses=("198.51.100.3",))):
        assert for_development(Settings(media=media), lambda: "192.0.2.7").media == media


def test_the_primary_address_is_one_that_can_be_announced() -> None:
    address = primary_address()
    assert address is None or not ip_address(address).is_unspecified
