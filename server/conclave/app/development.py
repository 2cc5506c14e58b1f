"""What `conclave serve --dev` changes: one machine, one person, load tests from the same address."""

import socket
from collections.abc import Callable, Mapping
from typing import TypeVar

import msgspec

from conclave.config.settings import MediaSettings, MeetingSettings, SecuritySettings, Settings, TelemetrySettings

Table = TypeVar("Table", MeetingSettings, SecuritySettings, TelemetrySettings)

_MEETINGS = {"open_creation": True}
_SECURITY = {
    "max_connections_per_source": 10_000,
    "connects_per_s_per_source": 2_000,
    "creations_per_min_per_source": 6_000,
}
_TELEMETRY = {"audit_fsync": False, "log_level": "warning"}

LOOPBACK = "127.0.0.1"
DOCUMENTATION_ADDRESS = ("192.0.2.1", 9)


def primary_address() -> str | None:
    """Return the IPv4 address from which this host reaches others, None without a route. Connecting UDP sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(DOCUMENTATION_ADDRESS)
        except OSError:
            return None
        return str(probe.getsockname()[0])


def for_development(settings: Settings, find_address: Callable[[], str | None] = primary_address) -> Settings:
    """Return the settings with the values for development wherever the deployment has left the default.

    Media leaves loopback, signaling does not: Firefox gathers no loopback candidates, so a browser on this machine reaches
    media only under the host's own address.
    """
    return msgspec.structs.replace(
        settings,
        media=_reachable(settings.media, find_address),
        meetings=_where_default(settings.meetings, MeetingSettings(), _MEETINGS),
        security=_where_default(settings.security, SecuritySettings(), _SECURITY),
        telemetry=_where_default(settings.telemetry, TelemetrySettings(), _TELEMETRY),
    )


def _reachable(media: MediaSettings, find_address: Callable[[], str | None]) -> MediaSettings:
    default = MediaSettings()
    if (media.host, media.announced_addresses) != (default.host, default.announced_addresses):
        return media
    address = find_address()
    if address is None or address == LOOPBACK:
        return media
    return msgspec.structs.replace(media, host="0.0.0.0", announced_addresses=(address, LOOPBACK))  # noqa: S104


def _where_default(section: Table, default: Table, changes: Mapping[str, object]) -> Table:
    untouched = {key: value for key, value in changes.items() if getattr(section, key) == getattr(default, key)}
    return msgspec.structs.replace(section, **untouched)
