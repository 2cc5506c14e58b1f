from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from conclave.signaling.asyncapi import describe
from conclave.signaling.messages import EVENTS, MESSAGES, type_of

DOCUMENT = Path(__file__).parents[3] / "server" / "asyncapi.json"


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for name, value in node.items():
            if name in ("$ref", "x-result"):
                yield value
            else:
                yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def test_the_document_that_is_checked_in_is_the_codes() -> None:
    assert msgspec.json.decode(DOCUMENT.read_bytes()) == describe(), "run: conclave describe asyncapi > server/asyncapi.json"


def test_every_message_and_event_is_described_with_its_permission() -> None:
    messages = describe()["components"]["messages"]
    assert set(messages) == {type_of(kind) for kind in (*MESSAGES, *EVENTS)} | {"response", "error"}
    for message, rule in MESSAGES.items():
        assert messages[type_of(message)]["x-permission"] == rule.permission


def test_every_reference_leads_somewhere() -> None:
    document = describe()
    for reference in references(document):
        node: Any = document
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]
        assert node


def test_the_client_asks_and_the_server_tells() -> None:
    operations = describe()["operations"]
    assert (operations["ask"]["action"], operations["tell"]["action"]) == ("receive", "send")
    assert len(operations["ask"]["messages"]) == len(MESSAGES)
    assert len(operations["tell"]["messages"]) == len(EVENTS)
