import itertools

import pytest

from conclave.model.roles import Permission, Role
from conclave.policy.rbac import ADDS, GRANTS, LADDER, may, outranks_or_equals

SPEC_TABLE = {
    Role.HOST: "meeting.create meeting.delete meeting.modify participant.admit participant.remove participant.mute"
    " recording.start recording.stop recording.download screen_share.control breakout_rooms.create",
    Role.CO_HOST: "participant.admit participant.mute recording.start recording.stop screen_share.control breakout_rooms.manage",
    Role.PARTICIPANT: "audio.toggle video.toggle screen_share.start chat.send reactions.send hand.raise media.publish",
    Role.VIEWER: "chat.send reactions.send hand.raise session.use meeting.attend media.receive",
}


@pytest.mark.parametrize("role", Role)
def test_a_role_holds_everything_that_the_table_gives_it(role: Role) -> None:
    assert {Permission(name) for name in SPEC_TABLE[role].split()} <= GRANTS[role]


def test_a_role_holds_nothing_beyond_the_table_and_the_roles_under_it() -> None:
    held: set[Permission] = set()
    for role in LADDER:
        held |= {Permission(name) for name in SPEC_TABLE[role].split()}
        assert GRANTS[role] == held


def test_each_role_holds_more_than_the_one_under_it() -> None:
    for lower, higher in itertools.pairwise(LADDER):
        assert GRANTS[lower] < GRANTS[higher]


def test_every_permission_is_added_by_exactly_one_role() -> None:
    added = [permission for permissions in ADDS.values() for permission in permissions]
    assert sorted(added) == sorted(Permission)


def test_a_viewer_holds_no_permission_to_publish() -> None:
    publishing = {Permission.MEDIA_PUBLISH, Permission.AUDIO_TOGGLE, Permission.VIDEO_TOGGLE, Permission.SCREEN_SHARE_START}
    assert not publishing & GRANTS[Role.VIEWER]


@pytest.mark.parametrize("permission", Permission)
def test_nobody_without_a_role_holds_anything(permission: Permission) -> None:
    assert not may(None, permission)


def test_the_grants_cannot_be_changed_at_run_time() -> None:
    with pytest.raises(TypeError):
        GRANTS[Role.VIEWER] = frozenset(Permission)  # type: ignore[index]


def test_a_role_stands_at_least_as_high_as_itself_and_those_under_it() -> None:
    for position, role in enumerate(LADDER):
        assert [other for other in LADDER if outranks_or_equals(role, other)] == list(LADDER[: position + 1])
