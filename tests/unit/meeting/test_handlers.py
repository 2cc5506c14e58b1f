import pytest
from tests.support.meetings import MeetingInMemory

from conclave.meeting.handlers import HANDLERS, check_declarations
from conclave.model.errors import Unavailable
from conclave.model.roles import Role
from conclave.policy.limits import Limits
from conclave.policy.rbac import GRANTS
from conclave.signaling import messages
from conclave.signaling.messages import MESSAGES, Hello, Join, Ping


def test_messages_grants_and_handlers_agree() -> None:
    check_declarations(frozenset({Hello, Ping}))
    held = frozenset().union(*GRANTS.values())
    assert {rule.permission for rule in MESSAGES.values()} <= held


def test_an_available_message_without_a_handler_is_an_error_at_start() -> None:
    with pytest.raises(TypeError, match="Ping"):
        check_declarations(frozenset({Hello}))


def test_a_message_that_is_handled_twice_is_an_error_at_start() -> None:
    with pytest.raises(TypeError):
        check_declarations(frozenset({Hello, Ping, Join}))


def test_what_is_not_built_has_no_handler() -> None:
    assert not [message for message, rule in MESSAGES.items() if not rule.available and message in HANDLERS]


def test_the_handlers_cannot_be_changed_at_run_time() -> None:
    with pytest.raises(TypeError):
        HANDLERS[Ping] = HANDLERS[Join]  # type: ignore[index]


def test_all_facts_of_one_action_are_recorded_at_once() -> None:
    room = MeetingInMemory(Limits(waiting_room=True))
    host = room.sit(room.open())
    helper = room.join(Role.CO_HOST)
    room.ask(host.session_id, messages.HostPass(id=1, participant_id=helper.participant_id), messages.Empty)
    assert room.recorded_at_once[-1] == 2
    for _ in range(3):
        room.ask(room.greet(Role.VIEWER), messages.Join(id=2, display_name="Guest"), messages.Joined)
    room.ask(helper.session_id, messages.ParticipantAdmit(id=3), messages.Empty)
    assert room.recorded_at_once[-1] == 3
    assert [event.type for event in room.audited[-3:]] == ["participant_admitted"] * 3
    calls = len(room.recorded_at_once)
    room.ask(helper.session_id, messages.ParticipantAdmit(id=4), messages.Empty)
    assert len(room.recorded_at_once) == calls


def test_an_action_of_which_not_all_can_be_recorded_does_not_happen() -> None:
    room = MeetingInMemory()
    host, helper = room.sit(room.open()), room.join(Role.CO_HOST)
    room.audit_works = False
    with pytest.raises(Unavailable):
        room.ask(host.session_id, messages.HostPass(id=1, participant_id=helper.participant_id), messages.Empty)
    assert (host.role, helper.role) == (Role.HOST, Role.CO_HOST)
