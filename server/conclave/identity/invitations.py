"""Invitations: signed, expiring tokens for one meeting that carry a role (RFC 7519, RFC 8037, RFC 8725).

Header: alg EdDSA, typ conclave-invitation+jwt, kid. Claims: iss, aud, sub (the meeting's id), role, jti, iat, nbf, exp,
seats (how many may sit at once by this invitation, 0 for any number, 1 makes it personal), optionally uses (how often one may
join by it; 0 or nothing for any number), name (a suggested display name), account and epoch (of whom it is the own link).
All own links of an account to a meeting have one jti: whoever is removed, held or demoted does not come by a new link.
Nothing in a token chooses how it is verified: the algorithm, the type and the keys are ours.
"""

from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable, Iterable
from hashlib import blake2b
from typing import Annotated

import jwt
import msgspec
from msgspec import Meta, Struct

from conclave.identity.keys import SigningKey
from conclave.identity.revocations import Revocations
from conclave.model.accounts import Account, UserId
from conclave.model.errors import ErrorCode, Refused
from conclave.model.ids import ID_BYTES, Entropy, MeetingId, new_id
from conclave.model.roles import Role
from conclave.ports.revocations import NoRevocationStore, RevocationStore

ALGORITHM = "EdDSA"
TYPE = "conclave-invitation+jwt"
ISSUER = "conclave"
AUDIENCE = "conclave-meeting"
LEEWAY_S = 5
MAX_TOKEN_CHARACTERS = 4096
MAX_LIFETIME_S = 30 * 86_400

_Text = Annotated[str, Meta(min_length=1, max_length=64)]
_Identifier = Annotated[str, Meta(min_length=16, max_length=16, pattern=r"^[A-Za-z0-9_-]{16}$")]


class Claims(Struct, frozen=True, kw_only=True):
    """What a verified invitation says. Times are Unix seconds."""

    sub: _Identifier
    role: Role
    jti: _Identifier
    iat: int
    nbf: int
    exp: int
    seats: Annotated[int, Meta(ge=0, le=10_000)] = 0
    uses: Annotated[int, Meta(ge=0, le=10_000)] = 0
    name: _Text | None = None
    account: _Identifier | None = None
    epoch: Annotated[int, Meta(ge=0)] = 0

    @property
    def personal(self) -> bool:
        """Whether this invitation is for one person."""
        return self.seats == 1

    @property
    def meeting_id(self) -> MeetingId:
        return MeetingId(self.sub)


CheckLink = Callable[[Claims], Awaitable[None]]
"""Raises Refused unless the account may still come in by its own link, and Unavailable."""


class Issued(Struct, frozen=True):
    """A new invitation. `path` is the link's path, with the token in the fragment, which browsers never send."""

    token: str
    path: str
    claims: Claims

    def __repr__(self) -> str:
        return f"Issued(jti={self.claims.jti})"


class Invitations:
    """Issues invitations with one key and verifies those of it and of `former_keys`, which a rotation left behind.

    What `store` kept of earlier revocations is in force from the start. Raises Unavailable when that is too much.
    `check_epoch(user_id, epoch)` raises Refused when all of an account's tokens of that epoch are revoked: its own links are too.
    """

    def __init__(
        self,
        key: SigningKey,
        entropy: Entropy,
        former_keys: Iterable[SigningKey] = (),
        store: RevocationStore | None = None,
        check_epoch: Callable[[str, int], None] | None = None,
    ) -> None:
        self._key = key
        self._entropy = entropy
        self._public_keys = {known.kid: known.public_key for known in (key, *former_keys)}
        self._store = store or NoRevocationStore()
        self._check_epoch = check_epoch
        self.revocations = Revocations()
        for jti, expires_at_s in self._store.kept():
            self.revocations.add(jti, expires_at_s, 0.0)

    def issue(
        self,
        meeting_id: MeetingId,
        role: Role,
        now_s: float,
        lifetime_s: int = 86_400,
        *,
        seats: int = 0,
        uses: int = 0,
        name: str | None = None,
        account: Account | None = None,
    ) -> Issued:
        """Return a new invitation that is good from `now_s` (Unix seconds) for `lifetime_s`; with `account` its own link.

        Raises Refused (`invalid`) when the meeting's id, the lifetime or the seats are not acceptable.
        """
        if not 1 <= lifetime_s <= MAX_LIFETIME_S:
            raise Refused(ErrorCode.INVALID, f"an invitation lives 1 to {MAX_LIFETIME_S} seconds")
        issued_at = int(now_s)
        payload: dict[str, object] = {
            "iss": ISSUER, "aud": AUDIENCE, "sub": meeting_id, "role": role.value, "jti": new_id(self._entropy),
            "iat": issued_at, "nbf": issued_at, "exp": issued_at + lifetime_s, "seats": seats,
        }  # fmt: skip
        if account is not None:
            payload |= {"jti": own_link_id(meeting_id, account.user_id), "account": account.user_id, "epoch": account.epoch}
        if uses:
            payload["uses"] = uses
        if name is not None:
            payload["name"] = name
        claims = _claims(payload, ErrorCode.INVALID)
        token = jwt.encode(payload, self._key.private_key, ALGORITHM, headers={"typ": TYPE, "kid": self._key.kid})
        return Issued(token, f"/#{token}", claims)

    def verify(self, token: str, now_s: float, meeting_id: str | None = None) -> Claims:
        """Return what `token` says at `now_s` (Unix seconds); with `meeting_id` it must be for that meeting.

        Raises Refused (`unauthorized`) for any other token than a current one that we issued; the detail tells an expired
        or revoked one apart, because their owners must know, and nothing else.
        """
        payload = self._verified_payload(token)
        claims = _claims(payload, ErrorCode.UNAUTHORIZED)
        if payload.get("iss") != ISSUER or payload.get("aud") != AUDIENCE or meeting_id not in (None, claims.sub):
            raise _invalid()
        if claims.nbf > now_s + LEEWAY_S or claims.iat > now_s + LEEWAY_S:
            raise Refused(ErrorCode.UNAUTHORIZED, "the invitation is not valid yet")
        if claims.exp <= now_s - LEEWAY_S:
            raise Refused(ErrorCode.UNAUTHORIZED, "the invitation has expired")
        self.check_revoked(claims)
        if claims.account is not None and self._check_epoch is not None:
            self._check_epoch(claims.account, claims.epoch)
        return claims

    def check_revoked(self, claims: Claims) -> None:
        """Raise Refused (`unauthorized`) when this invitation, or every one to its meeting, was revoked."""
        if self.is_revoked(claims):
            raise Refused(ErrorCode.UNAUTHORIZED, "the invitation was revoked")

    def is_revoked(self, claims: Claims) -> bool:
        return claims.jti in self.revocations or claims.sub in self.revocations

    def revoke(self, claims: Claims, now_s: float) -> None:
        """Refuse this invitation from now on, also after a restart where there is a store.

        Raises Unavailable when no more revocations can be kept. In this process it is in force even if the store failed.
        """
        self._revoke(claims.jti, claims.exp + LEEWAY_S, now_s)

    def revoke_meeting(self, meeting_id: MeetingId, now_s: float) -> None:
        """Refuse every invitation to a meeting, whoever made it, until the last of them must have expired.

        Raises Unavailable as `revoke` does.
        """
        self._revoke(meeting_id, now_s + MAX_LIFETIME_S + LEEWAY_S, now_s)

    def _revoke(self, subject: str, until_s: float, now_s: float) -> None:
        self.revocations.add(subject, until_s, now_s)
        self._store.keep(subject, until_s)

    def _verified_payload(self, token: str) -> dict[str, object]:
        if len(token) > MAX_TOKEN_CHARACTERS or not token.isascii():
            raise _invalid()
        try:
            header = jwt.get_unverified_header(token)
            kid = header.get("kid")
            public_key = self._public_keys.get(kid) if isinstance(kid, str) else None
            if public_key is None or header.get("typ") != TYPE or header.get("alg") != ALGORITHM or "crit" in header:
                raise _invalid()
            payload: dict[str, object] = jwt.decode(
                token,
                public_key,
                algorithms=[ALGORITHM],
                options={
                    "verify_signature": True,
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                    "verify_aud": False,
                },
            )
        except (jwt.PyJWTError, ValueError, RecursionError):
            raise _invalid() from None
        return payload


def own_link_id(meeting_id: MeetingId, user_id: UserId) -> str:
    """Return the `jti` of an account's own links to a meeting."""
    digest = blake2b(f"{meeting_id}.{user_id}".encode(), digest_size=ID_BYTES, person=b"conclave link 1")
    return urlsafe_b64encode(digest.digest()).decode()


def _claims(payload: dict[str, object], code: ErrorCode) -> Claims:
    try:
        return msgspec.convert(payload, Claims)
    except msgspec.ValidationError:
        raise _invalid() if code is ErrorCode.UNAUTHORIZED else Refused(code, "not an acceptable invitation") from None


def _invalid() -> Refused:
    return Refused(ErrorCode.UNAUTHORIZED, "the invitation is not valid")
