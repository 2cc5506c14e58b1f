"""Begins, renews and ends sign-ins, and revokes tokens: first in memory, where it is in force at once, then in the store."""

from collections.abc import Callable

from msgspec import Struct

from conclave.identity.access_tokens import AccessTokens
from conclave.identity.browser_sessions import BrowserLimits, new_secret, proof_of
from conclave.identity.refresh_tokens import RefreshTokens
from conclave.identity.signed_tokens import not_valid
from conclave.model.accounts import Account, Revocation, RevocationKind, SignIn, SignInId, SignInKind, UserId
from conclave.model.errors import Refused
from conclave.model.ids import Entropy, new_id
from conclave.ports.accounts import AccountStore, SignInStore, TokenRevocationStore
from conclave.ports.audit import AuditEvent, AuditSink

SIGN_INS_PER_ACCOUNT = 100

OnRevoked = Callable[[Revocation], None]
"""Is told of each revocation once it is in force, so that open connections of it can be closed."""


class Begun(Struct, frozen=True):
    """What the client gets: an access token with either a refresh token or the secret of a cookie."""

    account: Account
    sign_in_id: SignInId
    access_token: str
    refresh_token: str | None = None
    secret: str | None = None

    def __repr__(self) -> str:
        return f"Begun({self.sign_in_id})"


class TokenDesk:
    """`access` is shared with the hub, which verifies the same tokens."""

    def __init__(
        self,
        *,
        accounts: AccountStore,
        sign_ins: SignInStore,
        kept: TokenRevocationStore,
        access: AccessTokens,
        refresh: RefreshTokens,
        browser: BrowserLimits,
        family_lifetime_s: float,
        audit: AuditSink,
        entropy: Entropy,
        wall: Callable[[], float],
        on_revoked: OnRevoked,
    ) -> None:
        self.access = access
        self.browser = browser
        self._accounts = accounts
        self._sign_ins = sign_ins
        self._kept = kept
        self._refresh = refresh
        self._family_lifetime_s = family_lifetime_s
        self._audit = audit
        self._entropy = entropy
        self._wall = wall
        self._on_revoked = on_revoked

    async def restore(self) -> None:
        """Put into force what was revoked before the last stop. Raises Unavailable."""
        now_s = self._wall()
        for revocation in await self._kept.kept(now_s):
            self.access.revocations.add(revocation, now_s)

    async def begin(self, account: Account, kind: SignInKind) -> Begun:
        """Sign an account in, with ids and secrets that nobody has seen before.

        Raises Refused (`conflict`) when the account has changed since it was read.
        """
        now_s = self._wall()
        sign_in_id = SignInId(new_id(self._entropy))
        details: dict[str, str | int | bool] = {"user_id": account.user_id, "sign_in_id": sign_in_id, "kind": kind.value}
        self._audit.record(AuditEvent(type="user_login", details=details))
        access_token = self.access.issue(account, sign_in_id, now_s)
        if kind is SignInKind.BROWSER:
            secret = new_secret(self._entropy)
            ends_at_s, valid_until_s = now_s + self.browser.lifetime_s, now_s + self.browser.idle_s
            proof, begun = proof_of(secret), Begun(account, sign_in_id, access_token, secret=secret)
        else:
            ends_at_s = now_s + self._family_lifetime_s
            issued = self._refresh.issue(account.user_id, sign_in_id, now_s, ends_at_s)
            proof, valid_until_s = issued.jti, float(issued.expires_at_s)
            begun = Begun(account, sign_in_id, access_token, refresh_token=issued.token)
        sign_in = SignIn(
            sign_in_id=sign_in_id, user_id=account.user_id, kind=kind, proof=proof, created_at_s=now_s,
            used_at_s=now_s, valid_until_s=valid_until_s, ends_at_s=ends_at_s,
        )  # fmt: skip
        for ended in await self._sign_ins.add(sign_in, account.epoch, SIGN_INS_PER_ACCOUNT):
            await self._revoke(RevocationKind.SIGN_IN, ended)
        return begun

    async def refresh(self, token: str) -> Begun:
        """Exchange a refresh token. Raises Refused (`unauthorized`); a spent one ends its whole family."""
        now_s = self._wall()
        claims = self._refresh.read(token, now_s)
        family = await self._sign_ins.by_id(claims.sid)
        account = await self._accounts.by_id(claims.sub)
        if family is None or family.kind is not SignInKind.TOKENS or account is None or account.user_id != family.user_id:
            raise not_valid()
        if not account.active:
            raise not_valid()
        issued = self._refresh.issue(account.user_id, claims.sid, now_s, family.ends_at_s)
        if not await self._sign_ins.renew(claims.sid, claims.jti, issued.jti, now_s, float(issued.expires_at_s)):
            details: dict[str, str | int | bool] = {"user_id": account.user_id, "sign_in_id": claims.sid}
            self._audit.record(AuditEvent(type="refresh_token_reused", details=details))
            await self.end(claims.sid)
            raise not_valid()
        return Begun(account, claims.sid, self.access.issue(account, claims.sid, now_s), refresh_token=issued.token)

    async def end(self, sign_in_id: SignInId) -> None:
        """End one sign-in; its tokens are void and its connections close.

        Raises Unavailable; also when no more revocations can be kept, and then it has no more tokens than it had.
        """
        try:
            await self._revoke(RevocationKind.SIGN_IN, sign_in_id)
        finally:
            await self._sign_ins.end(sign_in_id)

    async def end_all(self, user_id: UserId) -> Account:
        """End all sign-ins of a user and void every access token. Raises Refused (`not_found`)."""
        account = await self._accounts.new_epoch(user_id)
        await self.after_change(account)
        return account

    async def after_change(self, account: Account) -> None:
        """Void the access tokens of earlier epochs of an account that has changed."""
        await self._revoke(RevocationKind.USER, account.user_id, account.epoch)

    async def revoke(self, token: str, user_id: UserId) -> None:
        """Revoke an access token of this user, or the family of a refresh token. Raises Refused (`unauthorized`)."""
        now_s = self._wall()
        try:
            access = self.access.verify(token, now_s)
        except Refused:
            refresh = self._refresh.read(token, now_s)
            if refresh.sub != user_id:
                raise not_valid() from None
            await self.end(refresh.sid)
            return
        if access.sub != user_id:
            raise not_valid()
        await self._revoke(RevocationKind.TOKEN, access.jti)

    async def _revoke(self, kind: RevocationKind, subject: str, epoch: int = 0) -> None:
        now_s = self._wall()
        revocation = Revocation(kind, subject, now_s + self.access.lifetime_s + 1, epoch)
        self.access.revocations.add(revocation, now_s)
        self._on_revoked(revocation)
        await self._kept.keep(revocation)
