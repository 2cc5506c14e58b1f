"""The web application: every route of the table with its handler, between one guard for requests and one for responses."""

import asyncio
import hmac
import os
from collections.abc import Awaitable, Callable, Iterable
from ipaddress import ip_address
from typing import Any, TypeVar

from aiohttp import web
from multidict import CIMultiDict

from conclave.edge.account_gate import AccountGate
from conclave.edge.headers import SECURITY_HEADERS, SERVER, bearer_token, check_host, refuse_token_in_query, transport_security
from conclave.edge.problem import Problem, problem_of, respond, unauthenticated
from conclave.edge.routes import ROUTES, Access, Route
from conclave.model.errors import ConclaveError, ErrorCode
from conclave.model.ids import new_id
from conclave.ports.observer import ReportIncident

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Method = TypeVar("Method", bound=Callable[..., Awaitable[web.StreamResponse]])
CountRequest = Callable[[str, int], None]
"""Takes the route's path as declared and the status."""

MAX_BODY_BYTES = max(route.body_bytes for route in ROUTES.values())
BODY_TIMEOUT_S = 15.0
FORWARDED = frozenset({"Forwarded", "X-Forwarded-For", "X-Real-IP", "Via"})
"""Headers of a proxy: behind one, a loopback source is not the operator."""

_ROUTE = "conclave.route"


def handles(name: str) -> Callable[[Method], Method]:
    """Mark a method as the handler of ROUTES[name]. Raises TypeError at import when the table has no such entry (law 2)."""
    if name not in ROUTES:
        raise TypeError(f"route {name!r} has no rule")

    def mark(handler: Method) -> Method:
        setattr(handler, _ROUTE, name)
        return handler

    return mark


def collect(owners: Iterable[object]) -> dict[str, Handler]:
    """Return the marked methods of `owners` by route name. Raises TypeError unless every route has exactly one."""
    found: dict[str, Handler] = {}
    for owner in owners:
        for attribute in dir(type(owner)):
            name = getattr(getattr(type(owner), attribute), _ROUTE, None)
            if name is None:
                continue
            if name in found:
                raise TypeError(f"route {name!r} has two handlers")
            found[name] = getattr(owner, attribute)
    missing = ROUTES.keys() - found.keys()
    if missing:
        raise TypeError(f"routes without a handler: {sorted(missing)}")
    return found


def build(
    owners: Iterable[object], count: CountRequest, report: ReportIncident, gate: AccountGate | None = None
) -> web.Application:
    """Return the application that serves ROUTES with the handlers of `owners`; `gate` stands before those for accounts."""
    handlers = collect(owners)
    if gate is None:
        raise TypeError("routes for accounts without a gate")
    application = web.Application(client_max_size=MAX_BODY_BYTES + 1, middlewares=[_guard(count, report, gate)])
    application.on_response_prepare.append(_secure_headers)
    for name, route in ROUTES.items():
        resource = application.router.add_resource(route.path, name=name)
        for method in route.methods:
            resource.add_route(method, handlers[name])
    return application


def route_of(request: web.Request) -> Route | None:
    resource = request.match_info.route.resource
    return ROUTES.get(resource.name or "") if resource is not None else None


async def read_body(request: web.Request, content_type: str) -> bytes:
    """Return the body.

    Raises Problem 415 for another type or an encoded body, 413 when longer than the route allows, 408 when it does not come.
    """
    route = route_of(request)
    limit = route.body_bytes if route is not None else 0
    if request.content_type != content_type or "Content-Encoding" in request.headers:
        raise Problem(415, ErrorCode.INVALID, f"the body must be {content_type} as it is")
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > limit:
                    raise Problem(413, ErrorCode.TOO_LARGE, f"the body may have {limit} bytes")
    except TimeoutError:
        raise Problem(408, ErrorCode.INVALID, "the body did not come in time", {"Connection": "close"}) from None
    return bytes(body)


def check_operator(request: web.Request, token: str) -> None:
    """Let loopback sources pass, and bearers of `token` when there is one. Raises Problem 401."""
    try:
        if request.remote is not None and ip_address(request.remote).is_loopback and not FORWARDED & request.headers.keys():
            return
    except ValueError:
        pass
    check_service_token(request, token)


def check_service_token(request: web.Request, token: str) -> None:
    """Raise Problem 401 unless the request bears `token`; nobody bears an empty one."""
    given = bearer_token(request.headers.get("Authorization"))
    if not token or not hmac.compare_digest(given.encode(), token.encode()):
        raise unauthenticated("the token is not valid")


def _guard(count: CountRequest, report: ReportIncident, gate: AccountGate) -> Any:
    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        route = route_of(request)
        try:
            check_host(request.host)
            refuse_token_in_query(request.rel_url)
            if route is not None and (request.content_length or 0) > route.body_bytes:
                raise Problem(413, ErrorCode.TOO_LARGE, f"the body may have {route.body_bytes} bytes")
            if route is not None and route.access is Access.ACCOUNT:
                await gate.admit(request, route)
            response = await handler(request)
        except ConclaveError as error:
            response = respond(problem_of(error))
        except web.HTTPException as error:
            response = respond(_translate(error))
        except ConnectionError:
            raise
        except Exception as error:
            incident = new_id(os.urandom)
            report(incident, error)
            response = respond(Problem(500, ErrorCode.UNAVAILABLE, "the server failed"), incident)
        if not response.prepared and "Upgrade" in request.headers:
            response.force_close()
        count(route.path if route is not None else "unmatched", response.status)
        return response

    return guard


def _translate(error: web.HTTPException) -> Problem:
    if isinstance(error, web.HTTPMethodNotAllowed):
        allow = {"Allow": ", ".join(sorted(error.allowed_methods))}
        return Problem(405, ErrorCode.INVALID, "this method is not offered here", allow)
    codes = {404: ErrorCode.NOT_FOUND, 413: ErrorCode.TOO_LARGE, 429: ErrorCode.RATE_LIMITED}
    return Problem(error.status, codes.get(error.status, ErrorCode.INVALID), error.reason.lower())


async def _secure_headers(request: web.Request, response: web.StreamResponse) -> None:
    headers: CIMultiDict[str] = response.headers
    for name, value in SECURITY_HEADERS.items():
        headers.setdefault(name, value)
    strict = transport_security(request.host)
    if strict is not None:
        headers["Strict-Transport-Security"] = strict
    headers.setdefault("Cache-Control", "no-store")
    headers["Server"] = SERVER
