"""Security headers of every response, and the checks on request headers that need no state."""

from collections.abc import Iterable
from ipaddress import ip_address
from urllib.parse import urlsplit

from yarl import URL

from conclave.edge.problem import Problem, unauthenticated
from conclave.model.errors import ErrorCode

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "media-src blob: 'self'",
        "img-src 'self' data:", "font-src 'self'", "worker-src 'self'", "manifest-src 'self'", "base-uri 'none'",
        "frame-ancestors 'none'", "form-action 'none'", "require-trusted-types-for 'script'", "trusted-types 'none'",
    )
)  # fmt: skip
"""connect-src 'self' covers wss: on the same host and port (CSP level 3)."""

SECURITY_HEADERS: dict[str, str] = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": (
        "camera=(self), microphone=(self), display-capture=(self), fullscreen=(self), screen-wake-lock=(self), "
        "speaker-selection=(self), geolocation=(), payment=(), usb=(), serial=(), browsing-topics=()"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Permitted-Cross-Domain-Policies": "none",
}
SERVER = "conclave"
STRICT_TRANSPORT_SECURITY = "max-age=31536000; includeSubDomains"

TOKEN_PARAMETERS = frozenset(
    {
        "token",
        "access_token",
        "id_token",
        "refresh_token",
        "invitation",
        "invite",
        "jwt",
        "auth",
        "authorization",
        "bearer",
        "key",
    }
)
MAX_TOKEN_CHARACTERS = 4_096


def check_host(host: str) -> None:
    """Raise Problem 400 when a Host header names no host (RFC 9110, section 7.2)."""
    if not _host_name(host):
        raise Problem(400, ErrorCode.INVALID, "the Host header names no host")


def _host_name(host: str) -> str:
    """Return the name or address without the port, "" when there is none."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def transport_security(host: str) -> str | None:
    """Return the value of Strict-Transport-Security for a Host, or None for localhost and addresses (RFC 6797, 8.1.1)."""
    name = _host_name(host)
    if not name or name == "localhost" or name.endswith(".localhost"):
        return None
    try:
        ip_address(name)
    except ValueError:
        return STRICT_TRANSPORT_SECURITY
    return None


def refuse_token_in_query(url: URL) -> None:
    """Raise Problem 400 when the query looks like it carries a token: addresses end up in logs and histories."""
    for name, value in url.query.items():
        if name.lower() in TOKEN_PARAMETERS or value.startswith("eyJ") or name.startswith("eyJ"):
            raise Problem(400, ErrorCode.INVALID, "a token must not stand in the address; send it in the Authorization header")


def check_origin(origin: str | None, host: str, allowed: Iterable[str]) -> None:
    """Raise Problem 403 unless `origin` is absent (no browser), our own https origin by `host`, or in `allowed`."""
    if origin is None or origin == f"https://{host}" or origin in allowed:
        return
    raise Problem(403, ErrorCode.FORBIDDEN, "this origin may not connect")


def bearer_token(authorization: str | None) -> str:
    """Return the token of an Authorization header (RFC 6750). Raises Problem 401 when there is none or it is malformed."""
    scheme, _, token = (authorization or "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or len(token) > MAX_TOKEN_CHARACTERS or not token.isascii():
        raise unauthenticated("a bearer token is needed")
    return token
