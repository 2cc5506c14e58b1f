"""Registration tokens: an administrator's leave to make one account, of one role, where registration is for the invited.

Claims: sub (who gave it), epoch (of the giver's account when it was given), role, iat, exp, jti, type "registration". That it is
used once, and that its giver may still give it, the store is asked.
"""

from typing import Literal

from conclave.identity.signed_tokens import SignedTokens, TimedClaims, TokenType
from conclave.model.accounts import Account, SystemRole, UserId
from conclave.model.errors import ErrorCode, Refused
from conclave.model.ids import Entropy, new_id

MAX_LIFETIME_S = 30 * 86_400


class RegistrationClaims(TimedClaims, frozen=True, kw_only=True):
    """What a verified registration token says."""

    sub: UserId
    epoch: int
    role: SystemRole
    type: Literal["registration"]


class RegistrationTokens:
    """Issues and reads."""

    def __init__(self, tokens: SignedTokens, entropy: Entropy) -> None:
        self._tokens = tokens
        self._entropy = entropy

    def issue(self, by: Account, role: SystemRole, now_s: float, lifetime_s: int) -> tuple[str, int]:
        """Return a token and when it expires (Unix seconds). Raises Refused (`invalid`) for a lifetime out of range."""
        if not 1 <= lifetime_s <= MAX_LIFETIME_S:
            raise Refused(ErrorCode.INVALID, f"a registration lives 1 to {MAX_LIFETIME_S} seconds")
        expires_at_s = int(now_s) + lifetime_s
        claims = {
            "sub": by.user_id, "epoch": by.epoch, "role": role.value, "iat": int(now_s), "exp": expires_at_s,
            "jti": new_id(self._entropy), "type": "registration",
        }  # fmt: skip
        return self._tokens.sign(TokenType.REGISTRATION, claims), expires_at_s

    def read(self, token: str, now_s: float) -> RegistrationClaims:
        """Return what the token says. Raises Refused (`unauthorized`)."""
        return self._tokens.read(token, TokenType.REGISTRATION, RegistrationClaims, now_s)
