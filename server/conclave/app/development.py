"""What `conclave serve --dev` changes: one machine, one person, load tests from the same address."""

from collections.abc import Mapping
from typing import TypeVar

import msgspec

from conclave.config.settings import MeetingSettings, SecuritySettings, Settings, TelemetrySettings

Table = TypeVar("Table", MeetingSettings, SecuritySettings, TelemetrySettings)

_MEETINGS = {"open_creation": True}
_SECURITY = {
    "max_connections_per_source": 10_000,
    "connects_per_s_per_source": 2_000,
    "creations_per_min_per_source": 6_000,
}
_TELEMETRY = {"audit_fsync": False, "log_level": "warning"}


def for_development(settings: Settings) -> Settings:
    """Return the settings with the values for development wherever the deployment has left the default."""
    return msgspec.structs.replace(
        settings,
        meetings=_where_default(settings.meetings, MeetingSettings(), _MEETINGS),
        security=_where_default(settings.security, SecuritySettings(), _SECURITY),
        telemetry=_where_default(settings.telemetry, TelemetrySettings(), _TELEMETRY),
    )


def _where_default(section: Table, default: Table, changes: Mapping[str, object]) -> Table:
    untouched = {key: value for key, value in changes.items() if getattr(section, key) == getattr(default, key)}
    return msgspec.structs.replace(section, **untouched)
