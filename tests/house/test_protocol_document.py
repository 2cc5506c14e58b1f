"""What PROTOCOL.md tells client writers is what the code does: every table is compared with it."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import msgspec
import pytest
from msgspec import Struct

from conclave.app.server import limits_of
from conclave.config.settings import Settings
from conclave.identity import invitations
from conclave.meeting.expression import REACTIONS
from conclave.model.errors import ErrorCode
from conclave.model.media import MediaKind, TrackSource
from conclave.model.roles import Role
from conclave.policy.limits import FRAMES, MAX_FRAME_BYTES, RATES, REFUSALS, Limits
from conclave.policy.rules import MeetingState, Phase
from conclave.signaling import messages
from conclave.signaling.messages import CLOSE_CODES, EVENTS, MESSAGES, RESULTS, type_of

DOCUMENT = (Path(__file__).parents[2] / "server" / "PROTOCOL.md").read_text(encoding="utf-8")
PARTS = (
    messages.Welcome, messages.MeetingCreated, messages.Joined, messages.Published, messages.SdpAnswer, messages.Invitation,
    messages.Pong, messages.Empty, messages.Snapshot, messages.ParticipantInfo, messages.TrackInfo, messages.SlotInfo,
    messages.Resume, messages.RecordingInfo, messages.RecordingStarted, messages.RecordingDescription,
    messages.MeetingSettings, messages.LobbyGuest, messages.BreakoutInfo, messages.InvitationDescription,
    messages.InvitationDescriptions,
)  # fmt: skip


def table(*header: str) -> list[list[str]]:
    """Return the rows of the table with this header; there must be exactly one."""
    lines = DOCUMENT.splitlines()
    head = f"| {' | '.join(header)} |"
    starts = [number for number, line in enumerate(lines) if line == head]
    rows: list[list[list[str]]] = []
    for start in starts:
        body = lines[start + 2 :]
        length = next((number for number, line in enumerate(body) if not line.startswith("|")), len(body))
        rows.append([[cell.strip() for cell in line.strip("|").split(" | ")] for line in body[:length]])
    assert rows, f"no table {header}"
    return [row for part in rows for row in part]


def sized(annotation: Any) -> str:
    base, meta = get_args(annotation)
    if meta.ge is not None:
        return f"{written(base)} {meta.ge}–{meta.le}"
    low, high = meta.min_length or 0, meta.max_length
    return f"{written(base)} of {low}" if low == high else f"{written(base)} of {low}–{high}"


def written(annotation: Any) -> str:
    """Return a type as the document writes it."""
    if get_origin(annotation) is Annotated:
        return sized(annotation)
    members = get_args(annotation)
    if get_origin(annotation) is list:
        return f"list of {written(members[0])}"
    if get_origin(annotation) is dict:
        return "map"
    if type(None) in members:
        return " or ".join(written(member) for member in members if member is not type(None)) + " or null"
    return str(annotation.__name__)


def fields(struct: type[Struct], *, without: str = "") -> str:
    hints = get_type_hints(struct, include_extras=True)
    parts = []
    for field in msgspec.structs.fields(struct):
        if field.name != without:
            default = "" if field.required else f" = {msgspec.json.encode(field.default).decode()}"
            parts.append(f"`{field.name}`: {written(hints[field.name])}{default}")
    return "; ".join(parts) or "–"


def rule_row(message: type[messages.Request]) -> list[str]:
    rule = MESSAGES[message]
    phases = "any" if len(rule.phases) == len(Phase) else ", ".join(phase for phase in Phase if phase in rule.phases)
    states = ", ".join(state for state in MeetingState if state in rule.meeting)
    states += "".join(f", {state} (hosts)" for state in MeetingState if state in rule.for_hosts)
    meeting = "any" if len(rule.meeting) == len(MeetingState) else f"{states}; else `{rule.otherwise}`"
    return [
        f"`{type_of(message)}`", rule.permission, phases, meeting, rule.scope, rule.rate, "yes" if rule.available else "not yet",
        RESULTS.get(message, messages.Empty).__name__,
    ]  # fmt: skip


def test_every_request_stands_there_with_its_rule() -> None:
    rows = table("type", "permission", "phases", "meeting", "scope", "rate", "available", "result")
    assert rows == [rule_row(message) for message in MESSAGES]


def test_every_request_and_event_stands_there_with_its_fields() -> None:
    requests = [[f"`{type_of(message)}`", fields(message, without="id")] for message in MESSAGES]
    assert table("type", "fields") == requests + [[f"`{type_of(event)}`", fields(event)] for event in EVENTS]


def test_every_part_of_a_result_stands_there_with_its_fields() -> None:
    assert table("struct", "fields") == [[part.__name__, fields(part)] for part in PARTS]
    assert set(RESULTS.values()) <= set(PARTS)


def test_every_close_code_stands_there() -> None:
    assert table("code", "close code") == [[f"`{code}`", str(number)] for code, number in CLOSE_CODES.items()]


def test_every_rate_class_stands_there() -> None:
    assert table("class", "burst", "per second") == [[rate, f"{size.burst:g}", f"{size.per_s:g}"] for rate, size in RATES.items()]


def test_every_error_code_stands_there() -> None:
    assert [row[0] for row in table("code", "meaning")] == [f"`{code}`" for code in ErrorCode]


@pytest.mark.parametrize(
    "say",
    [
        lambda: f"at most {MAX_FRAME_BYTES:,} bytes",
        lambda: f"within {Limits().hello_timeout_s:g} seconds",
        lambda: f"({Limits().outbox_messages} messages, {Limits().outbox_bytes // 2**20} MiB by default)",
        lambda: f"more than {REFUSALS.burst:g} at once or {REFUSALS.per_s:g} a second",
        lambda: f"{FRAMES.burst:g} messages at once and {FRAMES.per_s:g} a second",
        lambda: f"{Limits().max_tracks_per_participant} tracks per participant",
        lambda: f"{Limits().max_participants:,} participants per meeting",
        lambda: f"ended after {Limits().empty_meeting_s:g} seconds",
        lambda: " ".join(REACTIONS),
        lambda: f"`typ` `{invitations.TYPE}`",
        lambda: "one of " + ", ".join(f"`{role}`" for role in Role),
        lambda: "one of " + ", ".join(f"`{source}`" for source in TrackSource),
        lambda: "MediaKind is " + " or ".join(f"`{kind}`" for kind in MediaKind),
        lambda: f"`protocol` is {messages.PROTOCOL_VERSION}",
        lambda: f"`{messages.SUBPROTOCOL_MSGPACK}`: binary frames",
        lambda: f"`{messages.SUBPROTOCOL_JSON}`: text frames",
    ],
)
def test_every_number_and_name_in_the_text_is_the_codes(say: Callable[[], str]) -> None:
    assert say() in DOCUMENT


def test_no_part_of_the_document_names_a_message_that_does_not_exist() -> None:
    known = {type_of(message) for message in (*MESSAGES, *EVENTS)}
    topics = {name.partition(".")[0] for name in known if "." in name}
    named = set(re.findall(r"`([a-z_]+\.[a-z_]+)`", DOCUMENT))
    assert {name for name in named if name.partition(".")[0] in topics} == {name for name in known if "." in name}


def test_the_limits_in_the_text_are_those_of_a_server_with_default_settings() -> None:
    assert limits_of(Settings()) == Limits()
