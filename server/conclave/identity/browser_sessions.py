"""Browser sessions: the secret of a cookie, what is kept of it, and the token that a page must send beside it.

The cookie is 32 random bytes; the store keeps its SHA-256. The CSRF token is an HMAC under the cookie's own secret, so a page
that cannot read our answers cannot know it, and nothing else needs to be kept.
"""

from base64 import urlsafe_b64encode
from hashlib import sha256
from hmac import compare_digest
from hmac import digest as hmac_digest

from msgspec import Struct

from conclave.model.accounts import SignIn, SignInKind
from conclave.model.errors import ErrorCode, Refused
from conclave.model.ids import Entropy

SECRET_BYTES = 32
SECRET_CHARACTERS = 43
RENEW_AFTER_S = 60.0
_CSRF = b"conclave csrf 1"


class BrowserLimits(Struct, frozen=True):
    """A session ends after `idle_s` without a request, and `lifetime_s` after the log-in in any case."""

    idle_s: float = 8 * 3_600.0
    lifetime_s: float = 7 * 86_400.0


def new_secret(entropy: Entropy) -> str:
    """Return the value of a new cookie."""
    return _b64(entropy(SECRET_BYTES))


def proof_of(secret: str) -> str:
    """Return what is kept of a cookie. Raises Refused (`unauthorized`) for a value that was never ours."""
    if len(secret) != SECRET_CHARACTERS or not secret.isascii():
        raise Refused(ErrorCode.UNAUTHORIZED, "the session is not valid")
    return sha256(secret.encode()).hexdigest()


def csrf_token(secret: str) -> str:
    """Return what must stand in the header of a request that changes something."""
    return _b64(hmac_digest(secret.encode(), _CSRF, "sha256"))


def check_csrf(secret: str, given: str) -> None:
    """Raise Refused (`forbidden`) unless `given` is the session's token; compared in constant time."""
    if not compare_digest(csrf_token(secret).encode(), given.encode(errors="surrogatepass")):
        raise Refused(ErrorCode.FORBIDDEN, "the request lacks the session's token")


def check_valid(sign_in: SignIn | None, now_s: float) -> SignIn:
    """Return the session while it is one and has not ended. Raises Refused (`unauthorized`)."""
    if sign_in is None or sign_in.kind is not SignInKind.BROWSER or now_s >= min(sign_in.valid_until_s, sign_in.ends_at_s):
        raise Refused(ErrorCode.UNAUTHORIZED, "the session is not valid")
    return sign_in


def needs_renewal(sign_in: SignIn, now_s: float) -> bool:
    """Return whether the store should hear that the session is in use; not at each request, which would cost a write."""
    return now_s - sign_in.used_at_s >= RENEW_AFTER_S


def _b64(octets: bytes) -> str:
    return urlsafe_b64encode(octets).rstrip(b"=").decode()
