"""System roles, their permissions, explicit grants and resources (spec, section 2), decided in one place.

Two refusals, told apart as in meetings: `unauthorized`, the account lacks the permission; `forbidden`, it holds it and
the resource does not allow it. A foreign resource is `not_found`, as one that does not exist.
"""

from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Struct

from conclave.model.accounts import Account, Relation, SystemPermission, SystemRole
from conclave.model.errors import ErrorCode, Refused

_P = SystemPermission

SYSTEM_GRANTS: Mapping[SystemRole, frozenset[SystemPermission]] = MappingProxyType(
    {
        SystemRole.ADMIN: frozenset(SystemPermission),
        SystemRole.USER: frozenset({_P.READ, _P.WRITE, _P.UPLOAD, _P.PROCESS}),
        SystemRole.VIEWER: frozenset({_P.READ}),
        SystemRole.SERVICE: frozenset({_P.READ, _P.WRITE, _P.PROCESS}),
    }
)


class ResourceRule(Struct, frozen=True):
    """What is needed to touch another's resource, by relation; None: nobody may that way."""

    shared: SystemPermission | None = None
    foreign: SystemPermission | None = None


class SystemRule(Struct, frozen=True):
    """`permission` is needed by everybody, `resource` in place of it where the thing in the path belongs to another."""

    permission: SystemPermission
    resource: ResourceRule | None = None


def permissions_of(account: Account) -> frozenset[SystemPermission]:
    """Return what the account holds by role and by grant; an inactive one holds nothing."""
    return SYSTEM_GRANTS[account.role] | account.grants if account.active else frozenset()


def check(account: Account, rule: SystemRule, relation: Relation) -> None:
    """Raise Refused unless `rule` lets the account do it to a resource of that relation (OWNER where there is none)."""
    held = permissions_of(account)
    if not account.active:
        raise Refused(ErrorCode.UNAUTHORIZED, "this account is not active")
    if rule.resource is None or relation is Relation.OWNER:
        if rule.permission not in held:
            raise Refused(ErrorCode.UNAUTHORIZED, f"this needs the permission {rule.permission}")
    elif relation is Relation.SHARED:
        _check_shared(rule.resource.shared, rule.resource.foreign, rule.permission, held)
    elif rule.resource.foreign is None or rule.resource.foreign not in held:
        raise Refused(ErrorCode.NOT_FOUND, "no such thing, or not yours")


def _check_shared(
    shared: SystemPermission | None,
    foreign: SystemPermission | None,
    permission: SystemPermission,
    held: frozenset[SystemPermission],
) -> None:
    if foreign is not None and foreign in held:
        return
    if shared is not None:
        if shared not in held:
            raise Refused(ErrorCode.UNAUTHORIZED, f"this needs the permission {shared}")
        return
    if permission not in held:
        raise Refused(ErrorCode.UNAUTHORIZED, f"this needs the permission {permission}")
    raise Refused(ErrorCode.FORBIDDEN, "only the owner may do that")
