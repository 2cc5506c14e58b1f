"""/api/v1/users and /api/v1/registrations: what administrators do to accounts."""

from collections.abc import Callable

from aiohttp import web
from msgspec import UNSET

from conclave.edge.account_gate import authority_of, path_id
from conclave.edge.account_messages import ChangeUser, InviteUser, RegistrationView, UserList, UserView
from conclave.edge.application import handles
from conclave.edge.json_bodies import json_response, no_content, read_json
from conclave.edge.problem import Problem
from conclave.edge.token_desk import TokenDesk
from conclave.identity.names import comparable
from conclave.identity.registration_tokens import RegistrationTokens
from conclave.model.accounts import Account, UserId
from conclave.model.errors import ErrorCode, Refused
from conclave.ports.accounts import AccountStore
from conclave.ports.audit import AuditEvent, AuditSink

PAGE = 100


class Users:
    """The handlers. The gate has seen to it that an administrator asks."""

    def __init__(
        self,
        accounts: AccountStore,
        tokens: TokenDesk,
        registrations: RegistrationTokens,
        audit: AuditSink,
        wall: Callable[[], float],
    ) -> None:
        self._accounts = accounts
        self._tokens = tokens
        self._registrations = registrations
        self._audit = audit
        self._wall = wall

    @handles("users")
    async def listed(self, request: web.Request) -> web.Response:
        """200 with `UserList`; the query has `after` (a username) and `limit` (1 to 100)."""
        limit = _limit(request.query.get("limit", str(PAGE)))
        found = await self._accounts.listed(comparable(request.query.get("after", "")), limit + 1)
        users = [UserView.of(account) for account in found[:limit]]
        return json_response(UserList(users, users[-1].username if len(found) > limit else None))

    @handles("user")
    async def describe(self, request: web.Request) -> web.Response:
        """200 with `UserView`."""
        return json_response(UserView.of(await self._target(request)))

    @handles("change_user")
    async def change(self, request: web.Request) -> web.Response:
        """200 with `UserView`. Every access token of the account is void; a deactivated one is signed out everywhere."""
        by = authority_of(request).account
        wish = await read_json(request, ChangeUser)
        target = await self._target(request)
        details: dict[str, str | int | bool] = {"user_id": target.user_id, "by": by.user_id}
        if wish.role is not UNSET:
            details["role"] = wish.role.value
        if wish.active is not UNSET:
            details["active"] = wish.active
        if wish.grants is not UNSET:
            details["grants"] = " ".join(sorted(wish.grants))
        self._audit.record(AuditEvent(type="permission_changed", details=details))
        changed = await self._accounts.change(
            target.user_id,
            role=wish.role if wish.role is not UNSET else None,
            active=wish.active if wish.active is not UNSET else None,
            grants=wish.grants if wish.grants is not UNSET else None,
        )
        await self._tokens.after_change(changed)
        return json_response(UserView.of(changed))

    @handles("revoke_user")
    async def revoke(self, request: web.Request) -> web.Response:
        """204; every sign-in of the account ends."""
        by = authority_of(request).account
        target = await self._target(request)
        details: dict[str, str | int | bool] = {"user_id": target.user_id, "by": by.user_id}
        self._audit.record(AuditEvent(type="tokens_revoked", details=details))
        await self._tokens.end_all(target.user_id)
        return no_content()

    @handles("invite_user")
    async def invite(self, request: web.Request) -> web.Response:
        """201 with a registration token, good for one account."""
        by = authority_of(request).account
        wish = await read_json(request, InviteUser)
        token, expires_at_s = self._registrations.issue(by, wish.role, self._wall(), wish.expires_in_s)
        details: dict[str, str | int | bool] = {"by": by.user_id, "role": wish.role.value}
        self._audit.record(AuditEvent(type="registration_offered", details=details))
        return json_response(RegistrationView(token, wish.role, expires_at_s), 201)

    async def _target(self, request: web.Request) -> Account:
        account = await self._accounts.by_id(UserId(path_id(request, "user_id")))
        if account is None:
            raise Refused(ErrorCode.NOT_FOUND, "no such account")
        return account


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 3 and 1 <= int(text) <= PAGE):
        raise Problem(400, ErrorCode.INVALID, f"limit is a number from 1 to {PAGE}")
    return int(text)
