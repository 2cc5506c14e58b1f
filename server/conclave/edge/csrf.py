"""Requests that another site makes a browser send: refused by Fetch Metadata and Origin, and by the session's own token."""

from collections.abc import Iterable

from aiohttp import web

from conclave.edge.headers import check_origin
from conclave.edge.problem import Problem
from conclave.identity.browser_sessions import check_csrf
from conclave.model.errors import ErrorCode

HEADER = "X-CSRF-Token"
OURS = frozenset({"same-origin", "none"})
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def check_site(request: web.Request, allowed: Iterable[str]) -> None:
    """Raise Problem 403 when the browser says that another site has caused the request; programs say nothing and pass."""
    allowed = tuple(allowed)
    origin = request.headers.get("Origin")
    if request.headers.get("Sec-Fetch-Site", "none") not in OURS and origin not in allowed:
        raise Problem(403, ErrorCode.FORBIDDEN, "another site caused this request")
    check_origin(origin, request.host, allowed)


def check_session_request(request: web.Request, secret: str, allowed: Iterable[str]) -> None:
    """Check a request that its cookie authenticates. Raises Problem 403, Refused (`forbidden`).

    What changes something needs the session's token in a header, and the browser's word on where it comes from.
    """
    check_site(request, allowed)
    if request.method in SAFE:
        return
    if "Origin" not in request.headers and "Sec-Fetch-Site" not in request.headers:
        raise Problem(403, ErrorCode.FORBIDDEN, "the browser does not say which site caused this request")
    check_csrf(secret, request.headers.get(HEADER, ""))
