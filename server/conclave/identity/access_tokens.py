"""Access tokens: thirty minutes of what an account may do, verified without asking a database, revocable at once.

Claims: sub, username, email, roles, permissions, iat, exp, jti, type "access" (spec, section 3), sid (the sign-in that it came
from) and epoch (of the account when it was issued).
"""

from collections.abc import Callable
from typing import Literal

from conclave.identity.signed_tokens import SignedTokens, TimedClaims, TokenType
from conclave.identity.token_revocations import TokenRevocations
from conclave.model.accounts import Account, SignInId, SystemPermission, SystemRole, UserId
from conclave.model.ids import Entropy, new_id
from conclave.policy.system_rbac import permissions_of

LIFETIME_S = 1_800


class AccessClaims(TimedClaims, frozen=True, kw_only=True):
    """What a verified access token says."""

    sub: UserId
    username: str
    email: str
    roles: list[SystemRole]
    permissions: list[SystemPermission]
    type: Literal["access"]
    sid: SignInId
    epoch: int

    def __repr__(self) -> str:
        return f"AccessClaims(sub={self.sub}, jti={self.jti})"


class AccessTokens:
    """Issues and verifies. `revocations` is asked at every verification."""

    def __init__(
        self, tokens: SignedTokens, revocations: TokenRevocations, entropy: Entropy, lifetime_s: int = LIFETIME_S
    ) -> None:
        self.revocations = revocations
        self.lifetime_s = lifetime_s
        self._tokens = tokens
        self._entropy = entropy

    def issue(self, account: Account, sign_in_id: SignInId, now_s: float) -> str:
        """Return a token that is good from `now_s` (Unix seconds)."""
        claims = {
            "sub": account.user_id,
            "username": account.username,
            "email": account.email,
            "roles": [account.role.value],
            "permissions": sorted(permission.value for permission in permissions_of(account)),
            "iat": int(now_s),
            "exp": int(now_s) + self.lifetime_s,
            "jti": new_id(self._entropy),
            "type": "access",
            "sid": sign_in_id,
            "epoch": account.epoch,
        }
        return self._tokens.sign(TokenType.ACCESS, claims)

    def verify(self, token: str, now_s: float) -> AccessClaims:
        """Return what the token says. Raises Refused (`unauthorized`): not ours, of another type, expired or revoked."""
        claims = self._tokens.read(token, TokenType.ACCESS, AccessClaims, now_s)
        self.revocations.check(claims.jti, claims.sid, claims.sub, claims.epoch)
        return claims


VerifyAccess = Callable[[str, float], AccessClaims]
