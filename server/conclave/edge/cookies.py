"""The session cookie (RFC 6265bis): __Host-, so bound to this host and all of its paths; HttpOnly, Secure, SameSite=Strict."""

from aiohttp import web

NAME = "__Host-conclave"


def session_cookie(request: web.Request) -> str | None:
    """Return the value of the session cookie, None when there is none, or more than one: then somebody planted one."""
    sent = [part.strip() for header in request.headers.getall("Cookie", []) for part in header.split(";")]
    values = [part.removeprefix(f"{NAME}=") for part in sent if part.startswith(f"{NAME}=")]
    return values[0] if len(values) == 1 and values[0] else None


def set_session(response: web.StreamResponse, secret: str, lifetime_s: float) -> None:
    """Give the browser its session."""
    response.set_cookie(NAME, secret, max_age=int(lifetime_s), path="/", secure=True, httponly=True, samesite="Strict")


def clear_session(response: web.StreamResponse) -> None:
    """Take the session from the browser."""
    response.set_cookie(NAME, "", max_age=0, path="/", secure=True, httponly=True, samesite="Strict")
