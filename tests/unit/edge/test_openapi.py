import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from openapi_spec_validator import validate
from tests.support.live import Starter

from conclave.edge.openapi import EXCHANGES, PREFIXES, WITHOUT, describe
from conclave.edge.routes import ROUTES, Access

DOCUMENT = Path(__file__).parents[3] / "server" / "openapi.json"


def walk(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from walk(value)
    elif isinstance(node, list):
        for value in node:
            yield from walk(value)


def test_the_document_that_is_checked_in_is_the_codes() -> None:
    assert msgspec.json.decode(DOCUMENT.read_bytes()) == describe(), "run: conclave describe openapi > server/openapi.json"


def test_the_document_is_openapi_3_1() -> None:
    validate(describe())


def test_every_route_of_the_api_is_described_and_nothing_else() -> None:
    described = {name for name, route in ROUTES.items() if route.path.startswith(PREFIXES)} - WITHOUT
    assert described == set(EXCHANGES)
    paths = describe()["paths"]
    for name in described:
        assert set(paths[ROUTES[name].path]) >= {method.lower() for method in ROUTES[name].methods} - {"head"}


def test_every_reference_leads_somewhere_and_every_schema_is_used() -> None:
    document = describe()
    used = {node["$ref"] for node in walk(document) if "$ref" in node}
    assert used == {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}


def test_what_needs_an_account_says_so_and_says_how() -> None:
    for path, operations in describe()["paths"].items():
        for operation in operations.values():
            route = ROUTES[operation["operationId"]]
            assert route.path == path
            if route.access is Access.ACCOUNT:
                assert {"accessToken": []} in operation["security"]
                assert {"401", "403", "429"} <= set(operation["responses"])


async def test_a_body_that_is_too_long_is_refused_everywhere_also_where_none_is_read(start: Starter) -> None:
    live = await start()
    for path, operations in describe()["paths"].items():
        for method, operation in operations.items():
            url = live.url + re.sub(r"\{\w+\}", "x" * 16, path)
            async with live.http.request(method, url, data=b" " * 70_000) as response:
                assert response.status == 413, (method, path)
            assert "413" in operation["responses"]


def test_parameters_are_those_of_the_path() -> None:
    for path, operations in describe()["paths"].items():
        for operation in operations.values():
            named = [entry["name"] for entry in operation.get("parameters", []) if entry["in"] == "path"]
            assert named == re.findall(r"\{(\w+)\}", path)
