import pytest
from tests.support.accounts import an_account

from conclave.model.accounts import Relation, SystemPermission, SystemRole
from conclave.model.errors import Refused
from conclave.policy.system_rbac import SYSTEM_GRANTS, ResourceRule, SystemRule, check, permissions_of

P = SystemPermission
PLAIN = SystemRule(P.WRITE)
OWNED = SystemRule(P.WRITE, ResourceRule(shared=None, foreign=P.DELETE))
SHARED = SystemRule(P.WRITE, ResourceRule(shared=P.READ, foreign=None))


def outcome(role: SystemRole, rule: SystemRule, relation: Relation, *grants: P, active: bool = True) -> str:
    try:
        check(an_account(role=role, grants=frozenset(grants), active=active), rule, relation)
    except Refused as refusal:
        return refusal.code
    return "ok"


def test_the_table_is_that_of_the_specification() -> None:
    held = {role: " ".join(sorted(permissions)) for role, permissions in SYSTEM_GRANTS.items()}
    assert held == {
        "admin": "admin delete process read upload write",
        "user": "process read upload write",
        "viewer": "read",
        "service": "process read write",
    }


@pytest.mark.parametrize("role", SystemRole)
@pytest.mark.parametrize("permission", P)
def test_a_plain_rule_asks_for_its_permission_alone(role: SystemRole, permission: P) -> None:
    expected = "ok" if permission in SYSTEM_GRANTS[role] else "unauthorized"
    assert outcome(role, SystemRule(permission), Relation.OWNER) == expected


def test_a_grant_adds_to_the_role() -> None:
    assert outcome(SystemRole.VIEWER, PLAIN, Relation.OWNER) == "unauthorized"
    assert outcome(SystemRole.VIEWER, PLAIN, Relation.OWNER, P.WRITE) == "ok"


@pytest.mark.parametrize("rule", [PLAIN, OWNED, SHARED])
@pytest.mark.parametrize("relation", Relation)
def test_an_inactive_account_may_nothing_whatever_it_was(rule: SystemRule, relation: Relation) -> None:
    assert outcome(SystemRole.ADMIN, rule, relation, *P, active=False) == "unauthorized"
    assert permissions_of(an_account(role=SystemRole.ADMIN, grants=frozenset(P), active=False)) == frozenset()


def test_the_owner_needs_the_permission_too() -> None:
    assert outcome(SystemRole.USER, OWNED, Relation.OWNER) == "ok"
    assert outcome(SystemRole.VIEWER, OWNED, Relation.OWNER) == "unauthorized"


def test_what_is_shared_can_be_used_as_far_as_the_rule_says() -> None:
    assert outcome(SystemRole.VIEWER, SHARED, Relation.SHARED) == "ok"
    assert outcome(SystemRole.USER, OWNED, Relation.SHARED) == "forbidden"
    assert outcome(SystemRole.VIEWER, OWNED, Relation.SHARED) == "unauthorized"
    assert outcome(SystemRole.ADMIN, OWNED, Relation.SHARED) == "ok"


def test_what_is_foreign_looks_like_what_is_not_there() -> None:
    assert outcome(SystemRole.USER, OWNED, Relation.NONE) == "not_found"
    assert outcome(SystemRole.VIEWER, OWNED, Relation.NONE) == "not_found"
    assert outcome(SystemRole.ADMIN, OWNED, Relation.NONE) == "ok"
    assert outcome(SystemRole.ADMIN, SHARED, Relation.NONE) == "not_found"
    assert outcome(SystemRole.USER, OWNED, Relation.NONE, P.DELETE) == "ok"
