"""/api/v1/me: one's own account and sign-ins."""

from collections.abc import Callable

from aiohttp import web

from conclave.edge.account_gate import authority_of, path_id
from conclave.edge.account_messages import SignInList, SignInView, UserView
from conclave.edge.application import handles
from conclave.edge.json_bodies import json_response, no_content
from conclave.edge.token_desk import TokenDesk
from conclave.model.accounts import SignInId
from conclave.model.errors import ErrorCode, Refused
from conclave.ports.accounts import SignInStore
from conclave.ports.audit import AuditEvent, AuditSink


class Me:
    """The handlers."""

    def __init__(self, tokens: TokenDesk, sign_ins: SignInStore, audit: AuditSink, wall: Callable[[], float]) -> None:
        self._tokens = tokens
        self._sign_ins = sign_ins
        self._audit = audit
        self._wall = wall

    @handles("me")
    async def describe(self, request: web.Request) -> web.Response:
        """200 with `UserView`."""
        return json_response(UserView.of(authority_of(request).account))

    @handles("my_sign_ins")
    async def sign_ins(self, request: web.Request) -> web.Response:
        """200 with `SignInList`."""
        authority = authority_of(request)
        found = await self._sign_ins.of_user(authority.account.user_id, self._wall())
        return json_response(SignInList([SignInView.of(sign_in, authority.sign_in_id) for sign_in in found]))

    @handles("end_my_sign_in")
    async def end_sign_in(self, request: web.Request) -> web.Response:
        """204; 404 for another's as for none."""
        user_id = authority_of(request).account.user_id
        sign_in = await self._sign_ins.by_id(SignInId(path_id(request, "sign_in_id")))
        if sign_in is None or sign_in.user_id != user_id:
            raise Refused(ErrorCode.NOT_FOUND, "no such sign-in")
        details: dict[str, str | int | bool] = {"user_id": user_id, "sign_in_id": sign_in.sign_in_id}
        self._audit.record(AuditEvent(type="sign_in_ended", details=details))
        await self._tokens.end(sign_in.sign_in_id)
        return no_content()
