"""Refresh tokens: seven days, exchanged at each use (RFC 9700, section 4.14). A spent one that comes again ends its family.

Claims: sub, sid (the family), iat, exp, jti, type "refresh". Which `jti` of a family is not spent, the store knows.
"""

from typing import Literal

from msgspec import Struct

from conclave.identity.signed_tokens import SignedTokens, TimedClaims, TokenType
from conclave.model.accounts import SignInId, UserId
from conclave.model.ids import Entropy, new_id

LIFETIME_S = 7 * 86_400
FAMILY_LIFETIME_S = 30 * 86_400


class RefreshClaims(TimedClaims, frozen=True, kw_only=True):
    """What a verified refresh token says."""

    sub: UserId
    sid: SignInId
    type: Literal["refresh"]

    def __repr__(self) -> str:
        return f"RefreshClaims(sid={self.sid}, jti={self.jti})"


class IssuedRefresh(Struct, frozen=True):
    """A new token and the `jti` that the store keeps as the family's proof."""

    token: str
    jti: str
    expires_at_s: int

    def __repr__(self) -> str:
        return f"IssuedRefresh(jti={self.jti})"


class RefreshTokens:
    """Issues and reads; whether one is spent is the store's to say."""

    def __init__(self, tokens: SignedTokens, entropy: Entropy, lifetime_s: int = LIFETIME_S) -> None:
        self._tokens = tokens
        self._entropy = entropy
        self._lifetime_s = lifetime_s

    def issue(self, user_id: UserId, sign_in_id: SignInId, now_s: float, ends_at_s: float) -> IssuedRefresh:
        """Return a token for the family, which ends at `ends_at_s` in any case."""
        jti = new_id(self._entropy)
        expires_at_s = min(int(now_s) + self._lifetime_s, int(ends_at_s))
        claims = {
            "sub": user_id, "sid": sign_in_id, "iat": int(now_s), "exp": expires_at_s, "jti": jti, "type": "refresh",
        }  # fmt: skip
        return IssuedRefresh(self._tokens.sign(TokenType.REFRESH, claims), jti, expires_at_s)

    def read(self, token: str, now_s: float) -> RefreshClaims:
        """Return what the token says. Raises Refused (`unauthorized`)."""
        return self._tokens.read(token, TokenType.REFRESH, RefreshClaims, now_s)
