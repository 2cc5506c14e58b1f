"""Routes of accounts and of what belongs to them, each with its system rule (law 2)."""

from conclave.edge.route import Access, Route
from conclave.model.accounts import SystemPermission as P
from conclave.model.roles import Permission
from conclave.policy.rules import Phase, RateClass, Rule, Scope
from conclave.policy.system_rbac import ResourceRule, SystemRule

JSON_BYTES = 8_192

_RULE = Rule(Permission.SESSION_USE, frozenset({Phase.NEW}), Scope.NONE, RateClass.CONTROL)


def _public(path: str) -> Route:
    return Route(path, ("GET", "HEAD"), Access.PUBLIC, _RULE)


def _credentials(path: str) -> Route:
    return Route(path, ("POST",), Access.CREDENTIALS, _RULE, JSON_BYTES)


def _account(method: str, path: str, permission: P, resource: ResourceRule | None = None) -> Route:
    body_bytes = 0 if method in ("GET", "DELETE") else JSON_BYTES
    return Route(path, (method,), Access.ACCOUNT, _RULE, body_bytes, SystemRule(permission, resource))


_AUTH, _USERS, _MEETING = "/api/v1/auth", "/api/v1/users", "/api/v1/meetings/{meeting_id}"

_SEEN = ResourceRule(shared=P.READ, foreign=P.ADMIN)
_ENTERED = ResourceRule(shared=P.READ)
_OWNED = ResourceRule(foreign=P.ADMIN)
_DELETED = ResourceRule(foreign=P.DELETE)
_GIVEN = ResourceRule()
"""Not even by an administrator, who could give himself another's meeting."""

ACCOUNT_ROUTES: dict[str, Route] = {
    "jwks": _public("/.well-known/jwks.json"),
    "openapi": _public("/api/v1/openapi.json"),
    "about": _public("/api/v1/about"),
    "register": _credentials(f"{_AUTH}/register"),
    "login": _credentials(f"{_AUTH}/login"),
    "refresh": _credentials(f"{_AUTH}/refresh"),
    "session": _account("GET", f"{_AUTH}/session", P.READ),
    "access_token": _account("POST", f"{_AUTH}/token", P.READ),
    "logout": _account("POST", f"{_AUTH}/logout", P.READ),
    "logout_all": _account("POST", f"{_AUTH}/logout-all", P.READ),
    "revoke_token": _account("POST", f"{_AUTH}/revoke", P.READ),
    "change_password": _account("POST", f"{_AUTH}/password", P.READ),
    "me": _account("GET", "/api/v1/me", P.READ),
    "my_sign_ins": _account("GET", "/api/v1/me/sign-ins", P.READ),
    "end_my_sign_in": _account("DELETE", "/api/v1/me/sign-ins/{sign_in_id}", P.READ),
    "my_meetings": _account("GET", "/api/v1/me/meetings", P.READ),
    "make_meeting": _account("POST", "/api/v1/me/meetings", P.WRITE),
    "meeting": _account("GET", _MEETING, P.READ, _SEEN),
    "delete_meeting": _account("DELETE", _MEETING, P.WRITE, _DELETED),
    "meeting_link": _account("POST", f"{_MEETING}/link", P.READ, _ENTERED),
    "meeting_shares": _account("GET", f"{_MEETING}/shares", P.READ, _OWNED),
    "share_meeting_with": _account("POST", f"{_MEETING}/shares", P.WRITE, _GIVEN),
    "share_meeting": _account("PUT", f"{_MEETING}/shares/{{user_id}}", P.WRITE, _GIVEN),
    "unshare_meeting": _account("DELETE", f"{_MEETING}/shares/{{user_id}}", P.WRITE, _OWNED),
    "meeting_invitations": _account("GET", f"{_MEETING}/invitations", P.READ, _OWNED),
    "make_invitation": _account("POST", f"{_MEETING}/invitations", P.WRITE, _GIVEN),
    "revoke_invitation": _account("POST", f"{_MEETING}/invitations/{{jti}}/revoke", P.WRITE, _OWNED),
    "users": _account("GET", _USERS, P.ADMIN),
    "user": _account("GET", f"{_USERS}/{{user_id}}", P.ADMIN),
    "change_user": _account("PATCH", f"{_USERS}/{{user_id}}", P.ADMIN),
    "revoke_user": _account("POST", f"{_USERS}/{{user_id}}/revoke", P.ADMIN),
    "invite_user": _account("POST", "/api/v1/registrations", P.ADMIN),
}
