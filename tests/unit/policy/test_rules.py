from conclave.model.roles import Permission
from conclave.policy.rules import Phase, RateClass, Rule, Scope


def test_a_rule_cannot_be_changed_after_it_was_made() -> None:
    rule = Rule(Permission.SESSION_USE, frozenset(Phase), Scope.NONE, RateClass.CONTROL)
    try:
        rule.permission = Permission.MEETING_DELETE  # type: ignore[misc]
    except AttributeError:
        return
    raise AssertionError("the rule was changed")


def test_a_rule_is_available_unless_it_says_otherwise() -> None:
    assert Rule(Permission.SESSION_USE, frozenset(Phase), Scope.NONE, RateClass.CONTROL).available
