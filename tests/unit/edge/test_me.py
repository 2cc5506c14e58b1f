from tests.support.account_client import PASSWORD, call, log_in, make_account
from tests.support.live import Starter


async def test_one_sees_where_one_is_signed_in_and_ends_it(start: Starter) -> None:
    live = await start()
    await make_account(live, password=PASSWORD)
    one, two = (await log_in(live)).body, (await log_in(live, browser=True)).body
    listed = (await call(live, "GET", "/me/sign-ins", token=one["access_token"])).body["sign_ins"]
    assert {entry["sign_in_id"]: (entry["kind"], entry["current"]) for entry in listed} == {
        one["sign_in_id"]: ("tokens", True),
        two["sign_in_id"]: ("browser", False),
    }
    ended = await call(live, "DELETE", f"/me/sign-ins/{two['sign_in_id']}", token=one["access_token"])
    assert ended.status == 204
    assert (await call(live, "GET", "/me", token=two["access_token"])).status == 401


async def test_a_foreign_sign_in_is_as_absent_as_none(start: Starter) -> None:
    live = await start()
    await make_account(live, password=PASSWORD)
    await make_account(live, "eve", password=PASSWORD)
    mine, foreign = (await log_in(live)).body, (await log_in(live, "eve")).body
    answers = [
        await call(live, "DELETE", f"/me/sign-ins/{sign_in_id}", token=mine["access_token"])
        for sign_in_id in (foreign["sign_in_id"], "x" * 16)
    ]
    assert [answer.status for answer in answers] == [404, 404]
    assert answers[0].body == answers[1].body
    assert (await call(live, "GET", "/me", token=foreign["access_token"])).status == 200
