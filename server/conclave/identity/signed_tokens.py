"""Signed account tokens (RFC 7519, RFC 8725): one way to make them and one to read them, for every kind.

Header: alg, kid, typ. Nothing in a token chooses how it is verified: the key is ours by `kid`, the algorithm is the key's,
the type is the reader's. So no kind of token, an invitation included, can serve in place of another.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

import jwt
import msgspec
from jwt.types import Options
from msgspec import Struct

from conclave.identity.token_keys import KeyRing
from conclave.model.errors import ErrorCode, Refused

ISSUER = "conclave"
AUDIENCE = "conclave-api"
LEEWAY_S = 5
MAX_TOKEN_CHARACTERS = 4_096

_OPTIONS: Options = {
    "verify_signature": True,
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}


class TokenType(StrEnum):
    """The header's `typ`."""

    ACCESS = "conclave-access+jwt"
    REFRESH = "conclave-refresh+jwt"
    REGISTRATION = "conclave-registration+jwt"


class TimedClaims(Struct, frozen=True, kw_only=True):
    """What every kind has. Times are Unix seconds."""

    iss: str
    aud: str
    iat: int
    exp: int
    jti: str


C = TypeVar("C", bound=TimedClaims)


class SignedTokens:
    """Signs with the ring's current key and reads what any of its keys has signed."""

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring

    def sign(self, typ: TokenType, claims: Mapping[str, object]) -> str:
        """Return the token of `claims`, to which `iss` and `aud` are added."""
        key = self._ring.current
        assert key.signing is not None
        payload = {"iss": ISSUER, "aud": AUDIENCE, **claims}
        return jwt.encode(payload, key.signing, key.algorithm.value, headers={"typ": typ.value, "kid": key.kid})

    def read(self, token: str, typ: TokenType, claims: type[C], now_s: float) -> C:
        """Return what a token of ours of this type says. Raises Refused (`unauthorized`) for every other, and says no more."""
        try:
            found = msgspec.convert(self._payload(token, typ), claims)
        except (jwt.PyJWTError, ValueError, RecursionError, TypeError):
            raise not_valid() from None
        if found.iss != ISSUER or found.aud != AUDIENCE or found.iat > now_s + LEEWAY_S or found.exp <= now_s:
            raise not_valid()
        return found

    def _payload(self, token: str, typ: TokenType) -> dict[str, object]:
        if len(token) > MAX_TOKEN_CHARACTERS or not token.isascii():
            raise not_valid()
        header = jwt.get_unverified_header(token)
        key = self._ring.find(header.get("kid"))
        if key is None or header.get("typ") != typ.value or header.get("alg") != key.algorithm.value or "crit" in header:
            raise not_valid()
        payload: dict[str, object] = jwt.decode(token, key.verifying, algorithms=[key.algorithm.value], options=_OPTIONS)
        return payload


def not_valid() -> Refused:
    """The one answer to every token that is not good."""
    return Refused(ErrorCode.UNAUTHORIZED, "the token is not valid")
