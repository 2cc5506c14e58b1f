import time
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.support.account_client import call, make_account, token_of
from tests.support.live import Live, Starter, ask, closed_with, hello

from conclave.model.accounts import SystemRole
from conclave.model.roles import Role


async def owner_of_a_meeting(live: Live) -> tuple[str, str]:
    """Return the owner's access token and the path of the meeting."""
    token = await token_of(live, await make_account(live))
    made = await call(live, "POST", "/me/meetings", {"title": "Weekly"}, token=token)
    return token, f"/meetings/{made.body['meeting_id']}"


async def invited(live: Live, token: str, meeting: str, **wish: Any) -> dict[str, Any]:
    answer = await call(live, "POST", f"{meeting}/invitations", wish, token=token)
    assert answer.status == 201, answer.body
    return dict(answer.body)


async def listed(live: Live, token: str, meeting: str) -> list[dict[str, Any]]:
    answer = await call(live, "GET", f"{meeting}/invitations", token=token)
    assert answer.status == 200
    return list(answer.body["invitations"])


async def opened(live: Live, token: str, meeting: str) -> aiohttp.ClientWebSocketResponse:
    """Open the meeting and take the owner's seat; return the socket."""
    socket = await live.connect()
    await hello(socket, (await call(live, "POST", f"{meeting}/link", token=token)).body["token"])
    await ask(socket, 2, "meeting.create", title="Weekly")
    await ask(socket, 3, "join", display_name="Ada")
    return socket


async def test_an_invitation_is_personal_unless_a_shared_one_is_wanted(start: Starter) -> None:
    live = await start()
    token, meeting = await owner_of_a_meeting(live)
    for shared, seats, name in ((False, 1, "Bob"), (True, 0, None)):
        made = await invited(live, token, meeting, role="viewer", shared=shared, label=" Bob ", expires_in_s=600, uses=2)
        claims = live.server.invitations.verify(made["token"], time.time())
        assert (claims.role, claims.seats, claims.uses, claims.name) == (Role.VIEWER, seats, 2, name)
        assert (claims.jti, claims.exp, f"/#{made['token']}") == (made["jti"], made["expires_at_s"], made["path"])
        assert claims.exp - claims.iat == 600


async def test_invitations_are_listed_without_their_tokens(start: Starter) -> None:
    live = await start()
    token, meeting = await owner_of_a_meeting(live)
    made = await invited(live, token, meeting, label="Bob")
    assert await listed(live, token, meeting) == [
        {
            "jti": made["jti"], "role": "participant", "seats": 1, "max_uses": 0, "uses": 0, "present": 0,
            "expires_at_s": made["expires_at_s"], "label": "Bob", "revoked": False,
        }
    ]  # fmt: skip


async def test_while_the_meeting_goes_on_the_list_says_who_came_by_what(start: Starter) -> None:
    live = await start()
    token, meeting = await owner_of_a_meeting(live)
    made = await invited(live, token, meeting, label="Bob")
    host, guest = await opened(live, token, meeting), await live.connect()
    await hello(guest, made["token"])
    await ask(guest, 2, "join", display_name="Robert")
    inside = await ask(host, 4, "invitation.create", role="viewer", label="Carol")
    found = {one["label"]: one for one in await listed(live, token, meeting)}
    assert {label: (one["uses"], one["present"]) for label, one in found.items()} == {
        "Bob": (1, 1),
        "ada": (1, 1),
        "Carol": (0, 0),
    }
    seen_inside = {one["label"] for one in (await ask(host, 5, "invitation.list"))["result"]["invitations"]}
    assert seen_inside == {"Bob", "ada", "Carol"}
    jti = found["Carol"]["jti"]
    assert (await call(live, "POST", f"{meeting}/invitations/{jti}/revoke", {}, token=token)).status == 204
    refused = await hello(await live.connect(), inside["result"]["token"])
    assert (refused["code"], refused["detail"]) == ("unauthorized", "the invitation was revoked")


@pytest.mark.parametrize("remove", [False, True])
async def test_a_revoked_invitation_lets_nobody_in_and_removes_whom_one_wants_to(start: Starter, remove: bool) -> None:
    live = await start()
    token, meeting = await owner_of_a_meeting(live)
    made = await invited(live, token, meeting)
    host, guest = await opened(live, token, meeting), await live.connect()
    await hello(guest, made["token"])
    await ask(guest, 2, "join", display_name="Bob")
    path = f"{meeting}/invitations/{made['jti']}/revoke"
    assert (await call(live, "POST", path, {"remove": remove}, token=token)).status == 204
    if remove:
        assert await closed_with(guest) is not None
    else:
        assert (await ask(guest, 3, "ping"))["type"] == "response"
    assert (await hello(await live.connect(), made["token"]))["code"] == "unauthorized"
    (mine,) = [one for one in await listed(live, token, meeting) if one["jti"] == made["jti"]]
    assert (mine["revoked"], mine["present"]) == (True, int(not remove))
    await host.close()


async def test_nobody_revokes_by_the_id_of_another_meeting(start: Starter) -> None:
    live = await start()
    token, meeting = await owner_of_a_meeting(live)
    jti = (await invited(live, token, meeting))["jti"]
    eve = await token_of(live, await make_account(live, "eve"))
    other = (await call(live, "POST", "/me/meetings", {"title": "Eve's"}, token=eve)).body["meeting_id"]
    for path, status in ((f"/meetings/{other}/invitations/{jti}", 404), (f"{meeting}/invitations/{jti}", 404)):
        assert (await call(live, "POST", f"{path}/revoke", {}, token=eve)).status == status
    assert [one["revoked"] for one in await listed(live, token, meeting)] == [False]


async def test_a_meeting_that_is_none_has_no_invitations(start: Starter) -> None:
    live = await start()
    admin = await token_of(live, await make_account(live, "root", SystemRole.ADMIN))
    assert (await call(live, "GET", f"/meetings/{'x' * 16}/invitations", token=admin)).status == 404


async def test_a_restart_forgets_no_invitation(tmp_path: Path) -> None:
    live = await Live.start(tmp_path)
    try:
        token, meeting = await owner_of_a_meeting(live)
        jti = (await invited(live, token, meeting, label="Bob"))["jti"]
        assert (await call(live, "POST", f"{meeting}/invitations/{jti}/revoke", {}, token=token)).status == 204
        await invited(live, token, meeting, label="Carol")
    finally:
        await live.stop()
    again = await Live.start(tmp_path)
    try:
        found = {one["label"]: one["revoked"] for one in await listed(again, token, meeting)}
    finally:
        await again.stop()
    assert found == {"Bob": True, "Carol": False}


async def test_a_label_cannot_hide_what_it_says(start: Starter) -> None:
    live = await start()
    token, meeting = await owner_of_a_meeting(live)
    await invited(live, token, meeting, label="B\u202eob\u0000")
    assert [one["label"] for one in await listed(live, token, meeting)] == ["Bob"]
    for label, status in (("\u200b", 400), ("x" * 65, 400)):
        assert (await call(live, "POST", f"{meeting}/invitations", {"label": label}, token=token)).status == status
