import jwt
import pytest
from tests.support.account_client import PASSWORD, Browser, call, log_in, make_account
from tests.support.live import Starter

NEW = "violet heron at dusk"


async def test_a_log_in_gives_tokens_that_work_and_say_who_one_is(start: Starter) -> None:
    live = await start()
    account = await make_account(live, password=PASSWORD)
    answer = await log_in(live)
    assert answer.status == 200
    assert answer.cookie is None
    assert answer.headers["Cache-Control"] == "no-store"
    assert (answer.body["token_type"], answer.body["expires_in_s"], answer.body["csrf_token"]) == ("Bearer", 1_800, None)
    me = await call(live, "GET", "/me", token=answer.body["access_token"])
    assert (me.status, me.body["user_id"], me.body["username"]) == (200, account.user_id, "ada")
    payload = jwt.decode(answer.body["refresh_token"], options={"verify_signature": False})
    assert (payload["type"], payload["exp"] - payload["iat"]) == ("refresh", 7 * 86_400)


async def test_refresh_tokens_rotate_and_the_access_token_of_the_family_stays(start: Starter) -> None:
    live = await start()
    await make_account(live, password=PASSWORD)
    first = (await log_in(live)).body
    second = await call(live, "POST", "/auth/refresh", {"refresh_token": first["refresh_token"]})
    assert second.status == 200
    assert second.body["refresh_token"] != first["refresh_token"]
    assert second.body["sign_in_id"] == first["sign_in_id"]
    for token in (first["access_token"], second.body["access_token"]):
        assert (await call(live, "GET", "/me", token=token)).status == 200


async def test_log_out_ends_this_sign_in_and_no_other(start: Starter) -> None:
    live = await start()
    await make_account(live, password=PASSWORD)
    one, two = (await log_in(live)).body, (await log_in(live)).body
    assert (await call(live, "POST", "/auth/logout", token=one["access_token"])).status == 204
    assert (await call(live, "GET", "/me", token=one["access_token"])).status == 401
    assert (await call(live, "POST", "/auth/refresh", {"refresh_token": one["refresh_token"]})).status == 401
    assert (await call(live, "GET", "/me", token=two["access_token"])).status == 200


async def test_log_out_everywhere_ends_all_of_ones_own_and_nobody_elses(start: Starter) -> None:
    live = await start()
    await make_account(live, password=PASSWORD)
    await make_account(live, "eve", password=PASSWORD)
    one, two, foreign = (await log_in(live)).body, (await log_in(live)).body, (await log_in(live, "eve")).body
    assert (await call(live, "POST", "/auth/logout-all", token=one["access_token"])).status == 204
    for body in (one, two):
        assert (await call(live, "GET", "/me", token=body["access_token"])).status == 401
        assert (await call(live, "POST", "/auth/refresh", {"refresh_token": body["refresh_token"]})).status == 401
    assert (await call(live, "GET", "/me", token=foreign["access_token"])).status == 200
    assert (await log_in(live)).status == 200


@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
async def test_a_token_of_ones_own_can_be_revoked_by_itself(start: Starter, which: str) -> None:
    live = await start()
    await make_account(live, password=PASSWORD)
    one, two = (await log_in(live)).body, (await log_in(live)).body
    assert (await call(live, "POST", "/auth/revoke", {"token": one[which]}, token=two["access_token"])).status == 204
    assert (await call(live, "GET", "/me", token=one["access_token"])).status == 401
    expected = 200 if which == "access_token" else 401
    assert (await call(live, "POST", "/auth/refresh", {"refresh_token": one["refresh_token"]})).status == expected
    assert (await call(live, "GET", "/me", token=two["access_token"])).status == 200


async def test_a_new_password_ends_every_sign_in_and_begins_a_new_one(start: Starter) -> None:
    live = await start()
    await make_account(live, password=PASSWORD)
    one, two = (await log_in(live)).body, (await log_in(live)).body
    wish = {"current_password": PASSWORD, "new_password": NEW}
    changed = await call(live, "POST", "/auth/password", wish, token=one["access_token"])
    assert changed.status == 200
    for body in (one, two):
        assert (await call(live, "GET", "/me", token=body["access_token"])).status == 401
        assert (await call(live, "POST", "/auth/refresh", {"refresh_token": body["refresh_token"]})).status == 401
    assert (await call(live, "GET", "/me", token=changed.body["access_token"])).status == 200
    assert (await log_in(live)).status == 401
    assert (await log_in(live, password=NEW)).status == 200


async def test_a_new_password_needs_the_old_one_and_the_lock_counts(start: Starter) -> None:
    live = await start()
    await make_account(live, password=PASSWORD)
    token = (await log_in(live)).body["access_token"]
    for _ in range(5):
        answer = await call(live, "POST", "/auth/password", {"current_password": "wrong", "new_password": NEW}, token=token)
        assert (answer.status, answer.code) == (403, "forbidden")
    right = {"current_password": PASSWORD, "new_password": NEW}
    assert (await call(live, "POST", "/auth/password", right, token=token)).status == 403


async def test_who_locks_a_name_from_outside_keeps_its_owner_from_no_new_password(start: Starter) -> None:
    live = await start()
    await make_account(live, password=PASSWORD)
    token = (await log_in(live)).body["access_token"]
    for _ in range(5):
        await log_in(live, password="wrong")
    assert (await log_in(live)).status == 401
    wish = {"current_password": PASSWORD, "new_password": NEW}
    assert (await call(live, "POST", "/auth/password", wish, token=token)).status == 200
    assert (await log_in(live, password=NEW)).status == 401


async def test_a_bad_new_password_changes_nothing(start: Starter) -> None:
    live = await start()
    await make_account(live, password=PASSWORD)
    token = (await log_in(live)).body["access_token"]
    wish = {"current_password": PASSWORD, "new_password": "password1234"}
    assert (await call(live, "POST", "/auth/password", wish, token=token)).status == 400
    assert (await call(live, "GET", "/me", token=token)).status == 200


async def test_a_browser_gets_a_cookie_and_a_token_for_its_headers(start: Starter) -> None:
    live = await start()
    await make_account(live, password=PASSWORD)
    page = Browser(live)
    answer = await page.log_in()
    assert (answer.status, answer.body["refresh_token"]) == (200, None)
    assert page.cookie is not None
    assert page.cookie not in str(answer.body)
    session = await page.call("GET", "/auth/session")
    assert (session.status, session.body["csrf_token"]) == (200, page.csrf)
    token = await page.call("POST", "/auth/token")
    assert (await call(live, "GET", "/me", token=token.body["access_token"])).status == 200


async def test_a_browser_logs_out_and_its_cookie_and_tokens_are_void(start: Starter) -> None:
    live = await start()
    await make_account(live, password=PASSWORD)
    page = Browser(live)
    access = (await page.log_in()).body["access_token"]
    old = page.cookie
    assert (await page.call("POST", "/auth/logout")).status == 204
    assert page.cookie is None
    assert (await call(live, "GET", "/me", cookie=old)).status == 401
    assert (await call(live, "GET", "/me", token=access)).status == 401


async def test_an_access_token_cannot_prolong_itself(start: Starter) -> None:
    live = await start()
    await make_account(live, password=PASSWORD)
    token = (await log_in(live)).body["access_token"]
    assert (await call(live, "POST", "/auth/token", token=token)).status == 403


async def test_a_browsers_new_password_gives_it_a_new_cookie(start: Starter) -> None:
    live = await start()
    await make_account(live, password=PASSWORD)
    page = Browser(live)
    await page.log_in()
    old = page.cookie
    changed = await page.call("POST", "/auth/password", {"current_password": PASSWORD, "new_password": NEW})
    assert changed.status == 200
    assert page.cookie not in (None, old)
    page.csrf = changed.body["csrf_token"]
    assert (await page.call("GET", "/me")).status == 200
    assert (await call(live, "GET", "/me", cookie=old)).status == 401
