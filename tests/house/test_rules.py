"""Law 2: a message or a route without a rule cannot exist."""

from conclave.edge.routes import ROUTES
from conclave.model.roles import Permission
from conclave.policy.rbac import GRANTS
from conclave.policy.rules import Rule
from conclave.signaling import messages


def test_every_request_of_the_protocol_has_exactly_one_rule() -> None:
    declared = {value for value in vars(messages).values() if isinstance(value, type) and issubclass(value, messages.Request)}
    assert declared - {messages.Request} == set(messages.MESSAGES)
    assert all(isinstance(rule, Rule) for rule in messages.MESSAGES.values())


def test_every_route_has_a_rule_of_the_same_kind() -> None:
    assert all(isinstance(route.rule, Rule) for route in ROUTES.values())


def test_every_permission_is_granted_to_somebody_and_needed_by_something() -> None:
    granted = set().union(*GRANTS.values())
    needed = {rule.permission for rule in messages.MESSAGES.values()} | {route.rule.permission for route in ROUTES.values()}
    assert granted == set(Permission)
    assert needed <= granted


def test_no_two_messages_share_a_name_on_the_wire() -> None:
    names = [messages.type_of(message) for message in (*messages.MESSAGES, *messages.EVENTS)]
    assert len(names) == len(set(names))
