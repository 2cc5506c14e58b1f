"""Who holds which permission in a meeting (spec, section 2). Each role adds to what the role under it holds."""

from collections.abc import Mapping
from types import MappingProxyType

from conclave.model.roles import Permission, Role

_P = Permission

LADDER: tuple[Role, ...] = (Role.VIEWER, Role.PARTICIPANT, Role.CO_HOST, Role.HOST)
"""The roles from the least to the most."""

ADDS: Mapping[Role, frozenset[Permission]] = MappingProxyType(
    {
        Role.VIEWER: frozenset(
            {
                _P.SESSION_USE,
                _P.MEETING_ATTEND,
                _P.MEDIA_RECEIVE,
                _P.CHAT_SEND,
                _P.REACTIONS_SEND,
                _P.HAND_RAISE,
            }
        ),
        Role.PARTICIPANT: frozenset({_P.MEDIA_PUBLISH, _P.AUDIO_TOGGLE, _P.VIDEO_TOGGLE, _P.SCREEN_SHARE_START}),
        Role.CO_HOST: frozenset(
            {
                _P.PARTICIPANT_ADMIT,
                _P.PARTICIPANT_MUTE,
                _P.RECORDING_START,
                _P.RECORDING_STOP,
                _P.SCREEN_SHARE_CONTROL,
                _P.BREAKOUT_ROOMS_MANAGE,
            }
        ),
        Role.HOST: frozenset(
            {
                _P.MEETING_CREATE,
                _P.MEETING_DELETE,
                _P.MEETING_MODIFY,
                _P.PARTICIPANT_REMOVE,
                _P.RECORDING_DOWNLOAD,
                _P.BREAKOUT_ROOMS_CREATE,
            }
        ),
    }
)
"""What each role has that the role under it has not. Every permission stands here exactly once."""


def _grants() -> Mapping[Role, frozenset[Permission]]:
    held: frozenset[Permission] = frozenset()
    grants: dict[Role, frozenset[Permission]] = {}
    for role in LADDER:
        held |= ADDS[role]
        grants[role] = held
    return MappingProxyType(grants)


GRANTS: Mapping[Role, frozenset[Permission]] = _grants()
"""Everything that a role holds: host ⊇ co-host ⊇ participant ⊇ viewer."""


def may(role: Role | None, permission: Permission) -> bool:
    """Return whether `role` holds `permission`; nobody without a role holds anything."""
    return role is not None and permission in GRANTS[role]


def outranks_or_equals(role: Role, other: Role) -> bool:
    """Return whether `role` stands at least as high on the ladder as `other`."""
    return LADDER.index(role) >= LADDER.index(other)


def lower_of(role: Role, other: Role) -> Role:
    """Return the one of two roles that may less."""
    return min(role, other, key=LADDER.index)
