import asyncio
import json
import re

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from tests.support.live import Starter

from conclave.edge.application import build, check_operator, check_service_token, collect, handles
from conclave.edge.problem import Problem
from conclave.edge.routes import ROUTES, Access


def test_a_handler_without_a_rule_cannot_be_declared() -> None:
    with pytest.raises(TypeError, match="has no rule"):
        handles("no_such_route")


def test_a_route_without_a_handler_stops_the_start() -> None:
    with pytest.raises(TypeError, match="without a handler"):
        build((), lambda *_: None, lambda *_: None)


def test_routes_for_accounts_without_a_gate_stop_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conclave.edge.application.collect", lambda _: {})
    with pytest.raises(TypeError, match="without a gate"):
        build((), lambda *_: None, lambda *_: None)


def test_two_handlers_of_one_route_stop_the_start() -> None:
    class Double:
        @handles("healthz")
        async def one(self, _request: web.Request) -> web.Response:
            return web.Response()

        @handles("healthz")
        async def two(self, _request: web.Request) -> web.Response:
            return web.Response()

    with pytest.raises(TypeError, match="two handlers"):
        collect((Double(),))


async def test_every_route_of_the_table_is_served(start: Starter) -> None:
    live = await start()
    for route in ROUTES.values():
        path = re.sub(r"\{\w+\}", "x" * 16, route.path.replace("{path:.*}", ""))
        for method in route.methods:
            async with live.http.request(method, live.url + path) as response:
                assert response.status != 405, (method, path)
                assert "Content-Security-Policy" in response.headers
                assert response.headers["Server"] == "conclave"


async def test_an_unknown_method_is_405_and_names_what_is_allowed(start: Starter) -> None:
    live = await start()
    async with live.http.request("TRACE", f"{live.url}/healthz") as response:
        assert response.status == 405
        assert "GET" in response.headers["Allow"]
        assert json.loads(await response.text())["code"] == "invalid"


async def test_an_error_of_ours_shows_only_its_incident(start: Starter, monkeypatch: pytest.MonkeyPatch) -> None:
    live = await start()
    monkeypatch.setattr(live.server.metrics.registry, "collect", lambda: 1 / 0)
    async with live.http.get(f"{live.url}/metrics") as response:
        body = json.loads(await response.text())
    assert response.status == 500
    assert len(body["incident"]) == 16
    assert "division" not in json.dumps(body)


def test_no_token_is_no_way_in() -> None:
    request = make_mocked_request("GET", "/", headers={"Authorization": "Bearer x"})
    with pytest.raises(Problem):
        check_service_token(request, "")
    with pytest.raises(Problem):
        check_operator(request, "")


async def test_every_route_that_is_not_public_refuses_who_brings_nothing(start: Starter) -> None:
    live = await start()
    guarded = [route for route in ROUTES.values() if route.access in (Access.CREATION, Access.INVITATION, Access.RESOURCE)]
    assert guarded
    for route in guarded:
        path = route.path.replace("{meeting_id}", "m" * 16).replace("{resource_id}", "r" * 16)
        for method in route.methods:
            body = b"x" if route.body_bytes else None
            headers = {"Content-Type": "application/sdp"}
            async with live.http.request(method, live.url + path, data=body, headers=headers) as response:
                assert response.status == 401, (method, path)


async def test_a_body_that_does_not_come_is_not_waited_for(start: Starter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conclave.edge.application.BODY_TIMEOUT_S", 0.05)
    live = await start()
    reader, writer = await asyncio.open_connection("127.0.0.1", live.server.port, ssl=live.tls, server_hostname="127.0.0.1")
    writer.write(
        b"POST /whip/AAAAAAAAAAAAAAAA HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer x\r\n"
        b"Content-Type: application/sdp\r\nContent-Length: 100\r\n\r\nv=0"
    )
    answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 408 ")
    writer.transport.abort()
