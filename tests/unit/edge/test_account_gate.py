import msgspec
import pytest
from aiohttp.test_utils import make_mocked_request
from tests.support.account_client import PASSWORD, Browser, call, make_account, token_of
from tests.support.live import Live, Starter

from conclave.edge.account_gate import authority_of
from conclave.edge.problem import Problem
from conclave.model.accounts import SystemRole


async def test_without_credentials_nobody_passes(start: Starter) -> None:
    live = await start()
    answer = await call(live, "GET", "/me")
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("value", ["", "Bearer", "Bearer x", "Basic YTpi", "Bearer " + "x" * 5_000, "Bearer a.b.c"])
async def test_a_bad_header_is_401_even_beside_a_good_cookie(start: Starter, value: str) -> None:
    live = await start()
    await make_account(live, password=PASSWORD)
    page = Browser(live)
    await page.log_in()
    assert (await page.call("GET", "/me", headers={"Authorization": value})).status == 401


@pytest.mark.parametrize("cookie", ["x", "x" * 43, "'; DROP TABLE sign_ins; --"])
async def test_a_cookie_that_was_never_given_is_401(start: Starter, cookie: str) -> None:
    live = await start()
    assert (await call(live, "GET", "/me", cookie=cookie)).status == 401


async def test_a_handler_that_the_gate_does_not_guard_gets_nobody() -> None:
    with pytest.raises(Problem) as caught:
        authority_of(make_mocked_request("GET", "/"))
    assert caught.value.status == 401


async def test_a_network_that_asks_too_often_waits(start: Starter) -> None:
    live = await start({"accounts": {"requests_per_s_per_source": 1}})
    statuses = [(await call(live, "GET", "/me")).status for _ in range(12)]
    assert statuses[:10] == [401] * 10
    assert 429 in statuses[10:]


async def test_a_change_of_role_is_in_force_at_the_next_request(start: Starter) -> None:
    live = await start()
    await make_account(live, "root", SystemRole.ADMIN)
    other = await make_account(live, "other", SystemRole.ADMIN)
    token = await token_of(live, other)
    assert (await call(live, "GET", "/users", token=token)).status == 200
    await live.server.accounts.stores.accounts.change(other.user_id, role=SystemRole.USER)
    assert (await call(live, "GET", "/users", token=token)).status == 401


async def test_a_session_that_idles_is_over_and_one_in_use_goes_on(start: Starter) -> None:
    live = await start({"accounts": {"browser_idle_s": 120}})
    await make_account(live, password=PASSWORD)
    page = Browser(live)
    await page.log_in()
    turn(live, 100)
    assert (await page.call("GET", "/me")).status == 200
    turn(live, 100)
    assert (await page.call("GET", "/me")).status == 200
    turn(live, 121)
    assert (await page.call("GET", "/me")).status == 401


async def test_a_session_in_use_ends_at_its_absolute_limit(start: Starter) -> None:
    live = await start({"accounts": {"browser_idle_s": 500, "browser_lifetime_s": 600}})
    await make_account(live, password=PASSWORD)
    page = Browser(live)
    await page.log_in()
    statuses = []
    for _ in range(3):
        turn(live, 250)
        statuses.append((await page.call("GET", "/me")).status)
    assert statuses == [200, 200, 401]


def turn(live: Live, seconds: float) -> None:
    """Push the server's calendar forward."""
    live.server.clock.shift_s += seconds  # type: ignore[attr-defined]


async def test_an_authority_never_prints_more_than_an_id(start: Starter) -> None:
    from conclave.edge.account_gate import Authority
    from conclave.model.accounts import SignInId

    account = await make_account(await start())
    authority = Authority(account, SignInId("s" * 16), "secret")
    assert repr(authority) == f"Authority({account.user_id})"
    assert msgspec.structs.replace(authority).secret == "secret"
