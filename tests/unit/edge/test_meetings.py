import time
from typing import Any

import pytest
from tests.support.live import Starter, ask, hello

from conclave.model.roles import Role

TOKEN = "s" * 32
OPEN = {"meetings": {"open_creation": True}}


async def test_nobody_opens_a_meeting_by_default(start: Starter) -> None:
    live = await start()
    async with live.http.post(f"{live.url}/api/v1/meetings") as response:
        assert response.status == 401
        assert response.content_type == "application/problem+json"


async def test_the_service_token_opens_and_another_does_not(start: Starter) -> None:
    live = await start({"security": {"service_token": TOKEN}})
    for token, status in ((TOKEN, 201), ("x" * 32, 401), ("", 401)):
        headers = {"Authorization": f"Bearer {token}"}
        async with live.http.post(f"{live.url}/api/v1/meetings", headers=headers) as response:
            assert response.status == status


async def test_both_links_work_and_carry_their_role(start: Starter) -> None:
    live = await start(OPEN)
    async with live.http.post(f"{live.url}/api/v1/meetings", json={"expires_in_s": 60}) as response:
        assert response.status == 201
        body = await response.json()
    links = {link["role"]: link for link in body["invitations"]}
    assert links.keys() == {Role.HOST, Role.PARTICIPANT}
    assert links["host"]["path"] == f"/#{links['host']['token']}"
    socket = await live.connect()
    welcome = await hello(socket, links["host"]["token"])
    assert welcome["result"]["meeting_id"] == body["meeting_id"]
    assert (await ask(socket, 2, "meeting.create", title="x"))["type"] == "response"
    await socket.close()


@pytest.mark.parametrize("asked", [{}, {"json": {}}])
async def test_without_a_wish_links_live_as_long_as_the_settings_say(start: Starter, asked: dict[str, Any]) -> None:
    live = await start({"meetings": {"open_creation": True, "invitation_lifetime_s": 600}})
    before = time.time()
    async with live.http.post(f"{live.url}/api/v1/meetings", **asked) as response:
        body = await response.json()
    assert all(590 + before <= link["expires_at_s"] <= 610 + time.time() for link in body["invitations"])


async def test_opening_too_many_meetings_is_rate_limited(start: Starter) -> None:
    live = await start({**OPEN, "security": {"creations_per_min_per_source": 2}})
    statuses = []
    for _ in range(3):
        async with live.http.post(f"{live.url}/api/v1/meetings") as response:
            statuses.append(response.status)
    assert statuses == [201, 201, 429]


@pytest.mark.parametrize("body", ['{"expires_in_s": 1}', '{"unknown": 1}', "[]", "{", "\xff"])
async def test_a_wrong_wish_is_invalid(start: Starter, body: str) -> None:
    live = await start(OPEN)
    headers = {"Content-Type": "application/json"}
    async with live.http.post(f"{live.url}/api/v1/meetings", data=body.encode("latin-1"), headers=headers) as response:
        assert response.status == 400


async def test_a_foreign_origin_may_not_open_meetings(start: Starter) -> None:
    live = await start(OPEN)
    async with live.http.post(f"{live.url}/api/v1/meetings", headers={"Origin": "https://evil.example"}) as response:
        assert response.status == 403
