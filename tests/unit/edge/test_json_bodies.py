import pytest
from tests.support.account_client import call
from tests.support.live import Starter

from conclave.edge.account_routes import JSON_BYTES
from conclave.edge.json_bodies import JSON, json_response, no_content


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"x"', b"\xff", b"[" * 3_000, b'{"username":1}'])
async def test_what_is_no_body_of_this_kind_is_400_and_never_quoted(start: Starter, body: bytes) -> None:
    live = await start()
    headers = {"Content-Type": JSON}
    async with live.http.post(f"{live.url}/api/v1/auth/login", data=body, headers=headers) as response:
        assert response.status == 400
        assert (await response.json(content_type=None))["code"] == "invalid"


async def test_another_type_is_415_and_a_long_body_413(start: Starter) -> None:
    live = await start()
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        async with live.http.post(f"{live.url}/api/v1/auth/login", data=b"{}", headers={"Content-Type": kind}) as response:
            assert response.status == 415
    answer = await call(live, "POST", "/auth/login", {"username": "a", "password": "x" * JSON_BYTES})
    assert answer.status == 413


def test_a_result_is_json_and_nothing_is_nothing() -> None:
    response = json_response({"a": 1}, 201)
    assert (response.status, response.body, response.content_type) == (201, b'{"a":1}', JSON)
    assert no_content().status == 204
