"""Revoked access: at once, over HTTP and on sockets that are open, in every way in which it can be revoked."""

from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from tests.support.account_client import PASSWORD, call, log_in, make_account, socket_of, token_of
from tests.support.live import Live, ask, close_frame, open_meeting

from conclave.model.accounts import SystemRole
from conclave.model.roles import Role

UNAUTHORIZED = 4001


class Victim:
    """Somebody who is logged in and sits in a meeting with an access token."""

    def __init__(
        self, live: Live, user_id: str, body: dict[str, Any], socket: aiohttp.ClientWebSocketResponse, host: Any
    ) -> None:
        self.live = live
        self.user_id = user_id
        self.body = body
        self.socket = socket
        self.host = host

    @property
    def token(self) -> str:
        return str(self.body["access_token"])


async def seated(live: Live, username: str = "ada") -> Victim:
    account = await make_account(live, username, password=PASSWORD)
    body = (await log_in(live, username)).body
    meeting_id = live.new_meeting()
    host = await open_meeting(live, meeting_id)
    socket, answer = await socket_of(live, live.invite(meeting_id, Role.PARTICIPANT), body["access_token"])
    assert answer["type"] == "response"
    assert (await ask(socket, 2, "join", display_name="Ada"))["type"] == "response"
    return Victim(live, account.user_id, body, socket, host)


async def administrator(live: Live) -> str:
    return await token_of(live, await make_account(live, "root", SystemRole.ADMIN))


async def log_out(victim: Victim) -> int:
    return (await call(victim.live, "POST", "/auth/logout", token=victim.token)).status


async def log_out_everywhere(victim: Victim) -> int:
    return (await call(victim.live, "POST", "/auth/logout-all", token=victim.token)).status


async def revoke_the_token(victim: Victim) -> int:
    return (await call(victim.live, "POST", "/auth/revoke", {"token": victim.token}, token=victim.token)).status


async def revoke_the_family(victim: Victim) -> int:
    wish = {"token": victim.body["refresh_token"]}
    return (await call(victim.live, "POST", "/auth/revoke", wish, token=victim.token)).status


async def end_it_from_elsewhere(victim: Victim) -> int:
    other = (await log_in(victim.live)).body["access_token"]
    return (await call(victim.live, "DELETE", f"/me/sign-ins/{victim.body['sign_in_id']}", token=other)).status


async def change_the_password(victim: Victim) -> int:
    other = (await log_in(victim.live)).body["access_token"]
    wish = {"current_password": PASSWORD, "new_password": "violet heron at dusk"}
    return (await call(victim.live, "POST", "/auth/password", wish, token=other)).status


async def replay_a_refresh_token(victim: Victim) -> int:
    wish = {"refresh_token": victim.body["refresh_token"]}
    await call(victim.live, "POST", "/auth/refresh", wish)
    return (await call(victim.live, "POST", "/auth/refresh", wish)).status


async def deactivate(victim: Victim) -> int:
    token = await administrator(victim.live)
    return (await call(victim.live, "PATCH", f"/users/{victim.user_id}", {"active": False}, token=token)).status


async def change_the_role(victim: Victim) -> int:
    token = await administrator(victim.live)
    return (await call(victim.live, "PATCH", f"/users/{victim.user_id}", {"role": "viewer"}, token=token)).status


async def sign_out_by_administrator(victim: Victim) -> int:
    token = await administrator(victim.live)
    return (await call(victim.live, "POST", f"/users/{victim.user_id}/revoke", token=token)).status


WAYS = (
    log_out, log_out_everywhere, revoke_the_token, revoke_the_family, end_it_from_elsewhere, change_the_password,
    replay_a_refresh_token, deactivate, change_the_role, sign_out_by_administrator,
)  # fmt: skip


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
async def test_an_open_socket_closes_within_a_second_of_the_revocation(
    live: Live, way: Callable[[Victim], Awaitable[int]]
) -> None:
    victim, bystander = await seated(live), await seated(live, "eve")
    status = await way(victim)
    assert status in (200, 204, 401)
    assert await close_frame(victim.socket) == UNAUTHORIZED
    assert (await call(live, "GET", "/me", token=victim.token)).status == 401
    while (event := await victim.host.receive_json(timeout=5))["type"] != "participant.left":
        continue
    assert event["reason"] == "revoked"
    assert (await ask(bystander.socket, 9, "ping"))["type"] == "response"
    assert (await call(live, "GET", "/me", token=bystander.token)).status == 200


async def test_revoked_access_opens_no_new_socket(live: Live) -> None:
    victim = await seated(live)
    await log_out(victim)
    socket, answer = await socket_of(live, live.invite(live.new_meeting()), victim.token)
    assert answer["code"] == "unauthorized"
    await socket.close()


async def test_the_thief_and_the_owner_of_a_refresh_token_are_both_out(live: Live) -> None:
    await make_account(live, password=PASSWORD)
    stolen = (await log_in(live)).body["refresh_token"]
    thief = await call(live, "POST", "/auth/refresh", {"refresh_token": stolen})
    assert thief.status == 200
    assert (await call(live, "POST", "/auth/refresh", {"refresh_token": stolen})).status == 401
    assert (await call(live, "POST", "/auth/refresh", {"refresh_token": thief.body["refresh_token"]})).status == 401
    assert (await call(live, "GET", "/me", token=thief.body["access_token"])).status == 401
    assert (await log_in(live)).status == 200


async def test_an_old_generation_of_a_refresh_token_ends_the_newest(live: Live) -> None:
    await make_account(live, password=PASSWORD)
    generations = [(await log_in(live)).body["refresh_token"]]
    for _ in range(3):
        generations.append((await call(live, "POST", "/auth/refresh", {"refresh_token": generations[-1]})).body["refresh_token"])
    assert (await call(live, "POST", "/auth/refresh", {"refresh_token": generations[1]})).status == 401
    assert (await call(live, "POST", "/auth/refresh", {"refresh_token": generations[-1]})).status == 401
