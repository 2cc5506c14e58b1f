"""Reaching for what belongs to others by its id, and for memory by long bodies."""

import re
from collections.abc import AsyncIterator

import pytest
from tests.support.account_client import PASSWORD, call, log_in, make_account, token_of
from tests.support.live import Live

from conclave.edge.routes import ROUTES, Access
from conclave.model.accounts import SystemRole

WITH_ID = [name for name, route in ROUTES.items() if route.access is Access.ACCOUNT and "{" in route.path]


@pytest.mark.parametrize("name", WITH_ID)
async def test_anothers_id_does_what_an_id_of_nothing_does(live: Live, name: str) -> None:
    owner = await make_account(live, "owner", password=PASSWORD)
    mallory = await token_of(live, await make_account(live, "mallory"))
    body = (await log_in(live, "owner")).body
    made = await call(live, "POST", "/me/meetings", {"title": "Theirs"}, token=body["access_token"])
    invitations = f"/meetings/{made.body['meeting_id']}/invitations"
    jti = (await call(live, "POST", invitations, {"role": "host"}, token=body["access_token"])).body["jti"]
    ids = {"user_id": owner.user_id, "sign_in_id": body["sign_in_id"], "meeting_id": made.body["meeting_id"], "jti": jti}
    route = ROUTES[name]
    wish = {"role": "viewer"} if name in ("change_user", "share_meeting") else None
    path = route.path.removeprefix("/api/v1")
    foreign, nothing = [
        await call(live, route.methods[0], re.sub(r"\{(\w+)\}", fill, path), wish, token=mallory)
        for fill in (lambda match: ids[match[1]], lambda _: "x" * 16)
    ]
    assert foreign.status in (403, 404)
    assert (foreign.status, foreign.body) == (nothing.status, nothing.body)
    assert (await call(live, "GET", "/me", token=body["access_token"])).status == 200
    (invitation,) = (await call(live, "GET", invitations, token=body["access_token"])).body["invitations"]
    assert (invitation["jti"], invitation["revoked"]) == (jti, False)
    kept = await call(live, "GET", f"/meetings/{ids['meeting_id']}", token=body["access_token"])
    assert (kept.status, kept.body["title"]) == (200, "Theirs")


@pytest.mark.parametrize("name", [name for name in WITH_ID if "{meeting_id}" in ROUTES[name].path])
@pytest.mark.parametrize("odd", ["x%2e%2e", "%00", "'--", "%F0%9F%A6%8A", "x" * 2_000, "*", "%25"])
async def test_an_odd_id_is_only_an_id_that_is_not_there(live: Live, name: str, odd: str) -> None:
    token = await token_of(live, await make_account(live))
    path = re.sub(r"\{\w+\}", odd.replace("\\", ""), ROUTES[name].path).removeprefix("/api/v1")
    answer = await call(live, ROUTES[name].methods[0], path, {} if ROUTES[name].body_bytes else None, token=token)
    assert answer.status in (400, 404), answer.body


async def test_nobody_raises_himself(live: Live) -> None:
    account = await make_account(live, role=SystemRole.SERVICE)
    token = await token_of(live, account)
    for wish in ({"role": "admin"}, {"grants": ["admin"]}, {"active": True}):
        assert (await call(live, "PATCH", f"/users/{account.user_id}", wish, token=token)).status == 403
    assert (await call(live, "POST", "/registrations", {"role": "admin"}, token=token)).status == 403


async def test_nobody_shares_a_foreign_meeting_with_himself(live: Live) -> None:
    owner, root = await make_account(live, "owner"), await make_account(live, "root", SystemRole.ADMIN)
    made = await call(live, "POST", "/me/meetings", {"title": "Theirs"}, token=await token_of(live, owner))
    share = f"/meetings/{made.body['meeting_id']}/shares/{root.user_id}"
    token = await token_of(live, root)
    assert (await call(live, "PUT", share, {"role": "host"}, token=token)).status == 404
    assert (await call(live, "POST", f"/meetings/{made.body['meeting_id']}/link", token=token)).status == 404


TAKING = [name for name, route in ROUTES.items() if route.access in (Access.ACCOUNT, Access.CREDENTIALS) and route.body_bytes]


@pytest.mark.parametrize("name", TAKING)
async def test_a_long_body_is_refused_whether_it_says_so_or_not(live: Live, name: str) -> None:
    token = await token_of(live, await make_account(live, role=SystemRole.ADMIN))
    url = live.url + re.sub(r"\{\w+\}", "x" * 16, ROUTES[name].path)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield b" " * 1_024

    for data in (b" " * 65_536, endless()):
        async with live.http.request(ROUTES[name].methods[0], url, data=data, headers=headers) as response:
            takes_none = name in ("access_token", "logout", "logout_all", "meeting_link", "revoke_user")
            assert response.status in ((200, 201, 204, 403, 404, 413) if takes_none else (404, 413))
