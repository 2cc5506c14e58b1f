import pytest

from conclave.meeting.handlers import HANDLERS, check_declarations
from conclave.policy.rbac import GRANTS
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
