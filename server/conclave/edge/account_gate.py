"""The one gate of every route for accounts: who asks, is the account active, does the route's system rule let it pass?"""

import re
from collections.abc import Callable, Iterable

from aiohttp import web
from msgspec import Struct

from conclave.edge.cookies import session_cookie
from conclave.edge.csrf import check_session_request
from conclave.edge.headers import bearer_token
from conclave.edge.problem import Problem, unauthenticated
from conclave.edge.route import Route
from conclave.edge.sources import Allowance, Sources
from conclave.identity.access_tokens import AccessTokens
from conclave.identity.browser_sessions import BrowserLimits, check_valid, needs_renewal, proof_of
from conclave.identity.signed_tokens import not_valid
from conclave.model.accounts import Account, Relation, SignInId
from conclave.model.errors import ErrorCode, Refused
from conclave.model.ids import MeetingId
from conclave.policy.limits import BucketSize
from conclave.policy.system_rbac import check
from conclave.ports.accounts import AccountStore, OwnedMeetingStore, SignInStore

BURST_S = 10

_IDENTIFIER = re.compile(r"[A-Za-z0-9_-]{16}")


class Authority(Struct, frozen=True):
    """Who asks, by which sign-in. `secret` is the cookie's, None for an access token; `relation` is to the path's resource."""

    account: Account
    sign_in_id: SignInId
    secret: str | None = None
    relation: Relation = Relation.OWNER

    def __repr__(self) -> str:
        return f"Authority({self.account.user_id})"


AUTHORITY = web.RequestKey("authority", Authority)


class AccountGate:
    """Asked by the application's guard before the handler of a route for accounts, and for credentials before theirs."""

    def __init__(
        self,
        *,
        accounts: AccountStore,
        sign_ins: SignInStore,
        meetings: OwnedMeetingStore,
        access: AccessTokens,
        browser: BrowserLimits,
        sources: Sources,
        requests_per_s: float,
        allowed_origins: Iterable[str],
        wall: Callable[[], float],
        monotonic: Callable[[], float],
    ) -> None:
        self._accounts = accounts
        self._sign_ins = sign_ins
        self._meetings = meetings
        self._access = access
        self._browser = browser
        self._sources = sources
        self._requests = Allowance(BucketSize(burst=requests_per_s * BURST_S, per_s=requests_per_s))
        self._allowed = tuple(allowed_origins)
        self._wall = wall
        self._monotonic = monotonic

    def take(self, request: web.Request) -> bytes:
        """Count a request of its source; return the source. Raises Refused (`rate_limited`)."""
        source = self.source_of(request)
        if not self._requests.take(source, self._monotonic()):
            raise Refused(ErrorCode.RATE_LIMITED, "too many requests from this network")
        return source

    def source_of(self, request: web.Request) -> bytes:
        """Return the name of the network that asks."""
        return self._sources.identify(request.remote)

    async def admit(self, request: web.Request, route: Route) -> None:
        """Let the request pass with its AUTHORITY. Raises Problem 401 and 403, Refused, Unavailable."""
        assert route.system is not None
        self.take(request)
        authority = await self._authenticate(request)
        relation = Relation.OWNER
        if route.system.resource is not None:
            meeting_id = MeetingId(path_id(request, "meeting_id"))
            relation = await self._meetings.relation(meeting_id, authority.account.user_id)
        check(authority.account, route.system, relation)
        request[AUTHORITY] = Authority(authority.account, authority.sign_in_id, authority.secret, relation)

    async def _authenticate(self, request: web.Request) -> Authority:
        authorization, secret = request.headers.get("Authorization"), session_cookie(request)
        try:
            if authorization is not None:
                return await self._by_token(bearer_token(authorization))
            if secret is not None:
                return await self._by_cookie(request, secret)
        except Refused as refusal:
            if refusal.code is ErrorCode.UNAUTHORIZED:
                raise unauthenticated(refusal.detail) from None
            raise
        raise unauthenticated("sign in first")

    async def _by_token(self, token: str) -> Authority:
        claims = self._access.verify(token, self._wall())
        account = await self._accounts.by_id(claims.sub)
        if account is None or account.epoch != claims.epoch or not account.active:
            raise not_valid()
        return Authority(account, claims.sid)

    async def _by_cookie(self, request: web.Request, secret: str) -> Authority:
        now_s = self._wall()
        proof = proof_of(secret)
        sign_in = check_valid(await self._sign_ins.by_proof(proof), now_s)
        check_session_request(request, secret, self._allowed)
        account = await self._accounts.by_id(sign_in.user_id)
        if account is None or not account.active:
            raise not_valid()
        if needs_renewal(sign_in, now_s):
            await self._sign_ins.renew(sign_in.sign_in_id, proof, proof, now_s, now_s + self._browser.idle_s)
        return Authority(account, sign_in.sign_in_id, secret)


def authority_of(request: web.Request) -> Authority:
    """Return whom the gate let pass. Raises Problem 401 when a route that it does not guard asks."""
    if AUTHORITY not in request:
        raise Problem(401, ErrorCode.UNAUTHORIZED, "sign in first")
    return request[AUTHORITY]


def path_id(request: web.Request, name: str) -> str:
    """Return an identifier out of the path. Raises Refused (`not_found`) for what is none of ours, before anything is asked."""
    text = request.match_info[name]
    if not _IDENTIFIER.fullmatch(text):
        raise Refused(ErrorCode.NOT_FOUND, "no such thing, or not yours")
    return text
