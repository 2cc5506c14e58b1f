from pathlib import Path

from tests.support.account_client import PASSWORD, call, log_in, make_account, token_of
from tests.support.live import starting

from conclave.model.accounts import SystemRole
from conclave.store.stores import Stores


async def test_a_server_over_either_database_serves_accounts(stores: Stores, store_url: str, tmp_path: Path) -> None:
    assert list(await stores.accounts.listed("", 1)) == []
    async with starting(tmp_path) as start:
        live = await start({"store": {"url": store_url}, "accounts": {"registration": "open"}})
        root = await make_account(live, "root", SystemRole.ADMIN)
        wish = {"username": "Ada", "password": PASSWORD}
        ada = (await call(live, "POST", "/auth/register", wish)).body
        body = (await log_in(live)).body
        refreshed = await call(live, "POST", "/auth/refresh", {"refresh_token": body["refresh_token"]})
        assert refreshed.status == 200
        made = await call(live, "POST", "/me/meetings", {"title": "Weekly"}, token=body["access_token"])
        share = f"/meetings/{made.body['meeting_id']}/shares/{root.user_id}"
        assert (await call(live, "PUT", share, {"role": "viewer"}, token=body["access_token"])).status == 200
        change = await call(live, "PATCH", f"/users/{ada['user_id']}", {"active": False}, token=await token_of(live, root))
        assert (change.status, change.body["active"]) == (200, False)
        assert (await call(live, "GET", "/me", token=refreshed.body["access_token"])).status == 401
        assert (await log_in(live)).status == 401


async def test_what_no_column_can_hold_is_refused_before_the_database(stores: Stores, store_url: str, tmp_path: Path) -> None:
    assert list(await stores.accounts.listed("", 1)) == []
    async with starting(tmp_path) as start:
        live = await start({"store": {"url": store_url}, "accounts": {"registration": "open"}})
        token = await token_of(live, await make_account(live, "root", SystemRole.ADMIN))
        assert (await log_in(live, "a\0b")).status == 401
        assert (await log_in(live, "\ud7ff\uffff")).status == 401
        assert (await call(live, "POST", "/auth/register", {"username": "a\0b", "password": PASSWORD})).status == 400
        assert (await call(live, "POST", "/me/meetings", {"title": "a\0b"}, token=token)).status == 400
        assert (await call(live, "GET", "/users?after=%00", token=token)).status == 200
        assert (await call(live, "GET", "/users/%00", token=token)).status == 404
        long = {"username": "a" * 64, "password": PASSWORD, "email": "b@" + "c" * 190}
        assert (await call(live, "POST", "/auth/register", long)).status == 201
