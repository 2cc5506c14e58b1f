import pytest
from tests.support.live import Starter

TOKEN = "m" * 32


async def test_health_says_that_the_process_answers(start: Starter) -> None:
    live = await start()
    async with live.http.get(f"{live.url}/healthz") as response:
        assert response.status == 200
        assert await response.text() == "ok\n"


async def test_readiness_names_each_door(start: Starter) -> None:
    live = await start()
    async with live.http.get(f"{live.url}/readyz") as response:
        assert response.status == 200
        assert await response.text() == "plane ok\naudit ok\nstore ok\n"


async def test_metrics_are_for_loopback_and_count_by_declared_route(start: Starter) -> None:
    live = await start()
    await live.http.get(f"{live.url}/whip/secret-name")
    async with live.http.get(f"{live.url}/metrics") as response:
        text = await response.text()
    assert response.status == 200
    assert "conclave_plane_packets_in_total" in text
    assert "secret-name" not in text


@pytest.mark.parametrize("header", ["Forwarded", "X-Forwarded-For", "X-Real-IP", "Via"])
async def test_behind_a_proxy_loopback_needs_the_token_too(start: Starter, header: str) -> None:
    live = await start({"telemetry": {"metrics_token": TOKEN}})
    async with live.http.get(f"{live.url}/metrics", headers={header: "x"}) as response:
        assert response.status == 401
    async with live.http.get(f"{live.url}/metrics", headers={header: "x", "Authorization": f"Bearer {TOKEN}"}) as response:
        assert response.status == 200


async def test_without_a_web_client_the_root_is_not_found(start: Starter) -> None:
    live = await start()
    async with live.http.get(live.url) as response:
        assert response.status == 404


async def test_the_web_client_is_served_with_etag_and_strict_policy(start: Starter) -> None:
    live = await start({"client": {"directory": "client_demo"}})
    async with live.http.get(f"{live.url}/") as response:
        assert response.status == 200
        assert "script-src 'self'" in response.headers["Content-Security-Policy"]
        etag = response.headers["ETag"]
    async with live.http.get(f"{live.url}/", headers={"If-None-Match": etag}) as response:
        assert response.status == 304
