import pytest

from conclave.identity.invitations import Claims
from conclave.meeting import knocks
from conclave.meeting.knocks import Knocks
from conclave.model.errors import Refused
from conclave.model.ids import MeetingId, SessionId
from conclave.model.roles import Role
from conclave.policy.limits import KNOCKS, KNOCKS_PER_SOURCE

ROOM = MeetingId("m" * 16)


def claims(seats: int) -> Claims:
    return Claims(sub="m" * 16, role=Role.VIEWER, jti="j" * 16, iat=0, nbf=0, exp=1, seats=seats)


def passed(limit: Knocks, seats: int, session: str, source_hash: bytes = b"", now: float = 0.0) -> bool:
    try:
        limit.take(ROOM, claims(seats), SessionId(session), source_hash, now)
    except Refused:
        return False
    return True


def test_a_personal_link_knocks_so_often_on_whatever_connection() -> None:
    limit = Knocks()
    assert [passed(limit, 1, str(number)) for number in range(7)] == [True] * int(KNOCKS.burst) + [False]
    assert passed(limit, 1, "later", now=15.0)


def test_connections_by_a_shared_link_do_not_use_up_each_others_attempts() -> None:
    limit = Knocks()
    assert all(passed(limit, 0, str(number)) for number in range(50))


def test_a_network_knocks_only_so_often_however_many_connections_it_opens() -> None:
    limit = Knocks()
    outcomes = [passed(limit, 0, str(number), b"net") for number in range(70)]
    assert sum(outcomes) == KNOCKS_PER_SOURCE.burst


def test_buckets_that_are_full_again_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(knocks, "MAX_BUCKETS", 3)
    limit = Knocks()
    assert [passed(limit, 0, str(number)) for number in range(4)] == [True, True, True, False]
    assert passed(limit, 0, "later", now=1000.0)
    assert len(limit) == 1
