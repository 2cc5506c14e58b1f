"""Errors of the HTTP side as application/problem+json (RFC 9457). Only a code, a sentence and an incident id go out."""

from collections.abc import Mapping
from math import ceil

import msgspec
from aiohttp import web

from conclave.model.errors import ConclaveError, ErrorCode, ProtocolViolation, Refused, Unavailable

CONTENT_TYPE = "application/problem+json"

STATUS: dict[ErrorCode, int] = {
    ErrorCode.UNAUTHORIZED: 403,
    ErrorCode.FORBIDDEN: 403,
    ErrorCode.INVALID: 400,
    ErrorCode.NOT_FOUND: 404,
    ErrorCode.CONFLICT: 409,
    ErrorCode.RATE_LIMITED: 429,
    ErrorCode.TOO_LARGE: 413,
    ErrorCode.UNAVAILABLE: 503,
}


class Problem(ConclaveError):
    """An answer that is not a success. `code` is a stable error code, `headers` go out with it."""

    def __init__(self, status: int, code: ErrorCode, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{status} {code}: {detail}")
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = dict(headers or {})


def unauthenticated(detail: str) -> Problem:
    """401 with the challenge of RFC 6750."""
    return Problem(401, ErrorCode.UNAUTHORIZED, detail, {"WWW-Authenticate": 'Bearer realm="conclave"'})


def problem_of(error: ConclaveError) -> Problem:
    """Translate an error of the floors below."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, (Refused, ProtocolViolation)):
        headers = {"Retry-After": _seconds(error)} if error.code is ErrorCode.RATE_LIMITED else {}
        return Problem(STATUS[error.code], error.code, error.detail, headers)
    if isinstance(error, Unavailable):
        return Problem(503, ErrorCode.UNAVAILABLE, "this cannot be done now; try again later", {"Retry-After": "5"})
    return Problem(500, ErrorCode.UNAVAILABLE, "the server failed")


def _seconds(error: Refused | ProtocolViolation) -> str:
    """Return delay-seconds (RFC 9110, section 10.2.3): not less than the time that has to pass."""
    known = error.retry_after_s if isinstance(error, Refused) else None
    return str(max(1, ceil(known or 0)))


def respond(problem: Problem, incident: str | None = None) -> web.Response:
    """Build the response. `incident` names the log entry of a fault of ours."""
    body: dict[str, object] = {"type": "about:blank", "status": problem.status, "code": problem.code, "detail": problem.detail}
    if incident is not None:
        body["incident"] = incident
    return web.Response(status=problem.status, body=msgspec.json.encode(body), content_type=CONTENT_TYPE, headers=problem.headers)
