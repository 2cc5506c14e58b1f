"""/api/v1/auth: register, log in and out, refresh, revoke, change the password."""

from collections.abc import Callable, Iterable

from aiohttp import web

from conclave.edge.account_gate import AccountGate, authority_of
from conclave.edge.account_messages import (
    AccessTokenView,
    ChangePassword,
    LogIn,
    Refresh,
    Register,
    RevokeToken,
    SessionView,
    SignedIn,
    UserView,
)
from conclave.edge.application import handles
from conclave.edge.cookies import clear_session, session_cookie, set_session
from conclave.edge.csrf import check_site
from conclave.edge.hashing import PasswordWorkers
from conclave.edge.json_bodies import json_response, no_content, read_json
from conclave.edge.log_in import LogInDesk
from conclave.edge.problem import Problem, unauthenticated
from conclave.edge.registration import RegistrationDesk
from conclave.edge.token_desk import Begun, TokenDesk
from conclave.identity import password_rules
from conclave.identity.browser_sessions import csrf_token, proof_of
from conclave.model.accounts import SignInKind
from conclave.model.errors import ErrorCode, Refused
from conclave.ports.accounts import AccountStore, SignInStore
from conclave.ports.audit import AuditEvent, AuditSink

NEW_PASSWORD = "new password"  # noqa: S105 # what is done
"""Wrong passwords here count apart: whoever locks a name from outside must not keep its owner from a new password."""


class Auth:
    """The handlers."""

    def __init__(
        self,
        *,
        gate: AccountGate,
        log_in: LogInDesk,
        registration: RegistrationDesk,
        tokens: TokenDesk,
        workers: PasswordWorkers,
        accounts: AccountStore,
        sign_ins: SignInStore,
        audit: AuditSink,
        allowed_origins: Iterable[str],
        wall: Callable[[], float],
    ) -> None:
        self._gate = gate
        self._log_in = log_in
        self._registration = registration
        self._tokens = tokens
        self._workers = workers
        self._accounts = accounts
        self._sign_ins = sign_ins
        self._audit = audit
        self._allowed = tuple(allowed_origins)
        self._wall = wall

    @handles("register")
    async def register(self, request: web.Request) -> web.Response:
        """201 with the new account; it does not sign in."""
        check_site(request, self._allowed)
        source = self._gate.take(request)
        account = await self._registration.register(await read_json(request, Register), source)
        return json_response(UserView.of(account), 201)

    @handles("login")
    async def log_in(self, request: web.Request) -> web.Response:
        """200 with `SignedIn`. A browser gets a new cookie whatever it brought, and the session that it brought ends."""
        check_site(request, self._allowed)
        source = self._gate.take(request)
        wish = await read_json(request, LogIn)
        try:
            account = await self._log_in.verify(wish.username, wish.password, source)
        except Refused as refusal:
            raise _unauthenticated(refusal) from None
        if wish.browser:
            await self._end_brought(request)
        return self._signed_in(await self._tokens.begin(account, _kind(browser=wish.browser)))

    @handles("refresh")
    async def refresh(self, request: web.Request) -> web.Response:
        """200 with `SignedIn` and the next refresh token."""
        check_site(request, self._allowed)
        self._gate.take(request)
        wish = await read_json(request, Refresh)
        try:
            return self._signed_in(await self._tokens.refresh(wish.refresh_token))
        except Refused as refusal:
            raise _unauthenticated(refusal) from None

    @handles("session")
    async def session(self, request: web.Request) -> web.Response:
        """200 with `SessionView`, for a page that was loaded anew."""
        authority = authority_of(request)
        token = csrf_token(authority.secret) if authority.secret is not None else None
        return json_response(SessionView(UserView.of(authority.account), authority.sign_in_id, token))

    @handles("access_token")
    async def access_token(self, request: web.Request) -> web.Response:
        """200 with an access token for a browser session. An access token cannot prolong itself."""
        authority = authority_of(request)
        if authority.secret is None:
            raise Problem(403, ErrorCode.FORBIDDEN, "use the refresh token")
        token = self._tokens.access.issue(authority.account, authority.sign_in_id, self._wall())
        return json_response(AccessTokenView(token, self._tokens.access.lifetime_s))

    @handles("logout")
    async def log_out(self, request: web.Request) -> web.Response:
        """204; this sign-in ends."""
        authority = authority_of(request)
        self._record("user_logout", authority.account.user_id, all=False)
        await self._tokens.end(authority.sign_in_id)
        return _without_session()

    @handles("logout_all")
    async def log_out_everywhere(self, request: web.Request) -> web.Response:
        """204; every sign-in of the account ends."""
        authority = authority_of(request)
        self._record("user_logout", authority.account.user_id, all=True)
        await self._tokens.end_all(authority.account.user_id)
        return _without_session()

    @handles("revoke_token")
    async def revoke(self, request: web.Request) -> web.Response:
        """204; a token of one's own is void."""
        authority = authority_of(request)
        wish = await read_json(request, RevokeToken)
        self._record("token_revoked", authority.account.user_id)
        await self._tokens.revoke(wish.token, authority.account.user_id)
        return no_content()

    @handles("change_password")
    async def change_password(self, request: web.Request) -> web.Response:
        """200 with `SignedIn`: every sign-in has ended, and the caller has a new one of the same kind."""
        authority = authority_of(request)
        wish = await read_json(request, ChangePassword)
        account = authority.account
        source = self._gate.source_of(request)
        try:
            verified = await self._log_in.verify(
                account.username, wish.current_password, source, counted_as=f"{account.user_id} {NEW_PASSWORD}"
            )
        except Refused as refusal:
            if refusal.code is ErrorCode.UNAUTHORIZED:
                raise Refused(ErrorCode.FORBIDDEN, refusal.detail) from None
            raise
        password_rules.check(wish.new_password, account.username, account.email)
        new_hash = await self._workers.hash(wish.new_password)
        self._record("password_changed", account.user_id)
        changed = await self._accounts.set_password(account.user_id, new_hash, replaces=verified.password_hash, new_epoch=True)
        await self._tokens.after_change(changed)
        return self._signed_in(await self._tokens.begin(changed, _kind(browser=authority.secret is not None)))

    def _record(self, kind: str, user_id: str, **details: str | int | bool) -> None:
        self._audit.record(AuditEvent(type=kind, details={"user_id": user_id, **details}))

    async def _end_brought(self, request: web.Request) -> None:
        secret = session_cookie(request)
        if secret is None:
            return
        try:
            sign_in = await self._sign_ins.by_proof(proof_of(secret))
        except Refused:
            return
        if sign_in is not None:
            await self._tokens.end(sign_in.sign_in_id)

    def _signed_in(self, begun: Begun) -> web.Response:
        response = json_response(
            SignedIn(
                user=UserView.of(begun.account),
                sign_in_id=begun.sign_in_id,
                access_token=begun.access_token,
                expires_in_s=self._tokens.access.lifetime_s,
                refresh_token=begun.refresh_token,
                csrf_token=csrf_token(begun.secret) if begun.secret is not None else None,
            )
        )
        if begun.secret is not None:
            set_session(response, begun.secret, self._tokens.browser.lifetime_s)
        return response


def _kind(*, browser: bool) -> SignInKind:
    return SignInKind.BROWSER if browser else SignInKind.TOKENS


def _unauthenticated(refusal: Refused) -> Refused | Problem:
    return unauthenticated(refusal.detail) if refusal.code is ErrorCode.UNAUTHORIZED else refusal


def _without_session() -> web.Response:
    response = no_content()
    clear_session(response)
    return response
