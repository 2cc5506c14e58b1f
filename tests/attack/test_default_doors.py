"""The doors as they are when nobody has configured anything: no link that can be passed on leads in unseen, by any protocol."""

import os

import aiohttp
import pytest
from tests.support.live import Live, Starter, ask, hello
from tests.support.offers import offer

from conclave.config.settings import Settings
from conclave.model.ids import MeetingId, new_id
from conclave.model.roles import Role

DEFAULT = {"meetings": {"waiting_room": Settings().meetings.waiting_room}}


async def enter(live: Live, token: str) -> tuple[str, str]:
    """Return what became of `join`: its state, or the refusal; and its snapshot's kind."""
    socket = await live.connect()
    await hello(socket, token)
    answer = await ask(socket, 2, "join", display_name="Somebody", auto_subscribe=True)
    if answer["type"] == "error":
        return str(answer["code"]), ""
    return answer["result"]["state"], "snapshot" if answer["result"]["snapshot"] else "nothing"


async def opened(live: Live, meeting_id: MeetingId) -> aiohttp.ClientWebSocketResponse:
    """Return the connection of a host who opened the meeting and sits in it."""
    host = await live.connect()
    await hello(host, live.invite(meeting_id, Role.HOST))
    await ask(host, 2, "meeting.create", title="Weekly")
    assert (await ask(host, 3, "join", display_name="Host"))["result"]["state"] == "joined"
    return host


def personal(live: Live, meeting_id: MeetingId, role: Role) -> str:
    return live.server.invitations.issue(meeting_id, role, live.server.clock.wall(), seats=1).token


@pytest.mark.parametrize("role", [Role.PARTICIPANT, Role.VIEWER])
async def test_a_shareable_link_leads_to_the_waiting_room_and_a_personal_one_in(start: Starter, role: Role) -> None:
    live = await start(DEFAULT)
    meeting_id = MeetingId(new_id(os.urandom))
    host = await opened(live, meeting_id)
    assert await enter(live, live.invite(meeting_id, role)) == ("lobby", "nothing")
    assert await enter(live, personal(live, meeting_id, role)) == ("joined", "snapshot")
    assert await enter(live, live.invite(meeting_id, Role.CO_HOST)) == ("joined", "snapshot")
    await host.close()


async def test_nobody_is_in_before_a_host_is_however_personal_the_link(start: Starter) -> None:
    live = await start(DEFAULT)
    meeting_id = MeetingId(new_id(os.urandom))
    opener = await live.connect()
    await hello(opener, live.invite(meeting_id, Role.HOST))
    assert await enter(live, personal(live, meeting_id, Role.PARTICIPANT)) == ("not_found", "")
    await ask(opener, 2, "meeting.create", title="Weekly")
    assert await enter(live, personal(live, meeting_id, Role.PARTICIPANT)) == ("lobby", "nothing")


@pytest.mark.parametrize("kind", ["whip", "whep"])
async def test_whip_and_whep_by_a_shareable_link_are_refused_and_by_a_personal_one_taken(start: Starter, kind: str) -> None:
    live = await start(DEFAULT)
    meeting_id = MeetingId(new_id(os.urandom))
    host = await opened(live, meeting_id)
    sdp = offer("audio", direction="sendonly" if kind == "whip" else "recvonly")
    statuses = []
    for token in (live.invite(meeting_id, Role.PARTICIPANT), personal(live, meeting_id, Role.PARTICIPANT)):
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/sdp"}
        async with live.http.post(f"{live.url}/{kind}/{meeting_id}", data=sdp, headers=headers) as answer:
            statuses.append(answer.status)
    assert statuses == [403, 201]
    assert live.server.hub.sizes()["participants"] == 2
    await host.close()
