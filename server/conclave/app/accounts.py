"""Puts accounts together: stores, keys, desks, the gate and the handlers of their routes."""

import os
from pathlib import Path
from typing import Self

from conclave.app.tidying import Tidying
from conclave.app.token_keys import load_pepper, load_ring
from conclave.config.settings import AccountSettings, Settings
from conclave.edge.account_gate import AccountGate
from conclave.edge.account_links import AccountLinks
from conclave.edge.auth import Auth
from conclave.edge.description import Description
from conclave.edge.hashing import PasswordWorkers
from conclave.edge.log_in import LogInDesk
from conclave.edge.me import Me
from conclave.edge.meeting_invitations import MeetingInvitations
from conclave.edge.owned_meetings import OwnedMeetings, SendAway
from conclave.edge.registration import RegistrationDesk
from conclave.edge.sources import Sources
from conclave.edge.token_desk import OnRevoked, TokenDesk
from conclave.edge.users import Users
from conclave.hub.hub import Hub
from conclave.identity.access_tokens import AccessClaims, AccessTokens
from conclave.identity.browser_sessions import BrowserLimits
from conclave.identity.invitations import Claims, Invitations
from conclave.identity.lockout import Lockout, LockoutLimits
from conclave.identity.passwords import Passwords
from conclave.identity.refresh_tokens import RefreshTokens
from conclave.identity.registration_tokens import RegistrationTokens
from conclave.identity.signed_tokens import SignedTokens
from conclave.identity.token_keys import KeyRing
from conclave.identity.token_revocations import TokenRevocations
from conclave.model.accounts import Attempts, Revocation, RevocationKind
from conclave.ports.audit import AuditSink
from conclave.ports.clock import Clock
from conclave.store.stores import Stores


class Accounts:
    """Everything about accounts of one server. `close` it."""

    def __init__(
        self, settings: Settings, stores: Stores, ring: KeyRing, lockout: Lockout, audit: AuditSink, clock: Clock
    ) -> None:
        own = settings.accounts
        signed = SignedTokens(ring)
        self.stores = stores
        self.ring = ring
        self.access = AccessTokens(signed, TokenRevocations(), os.urandom, own.access_lifetime_s)
        self.links = AccountLinks(stores.accounts, stores.meetings)
        self.registrations = RegistrationTokens(signed, os.urandom)
        self.workers = PasswordWorkers(Passwords(os.urandom), workers=own.hash_workers, queue=own.hash_queue)
        self._settings = settings
        self.log_in = LogInDesk(stores.accounts, stores.attempts, lockout, self.workers, audit, clock.wall)
        self._desk: TokenDesk | None = None
        self._refresh = RefreshTokens(signed, os.urandom, own.refresh_lifetime_s)
        self._audit = audit
        self._clock = clock
        self._tidying = Tidying(self.tidy)

    @classmethod
    async def open(cls, settings: Settings, audit: AuditSink, clock: Clock) -> Self:
        """Connect, migrate, load keys and locks. Raises StateError, StoreError, Unavailable; then nothing is left open."""
        directory = Path(settings.state.directory)
        ring = load_ring(directory, settings.accounts, clock.wall())
        pepper = load_pepper(directory)
        stores = await Stores.open(settings.store.url, directory)
        try:
            limits = lockout_limits(settings.accounts)
            kept: list[Attempts] = list(await stores.attempts.kept(clock.wall() - limits.window_s))
            return cls(settings, stores, ring, Lockout(limits, pepper, kept), audit, clock)
        except BaseException:
            await stores.close()
            raise

    async def tidy(self) -> None:
        """Delete what is over, so that the tables hold what matters and no more. Raises Unavailable."""
        now_s = self._clock.wall()
        await self.stores.sign_ins.forget_expired(now_s)
        await self.stores.token_revocations.forget_expired(now_s)
        await self.stores.meeting_memory.forget_expired(now_s)
        await self.stores.attempts.forget(now_s - self._settings.accounts.lock_s)

    @property
    def desk(self) -> TokenDesk:
        """Where sign-ins begin and end, once the routes are served."""
        assert self._desk is not None
        return self._desk

    async def close(self) -> None:
        await self._tidying.stop()
        self.workers.close()
        await self.stores.close()

    async def serve(
        self,
        sources: Sources,
        invitations: Invitations,
        on_revoked: OnRevoked,
        hub: Hub,
        send_away: SendAway,
    ) -> tuple[tuple[object, ...], AccountGate]:
        """Return the handlers and the gate before them, with earlier revocations in force. Raises Unavailable."""
        stores, own, wall = self.stores, self._settings.accounts, self._clock.wall
        allowed = self._settings.security.allowed_origins
        browser = BrowserLimits(own.browser_idle_s, own.browser_lifetime_s)
        gate = AccountGate(
            accounts=stores.accounts, sign_ins=stores.sign_ins, meetings=stores.meetings, access=self.access, browser=browser,
            sources=sources, requests_per_s=own.requests_per_s_per_source, allowed_origins=allowed, wall=wall,
            monotonic=self._clock.monotonic,
        )  # fmt: skip
        tokens = TokenDesk(
            accounts=stores.accounts, sign_ins=stores.sign_ins, kept=stores.token_revocations, access=self.access,
            refresh=self._refresh, browser=browser, family_lifetime_s=own.sign_in_lifetime_s, audit=self._audit,
            entropy=os.urandom, wall=wall, on_revoked=on_revoked,
        )  # fmt: skip
        await tokens.restore()
        self._tidying.start()
        self._desk = tokens
        auth = Auth(
            gate=gate, log_in=self.log_in, registration=self._registration(), tokens=tokens, workers=self.workers,
            accounts=stores.accounts,
            sign_ins=stores.sign_ins, audit=self._audit, allowed_origins=allowed, wall=wall,
        )  # fmt: skip
        meetings = OwnedMeetings(
            stores.meetings, stores.accounts, invitations, self.links, self._audit, wall, end=hub.close_meeting,
            present=hub.present_in, send_away=send_away, monotonic=self._clock.monotonic, per_account=own.meetings_per_account,
            link_lifetime_s=self._settings.meetings.invitation_lifetime_s,
        )  # fmt: skip
        inviting = MeetingInvitations(stores.meetings, invitations, hub, self._audit, wall)
        users = Users(stores.accounts, tokens, self.registrations, self._audit, wall)
        me = Me(tokens, stores.sign_ins, self._audit, wall)
        return (auth, me, users, meetings, inviting, Description(self.ring.jwks, self._settings)), gate

    def _registration(self) -> RegistrationDesk:
        return RegistrationDesk(
            self._settings.accounts, tokens=self.registrations, accounts=self.stores.accounts,
            spent=self.stores.token_revocations, workers=self.workers, audit=self._audit, entropy=os.urandom,
            wall=self._clock.wall, monotonic=self._clock.monotonic,
        )  # fmt: skip


def lockout_limits(settings: AccountSettings) -> LockoutLimits:
    """Return the limits of failed log-ins as the settings have them."""
    return LockoutLimits(
        failures=settings.lock_failures,
        failures_per_source=settings.lock_failures_per_source,
        window_s=float(settings.lock_s),
        lock_s=float(settings.lock_s),
    )


def concerns(revocation: Revocation, invitation: Claims, bearer: AccessClaims | None) -> bool:
    """Return whether a revocation is about who came by this invitation, with this access token."""
    subject = revocation.subject
    match revocation.kind:
        case RevocationKind.TOKEN:
            return bearer is not None and bearer.jti == subject
        case RevocationKind.SIGN_IN:
            return bearer is not None and bearer.sid == subject
        case RevocationKind.USER:
            by_token = bearer is not None and bearer.sub == subject and bearer.epoch < revocation.epoch
            return by_token or (invitation.account == subject and invitation.epoch < revocation.epoch)
