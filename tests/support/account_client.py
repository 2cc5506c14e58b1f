"""Accounts of a running server, and requests in their name."""

import os
from typing import Any

import aiohttp
import msgspec
from msgspec import Struct
from tests.support.live import Live

from conclave.model.accounts import Account, SignInId, SignInKind, SystemPermission, SystemRole, UserId
from conclave.model.ids import new_id

PASSWORD = "grey otter on a bicycle"

COOKIE = "__Host-conclave"


class Answer(Struct):
    """What came back. `cookie` is the value of the session cookie that was set, None when none was."""

    status: int
    body: Any
    headers: dict[str, str]
    cookie: str | None

    @property
    def code(self) -> str:
        """The outcome as the golden file writes it."""
        if self.status < 400:
            return "ok"
        return "unauthenticated" if self.status == 401 else str(self.body["code"])


async def make_account(
    live: Live,
    username: str = "ada",
    role: SystemRole = SystemRole.USER,
    *,
    password: str | None = None,
    active: bool = True,
    grants: frozenset[SystemPermission] = frozenset(),
) -> Account:
    """Put an account into the server's store; without a password nobody can log in to it."""
    accounts = live.server.accounts
    account = Account(
        user_id=UserId(new_id(os.urandom)),
        username=username,
        email=f"{username}@example.org",
        password_hash=await accounts.workers.hash(password) if password is not None else "!",
        role=role,
        active=active,
        grants=grants,
        created_at_s=1.0,
    )
    await accounts.stores.accounts.add(account)
    return account


async def token_of(live: Live, account: Account) -> str:
    """Sign the account in without a password; return its access token."""
    return (await live.server.accounts.desk.begin(account, SignInKind.TOKENS)).access_token


async def call(
    live: Live,
    method: str,
    path: str,
    json: object = None,
    *,
    token: str | None = None,
    cookie: str | None = None,
    headers: dict[str, str] | None = None,
) -> Answer:
    """Make a request; paths begin behind /api/v1."""
    sent = dict(headers or {})
    if token is not None:
        sent["Authorization"] = f"Bearer {token}"
    if cookie is not None:
        sent["Cookie"] = f"{COOKIE}={cookie}"
    url = live.url + (path if path.startswith("/.well-known") else f"/api/v1{path}")
    async with live.http.request(method, url, json=json, headers=sent) as response:
        raw = await response.read()
        is_json = "json" in response.headers.get("Content-Type", "")
        morsel = response.cookies.get(COOKIE)
        value = morsel.value if morsel is not None else None
        return Answer(response.status, msgspec.json.decode(raw) if is_json else raw, dict(response.headers), value)


async def log_in(live: Live, username: str = "ada", password: str = PASSWORD, **fields: Any) -> Answer:
    return await call(live, "POST", "/auth/login", {"username": username, "password": password, **fields})


class Browser:
    """A page of ours in a browser: it holds a cookie and sends what browsers send."""

    def __init__(self, live: Live) -> None:
        self.live = live
        self.cookie: str | None = None
        self.csrf = ""

    async def log_in(self, username: str = "ada", password: str = PASSWORD) -> Answer:
        answer = await self.call("POST", "/auth/login", {"username": username, "password": password, "browser": True})
        if answer.status == 200:
            self.csrf = answer.body["csrf_token"]
        return answer

    async def call(self, method: str, path: str, json: object = None, headers: dict[str, str] | None = None) -> Answer:
        sent = {"Origin": self.live.url, "Sec-Fetch-Site": "same-origin", "X-CSRF-Token": self.csrf} | (headers or {})
        answer = await call(self.live, method, path, json, cookie=self.cookie, headers=sent)
        if answer.cookie is not None:
            self.cookie = answer.cookie or None
        return answer


async def socket_of(live: Live, token: str, access_token: str) -> tuple[aiohttp.ClientWebSocketResponse, dict[str, Any]]:
    """Open a WebSocket and greet with an invitation and an access token; return it with the answer."""
    socket = await live.connect()
    await socket.send_json({"type": "hello", "id": 1, "protocol": 1, "token": token, "access_token": access_token})
    return socket, await socket.receive_json(timeout=5)


def a_sign_in_id() -> SignInId:
    return SignInId(new_id(os.urandom))
