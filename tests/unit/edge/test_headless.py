import pytest
from tests.support.live import Starter, open_meeting
from tests.support.offers import offer

from conclave.edge.headless import HeadlessSessions, Kind
from conclave.edge.problem import Problem
from conclave.model.errors import Refused
from conclave.model.roles import Role


async def sessions_in(start: Starter) -> tuple[HeadlessSessions, str, str]:
    live = await start()
    meeting_id = live.new_meeting()
    await open_meeting(live, meeting_id)
    return HeadlessSessions(live.server.hub), meeting_id, live.invite(meeting_id, Role.PARTICIPANT)


async def test_an_open_session_can_be_found_by_its_token_and_by_no_other(start: Starter) -> None:
    sessions, meeting_id, token = await sessions_in(start)
    resource, _ = await sessions.open(Kind.WHIP, meeting_id, token, offer("audio"))
    assert sessions.find(Kind.WHIP, meeting_id, resource.resource_id, token) is resource
    for kind, meeting, given in ((Kind.WHEP, meeting_id, token), (Kind.WHIP, "x", token), (Kind.WHIP, meeting_id, "other")):
        with pytest.raises(Problem):
            sessions.find(kind, meeting, resource.resource_id, given)
    await sessions.close()
    assert len(sessions) == 0


async def test_a_refused_offer_leaves_no_seat_behind(start: Starter) -> None:
    sessions, meeting_id, token = await sessions_in(start)
    before = sessions._hub.sizes()["participants"]
    with pytest.raises(Refused):
        await sessions.open(Kind.WHIP, meeting_id, token, offer("audio", direction="recvonly"))
    await sessions._hub.settle()
    assert sessions._hub.sizes()["participants"] == before
    assert len(sessions) == 0


async def test_the_token_is_not_kept_nor_shown(start: Starter) -> None:
    sessions, meeting_id, token = await sessions_in(start)
    resource, _ = await sessions.open(Kind.WHIP, meeting_id, token, offer("audio"))
    assert token not in repr(resource)
    assert token not in [value for value in vars(resource).values() if isinstance(value, str)]
    await sessions.close()
