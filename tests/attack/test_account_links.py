"""The own link of an account, fetched while it was good: of no use to who may not come in any more."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest
from msgspec import Struct
from tests.support.account_client import PASSWORD, Answer, call, log_in, make_account, token_of
from tests.support.live import Live, Starter, ask, close_frame, hello
from tests.support.shelves import put_recording
from tests.support.tapped import ONE

from conclave.model.accounts import Account, SystemRole
from conclave.model.ids import MeetingId

UNAUTHORIZED = 4001


class Scene(Struct):
    """Ada owns a meeting that she shares with Eve, who has fetched her link to it."""

    live: Live
    owner: str
    eve: Account
    access: str
    meeting_id: MeetingId
    link: str

    async def fetch(self) -> Answer:
        return await call(self.live, "POST", f"/meetings/{self.meeting_id}/link", token=self.access)

    @property
    def share(self) -> str:
        return f"/meetings/{self.meeting_id}/shares/{self.eve.user_id}"


async def shared(live: Live) -> Scene:
    owner = await token_of(live, await make_account(live))
    eve = await make_account(live, "eve", password=PASSWORD)
    access = (await log_in(live, "eve")).body["access_token"]
    made = await call(live, "POST", "/me/meetings", {"title": "Weekly"}, token=owner)
    scene = Scene(live, owner, eve, access, MeetingId(made.body["meeting_id"]), "")
    await call(live, "PUT", scene.share, {"role": "host"}, token=owner)
    scene.link = (await scene.fetch()).body["token"]
    return scene


async def administrator(scene: Scene) -> str:
    return await token_of(scene.live, await make_account(scene.live, "root", SystemRole.ADMIN))


async def deactivated(scene: Scene) -> int:
    token = await administrator(scene)
    return (await call(scene.live, "PATCH", f"/users/{scene.eve.user_id}", {"active": False}, token=token)).status


async def signed_out_by_administrator(scene: Scene) -> int:
    token = await administrator(scene)
    return (await call(scene.live, "POST", f"/users/{scene.eve.user_id}/revoke", token=token)).status


async def signed_out_everywhere(scene: Scene) -> int:
    return (await call(scene.live, "POST", "/auth/logout-all", token=scene.access)).status


async def given_a_new_password(scene: Scene) -> int:
    wish = {"current_password": PASSWORD, "new_password": "violet heron at dusk"}
    return (await call(scene.live, "POST", "/auth/password", wish, token=scene.access)).status


async def not_shared_with_any_more(scene: Scene) -> int:
    return (await call(scene.live, "DELETE", scene.share, token=scene.owner)).status


async def given_a_lower_role(scene: Scene) -> int:
    return (await call(scene.live, "PUT", scene.share, {"role": "viewer"}, token=scene.owner)).status


async def left_without_the_meeting(scene: Scene) -> int:
    return (await call(scene.live, "DELETE", f"/meetings/{scene.meeting_id}", token=scene.owner)).status


ENDS = (
    deactivated, signed_out_by_administrator, signed_out_everywhere, given_a_new_password, not_shared_with_any_more,
    given_a_lower_role,
)  # fmt: skip
WAYS = (*ENDS, left_without_the_meeting)

Way = Callable[[Scene], Awaitable[int]]


async def owner_sits(scene: Scene) -> aiohttp.ClientWebSocketResponse:
    link = (await call(scene.live, "POST", f"/meetings/{scene.meeting_id}/link", token=scene.owner)).body["token"]
    socket = await scene.live.connect()
    await hello(socket, link)
    await ask(socket, 2, "meeting.create", title="Weekly")
    await ask(socket, 3, "join", display_name="Ada")
    return socket


async def downloads(scene: Scene) -> int:
    headers = {"Authorization": f"Bearer {scene.link}"}
    async with scene.live.http.get(f"{scene.live.url}/api/v1/recordings/{ONE}", headers=headers) as response:
        return response.status


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
async def test_it_opens_no_door_to_one_who_was(start: Starter, way: Way) -> None:
    scene = await shared(await start())
    put_recording(Path(scene.live.server.settings.state.directory), scene.meeting_id)
    assert await downloads(scene) == 200
    assert await way(scene) in (200, 204)
    scene.live.server.clock.shift_s += 3_600  # type: ignore[attr-defined] # later, when no access token is left to revoke
    socket = await scene.live.connect()
    answer = await hello(socket, scene.link)
    assert (answer["type"], answer["code"]) == ("error", "unauthorized")
    headers = {"Authorization": f"Bearer {scene.link}", "Content-Type": "application/sdp"}
    async with scene.live.http.post(f"{scene.live.url}/whep/{scene.meeting_id}", data=b"v=0\r\n", headers=headers) as response:
        assert response.status in (401, 403)
    assert await downloads(scene) in (401, 403)


@pytest.mark.parametrize("way", ENDS, ids=lambda way: way.__name__)
async def test_who_sits_by_it_without_an_access_token_goes_within_a_second_of_being(start: Starter, way: Way) -> None:
    scene = await shared(await start())
    owner, socket = await owner_sits(scene), await scene.live.connect()
    await hello(socket, scene.link)
    assert (await ask(socket, 2, "join", display_name="Eve"))["type"] == "response"
    assert await way(scene) in (200, 204)
    assert await close_frame(socket) == UNAUTHORIZED
    async with asyncio.timeout(5):
        while (event := await owner.receive_json())["type"] != "participant.left":
            continue
    assert event["reason"] == "revoked"


@pytest.mark.parametrize("ban", [False, True])
async def test_who_was_removed_does_not_return_by_a_new_one_on_another_device(start: Starter, ban: bool) -> None:
    scene = await shared(await start())
    owner, socket = await owner_sits(scene), await scene.live.connect()
    await hello(socket, scene.link)
    joined = await ask(socket, 2, "join", display_name="Eve")
    await ask(owner, 4, "participant.remove", participant_id=joined["result"]["participant_id"], ban=ban)
    scene.live.server.clock.shift_s += 2  # type: ignore[attr-defined]
    fetched = await scene.fetch()
    assert fetched.status == 201
    again = await scene.live.connect()
    wish = {"type": "hello", "id": 1, "protocol": 1, "token": fetched.body["token"], "device_id": "d" * 16}
    await again.send_json(wish)
    assert (await again.receive_json(timeout=5))["code"] in ("forbidden", "unauthorized")


async def test_a_deleted_meeting_is_over_for_every_invitation_to_it_also_those_made_elsewhere(start: Starter) -> None:
    scene = await shared(await start())
    owner, seated, greeted = await owner_sits(scene), await scene.live.connect(), await scene.live.connect()
    by_command = scene.live.invite(scene.meeting_id)
    inside = (await ask(owner, 7, "invitation.create", role="host", shared=True))["result"]["token"]
    await hello(seated, by_command)
    assert (await ask(seated, 2, "join", display_name="Eve"))["type"] == "response"
    await hello(greeted, inside)
    assert await left_without_the_meeting(scene) == 204
    assert [await close_frame(socket) for socket in (owner, seated, greeted)] == [UNAUTHORIZED] * 3
    assert scene.live.server.hub.sizes()["participants"] == 0
    for token in (scene.link, by_command, inside, scene.live.invite(scene.meeting_id)):
        socket = await scene.live.connect()
        assert (await hello(socket, token))["code"] == "unauthorized"
        await socket.close()
