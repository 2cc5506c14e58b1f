"""The key of account tokens is rotated under a running server: nobody is thrown out, and the old key signs nothing more."""

import os
import signal
from pathlib import Path
from typing import Any

import aiohttp
import jwt
from tests.support.server import ConclaveServer, serving
from tests.support.wait import until

WISH = {"username": "ada", "password": "grey otter on a bicycle"}


async def call(server: ConclaveServer, method: str, path: str, json: object = None, token: str = "") -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=server.tls)) as http,
        http.request(method, server.url + path, json=json, headers=headers) as answer,
    ):
        return answer.status, await answer.json(content_type=None) if answer.content_length else None


async def kids(server: ConclaveServer) -> list[str]:
    _, body = await call(server, "GET", "/.well-known/jwks.json")
    return [key["kid"] for key in body["keys"]]


def kid_of(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


async def test_a_running_server_takes_up_a_new_key_and_honours_tokens_of_the_old_one(tmp_path: Path) -> None:
    async with serving(tmp_path, settings={"accounts.registration": "open"}) as server:
        assert (await call(server, "POST", "/api/v1/auth/register", WISH))[0] == 201
        _, before = await call(server, "POST", "/api/v1/auth/login", WISH)
        (old,) = await kids(server)
        assert kid_of(before["access_token"]) == old
        await server.command("keys", "rotate")
        os.kill(server.pid, signal.SIGHUP)
        published = await until(lambda: kids(server), lambda found: found[0] != old, "a new key is published")
        assert published[1:] == [old]
        assert (await call(server, "GET", "/api/v1/me", token=before["access_token"]))[0] == 200
        refreshed = await call(server, "POST", "/api/v1/auth/refresh", {"refresh_token": before["refresh_token"]})
        _, after = await call(server, "POST", "/api/v1/auth/login", WISH)
        assert {kid_of(refreshed[1]["access_token"]), kid_of(after["access_token"])} == {published[0]}
        assert (await call(server, "GET", "/api/v1/me", token=after["access_token"]))[0] == 200
