"""The AsyncAPI 3.0 document of the signaling protocol, out of the tables of messages."""

from typing import Any

import msgspec

from conclave import __version__
from conclave.policy.limits import MAX_FRAME_BYTES
from conclave.signaling.messages import EVENTS, MESSAGES, RESULTS, Empty, Error, Response, type_of

PATH = "/api/v1/signaling"
CHANNEL = "signaling"
REF = "#/components/schemas/{name}"


def describe() -> dict[str, Any]:
    """Return the document."""
    requests = {type_of(message): message for message in MESSAGES}
    events = {type_of(event): event for event in EVENTS}
    answers = {"response": Response, "error": Error}
    results = {RESULTS.get(message, Empty) for message in MESSAGES}
    kinds: list[type] = [
        *requests.values(),
        *events.values(),
        *answers.values(),
        *sorted(results, key=lambda kind: kind.__name__),
    ]
    _, schemas = msgspec.json.schema_components(kinds, ref_template=REF)
    sent = {name: _message(name, kind) | _rule(kind) for name, kind in requests.items()}
    received = {name: _message(name, kind) for name, kind in (answers | events).items()}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Conclave signaling",
            "version": __version__,
            "description": f"One WebSocket per connection, messages of at most {MAX_FRAME_BYTES} bytes. See PROTOCOL.md.",
        },
        "defaultContentType": "application/json",
        "channels": {
            CHANNEL: {
                "address": PATH,
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in (sent | received)},
                "bindings": {"ws": {"method": "GET", "bindingVersion": "0.1.0"}},
            }
        },
        "operations": {
            "ask": _operation("receive", sent) | {"reply": {"channel": _channel(), "messages": _messages(answers)}},
            "tell": _operation("send", events),
        },
        "components": {
            "messages": sent | received,
            "schemas": dict(sorted(schemas.items())),
        },
    }


def _message(name: str, kind: type) -> dict[str, Any]:
    return {"name": name, "payload": {"$ref": REF.format(name=kind.__name__)}}


def _rule(kind: Any) -> dict[str, Any]:
    rule = MESSAGES[kind]
    return {
        "x-permission": rule.permission.value,
        "x-phases": sorted(phase.value for phase in rule.phases),
        "x-meeting": sorted(state.value for state in rule.meeting),
        **({"x-meeting-for-hosts": sorted(state.value for state in rule.for_hosts)} if rule.for_hosts else {}),
        "x-result": REF.format(name=RESULTS.get(kind, Empty).__name__),
    }


def _operation(action: str, messages: dict[str, Any]) -> dict[str, Any]:
    return {"action": action, "channel": _channel(), "messages": _messages(messages)}


def _channel() -> dict[str, str]:
    return {"$ref": f"#/channels/{CHANNEL}"}


def _messages(names: dict[str, Any]) -> list[dict[str, str]]:
    return [{"$ref": f"#/channels/{CHANNEL}/messages/{name}"} for name in names]
