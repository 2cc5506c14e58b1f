from pathlib import Path

import pytest
from tests.support.account_client import PASSWORD, call, log_in, make_account, token_of
from tests.support.live import Live, Starter

from conclave.model.accounts import SystemRole


async def administrator(live: Live) -> tuple[str, str]:
    root = await make_account(live, "root", SystemRole.ADMIN)
    return root.user_id, await token_of(live, root)


async def test_accounts_are_listed_in_pages(start: Starter) -> None:
    live = await start()
    _, token = await administrator(live)
    for name in ("a", "b", "c"):
        await make_account(live, name)
    first = (await call(live, "GET", "/users?limit=2", token=token)).body
    assert ([user["username"] for user in first["users"]], first["next"]) == (["a", "b"], "b")
    second = (await call(live, "GET", "/users?limit=2&after=b", token=token)).body
    assert ([user["username"] for user in second["users"]], second["next"]) == (["c", "root"], None)
    for limit in ("0", "101", "x", "-1", "1e1", ""):
        assert (await call(live, "GET", f"/users?limit={limit}", token=token)).status == 400


async def test_an_administrator_changes_role_and_grants(start: Starter) -> None:
    live = await start()
    _, token = await administrator(live)
    ada = await make_account(live)
    changed = await call(live, "PATCH", f"/users/{ada.user_id}", {"role": "viewer", "grants": ["delete"]}, token=token)
    assert (changed.status, changed.body["role"], changed.body["permissions"]) == (200, "viewer", ["delete", "read"])
    assert (await call(live, "GET", f"/users/{ada.user_id}", token=token)).body == changed.body
    text = (Path(live.server.settings.state.directory) / "audit.jsonl").read_text()
    assert "permission_changed" in text


async def test_a_deactivated_account_is_out_at_once_and_can_come_back(start: Starter) -> None:
    live = await start()
    _, token = await administrator(live)
    ada = await make_account(live, password=PASSWORD)
    body = (await log_in(live)).body
    assert (await call(live, "PATCH", f"/users/{ada.user_id}", {"active": False}, token=token)).status == 200
    assert (await call(live, "GET", "/me", token=body["access_token"])).status == 401
    assert (await call(live, "POST", "/auth/refresh", {"refresh_token": body["refresh_token"]})).status == 401
    assert (await log_in(live)).status == 401
    assert (await call(live, "PATCH", f"/users/{ada.user_id}", {"active": True}, token=token)).status == 200
    assert (await log_in(live)).status == 200
    assert (await call(live, "GET", "/me", token=body["access_token"])).status == 401


async def test_the_last_administrator_cannot_resign(start: Starter) -> None:
    live = await start()
    root_id, token = await administrator(live)
    for wish in ({"active": False}, {"role": "user"}):
        answer = await call(live, "PATCH", f"/users/{root_id}", wish, token=token)
        assert (answer.status, answer.code) == (403, "forbidden")


async def test_an_administrator_signs_somebody_out(start: Starter) -> None:
    live = await start()
    _, token = await administrator(live)
    ada = await make_account(live, password=PASSWORD)
    body = (await log_in(live)).body
    assert (await call(live, "POST", f"/users/{ada.user_id}/revoke", token=token)).status == 204
    assert (await call(live, "GET", "/me", token=body["access_token"])).status == 401
    assert (await call(live, "POST", "/auth/refresh", {"refresh_token": body["refresh_token"]})).status == 401


@pytest.mark.parametrize("path", ["/users/" + "x" * 16, "/users/x", "/users/..%2fme"])
async def test_who_is_not_there_is_not_found(start: Starter, path: str) -> None:
    live = await start()
    _, token = await administrator(live)
    assert (await call(live, "GET", path, token=token)).status == 404


@pytest.mark.parametrize(
    "wish", [{"role": "root"}, {"grants": ["everything"]}, {"active": "no"}, {"username": "x"}, {"role": None}]
)
async def test_a_wish_that_makes_no_sense_is_refused(start: Starter, wish: dict[str, object]) -> None:
    live = await start()
    _, token = await administrator(live)
    ada = await make_account(live)
    assert (await call(live, "PATCH", f"/users/{ada.user_id}", wish, token=token)).status == 400
