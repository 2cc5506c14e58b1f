"""What other sites and planted cookies can do with somebody's browser session: nothing."""

import asyncio

import pytest
from tests.support.account_client import COOKIE, PASSWORD, Browser, call, log_in, make_account
from tests.support.live import Live

from conclave.edge.routes import ROUTES, Access
from conclave.edge.token_desk import Begun, TokenDesk
from conclave.model.accounts import Account, SignInKind

EVIL = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}


@pytest.fixture
async def page(live: Live) -> Browser:
    await make_account(live, password=PASSWORD)
    browser = Browser(live)
    assert (await browser.log_in()).status == 200
    return browser


CHANGING = [name for name, route in ROUTES.items() if route.access is Access.ACCOUNT and route.methods[0] != "GET"]


@pytest.mark.parametrize("name", CHANGING)
async def test_no_change_by_cookie_without_the_token_or_from_another_site(live: Live, page: Browser, name: str) -> None:
    path = ROUTES[name].path.removeprefix("/api/v1").replace("{", "").replace("}", "")
    for headers in (
        {"X-CSRF-Token": ""}, {"X-CSRF-Token": "guess"}, EVIL, {"Sec-Fetch-Site": "same-site"}, {"Sec-Fetch-Site": "cross-site"},
        {"Origin": "null"}, {"Origin": "https://evil.example"},
    ):  # fmt: skip
        answer = await page.call(ROUTES[name].methods[0], path, {} if ROUTES[name].body_bytes else None, headers)
        assert (answer.status, answer.code) == (403, "forbidden"), headers
    assert (await page.call("GET", "/me")).status == 200


async def test_a_form_of_another_site_neither_logs_in_nor_out(live: Live, page: Browser) -> None:
    for path in ("/auth/login", "/auth/register", "/auth/refresh"):
        answer = await page.call("POST", path, {"username": "ada", "password": PASSWORD, "browser": True}, EVIL)
        assert (answer.status, answer.cookie) == (403, None)
    url = f"{live.url}/api/v1/auth/login"
    for kind in ("application/x-www-form-urlencoded", "text/plain"):
        async with live.http.post(url, data=b'{"username":"ada"}', headers={"Content-Type": kind}) as response:
            assert response.status == 415


async def test_the_token_of_another_session_is_no_token(live: Live, page: Browser) -> None:
    other = Browser(live)
    await other.log_in()
    assert other.csrf != page.csrf
    answer = await page.call("POST", "/auth/logout-all", headers={"X-CSRF-Token": other.csrf})
    assert answer.status == 403


async def test_another_origin_reads_nothing_and_is_told_nothing(live: Live, page: Browser) -> None:
    answer = await page.call("GET", "/auth/session", headers=EVIL)
    assert answer.status == 403
    assert page.csrf not in str(answer.body)
    preflight = await call(live, "OPTIONS", "/me", headers={**EVIL, "Access-Control-Request-Method": "GET"})
    good = await page.call("GET", "/me")
    for headers in (preflight.headers, good.headers, answer.headers):
        assert not [name for name in headers if name.lower().startswith("access-control-")]
    assert good.headers["Cross-Origin-Resource-Policy"] == "same-origin"


async def test_a_planted_cookie_never_becomes_a_session(live: Live) -> None:
    await make_account(live, password=PASSWORD)
    planted = "p" * 43
    victim = Browser(live)
    victim.cookie = planted
    assert (await victim.log_in()).status == 200
    assert victim.cookie != planted
    assert (await call(live, "GET", "/me", cookie=planted)).status == 401


async def test_an_attackers_own_session_does_not_become_the_victims(live: Live) -> None:
    await make_account(live, password=PASSWORD)
    await make_account(live, "mallory", password=PASSWORD)
    attacker = Browser(live)
    await attacker.log_in("mallory")
    planted = attacker.cookie
    victim = Browser(live)
    victim.cookie = planted
    await victim.log_in()
    assert victim.cookie != planted
    assert (await victim.call("GET", "/me")).body["username"] == "ada"
    assert (await call(live, "GET", "/me", cookie=planted)).status == 401


async def test_each_log_in_of_one_browser_is_a_new_session_and_ends_the_old_one(live: Live, page: Browser) -> None:
    old = page.cookie
    await page.log_in()
    assert page.cookie != old
    assert (await call(live, "GET", "/me", cookie=old)).status == 401
    assert (await page.call("GET", "/me")).status == 200


async def test_two_session_cookies_at_once_are_none(live: Live, page: Browser) -> None:
    headers = {"Cookie": f"{COOKIE}={'p' * 43}; {COOKIE}={page.cookie}"}
    assert (await call(live, "GET", "/me", headers=headers)).status == 401


async def test_a_log_in_without_a_browser_sets_no_cookie(live: Live) -> None:
    await make_account(live, password=PASSWORD)
    assert "Set-Cookie" not in (await log_in(live)).headers


async def test_a_session_cookie_opens_no_socket(live: Live, page: Browser) -> None:
    socket = await live.connect(headers={"Cookie": f"{COOKIE}={page.cookie}"})
    await socket.send_json({"type": "join", "id": 1, "display_name": "Ada"})
    assert (await socket.receive_json(timeout=5))["code"] == "unauthorized"
    await socket.close()


async def test_a_log_in_with_the_old_password_that_a_new_one_overtakes_comes_to_nothing(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make_account(live, password=PASSWORD)
    token = (await log_in(live)).body["access_token"]
    verified, changed = asyncio.Event(), asyncio.Event()
    begin = TokenDesk.begin

    async def overtaken(desk: TokenDesk, account: Account, kind: SignInKind) -> Begun:
        verified.set()
        await changed.wait()
        return await begin(desk, account, kind)

    with monkeypatch.context() as slow:
        slow.setattr(TokenDesk, "begin", overtaken)
        theft = asyncio.create_task(log_in(live))
        await verified.wait()
    wish = {"current_password": PASSWORD, "new_password": "violet heron at dusk"}
    assert (await call(live, "POST", "/auth/password", wish, token=token)).status == 200
    changed.set()
    stolen = await theft
    assert (stolen.status, stolen.code) == (409, "conflict")
