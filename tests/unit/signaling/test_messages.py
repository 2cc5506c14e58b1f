from typing import get_type_hints

import msgspec
import pytest

from conclave.policy.rules import MeetingState, Phase, Scope
from conclave.signaling.messages import CLOSE_CODES, EVENTS, MESSAGES, RESULTS, Event, Hello, Ping, Request, type_of


def test_every_request_has_a_rule() -> None:
    assert set(Request.__subclasses__()) == MESSAGES.keys()


def test_every_event_is_listed() -> None:
    assert set(Event.__subclasses__()) == set(EVENTS)


def test_no_two_messages_have_the_same_type() -> None:
    types = [type_of(message) for message in (*MESSAGES, *EVENTS)]
    assert len(types) == len(set(types))
    assert not {"response", "error"} & set(types)


def test_results_belong_to_requests() -> None:
    assert RESULTS.keys() <= MESSAGES.keys()


def test_before_hello_only_hello_and_ping_are_allowed() -> None:
    assert {message for message, rule in MESSAGES.items() if Phase.NEW in rule.phases} == {Hello, Ping}


def test_in_an_ended_meeting_one_can_only_leave_and_ping() -> None:
    allowed = [
        type_of(message)
        for message, rule in MESSAGES.items()
        if Phase.JOINED in rule.phases and MeetingState.ENDED in rule.meeting
    ]
    assert sorted(allowed) == ["leave", "ping"]


@pytest.mark.parametrize("message", MESSAGES)
def test_a_scope_has_the_field_that_it_is_checked_by(message: type[Request]) -> None:
    needed = {Scope.OWN_TRACK: "track_id", Scope.OTHER_PARTICIPANT: "participant_id"}.get(MESSAGES[message].scope)
    assert needed is None or needed in get_type_hints(message)


@pytest.mark.parametrize("message", MESSAGES)
def test_requests_refuse_unknown_fields(message: type[Request]) -> None:
    assert message.__struct_config__.forbid_unknown_fields


@pytest.mark.parametrize("message", MESSAGES)
def test_every_text_in_a_request_has_a_longest_length(message: type[Request]) -> None:
    def bounded(hint: msgspec.inspect.Type) -> bool:
        match hint:
            case msgspec.inspect.StrType() | msgspec.inspect.BytesType() | msgspec.inspect.ListType() if hint.max_length is None:
                return False
            case msgspec.inspect.ListType():
                return bounded(hint.item_type)
            case msgspec.inspect.UnionType():
                return all(bounded(member) for member in hint.types)
            case msgspec.inspect.StructType():
                return all(bounded(field.type) for field in hint.fields)
        return True

    assert bounded(msgspec.inspect.type_info(message))


def test_close_codes_are_ones_that_an_application_may_send() -> None:
    assert all(code in (1001, 1007, 1009, 1011) or 4000 <= code < 5000 for code in CLOSE_CODES.values())
