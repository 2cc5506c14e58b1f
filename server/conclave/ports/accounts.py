"""The doors to where accounts and what belongs to them last. Every call is atomic, and durable when its result is there.

Each raises Unavailable when the store cannot be asked. Times are Unix seconds.
"""

from collections.abc import Awaitable, Sequence
from typing import Protocol

from conclave.model.accounts import (
    Account,
    Attempts,
    OwnedMeeting,
    Relation,
    Revocation,
    RevocationKind,
    Share,
    SignIn,
    SignInId,
    SystemPermission,
    SystemRole,
    UserId,
)
from conclave.model.ids import MeetingId


class AccountStore(Protocol):
    """Accounts by id and by normalised username."""

    def add(self, account: Account) -> Awaitable[None]:
        """Keep a new account. Raises Refused (`conflict`) when the username is taken."""

    def by_id(self, user_id: UserId) -> Awaitable[Account | None]:
        """Return the account, None when there is none."""

    def by_username(self, username: str) -> Awaitable[Account | None]:
        """Return the account of exactly this normalised username."""

    def listed(self, after: str, limit: int) -> Awaitable[Sequence[Account]]:
        """Return accounts whose username sorts after `after`, in that order, at most `limit`."""

    def change(
        self,
        user_id: UserId,
        *,
        role: SystemRole | None = None,
        active: bool | None = None,
        grants: frozenset[SystemPermission] | None = None,
    ) -> Awaitable[Account]:
        """Change what is given and count the epoch up; return the account as it is now. Of an inactive one every sign-in ends.

        Raises Refused: `not_found`, or `forbidden` when no active administrator would be left.
        """

    def set_password(self, user_id: UserId, password_hash: str, *, replaces: str, new_epoch: bool) -> Awaitable[Account]:
        """Replace the hash `replaces`; with a new epoch every sign-in ends.

        Raises Refused (`conflict`) when there is no such account or its hash is another one by now.
        """

    def new_epoch(self, user_id: UserId) -> Awaitable[Account]:
        """Count the epoch up and end every sign-in. Raises Refused (`not_found`)."""


class SignInStore(Protocol):
    """Families of refresh tokens and browser sessions."""

    def add(self, sign_in: SignIn, epoch: int, limit: int) -> Awaitable[Sequence[SignInId]]:
        """Keep a new one; past `limit` of an account those that were not used for longest end. Return which.

        Raises Refused (`conflict`) unless the account is active and of this epoch: what it was verified by may be void.
        """

    def by_id(self, sign_in_id: SignInId) -> Awaitable[SignIn | None]:
        """Return it unless it has ended."""

    def by_proof(self, proof: str) -> Awaitable[SignIn | None]:
        """Return the one with this proof unless it has ended."""

    def of_user(self, user_id: UserId, now_s: float) -> Awaitable[Sequence[SignIn]]:
        """Return those that are valid at `now_s`, the newest first."""

    def renew(self, sign_in_id: SignInId, spent: str, proof: str, now_s: float, valid_until_s: float) -> Awaitable[bool]:
        """Exchange the proof `spent` for another. False, and nothing changes, when it is not the current one or has expired."""

    def end(self, sign_in_id: SignInId) -> Awaitable[None]:
        """End one; nothing happens when it has ended."""

    def forget_expired(self, now_s: float) -> Awaitable[None]:
        """Delete what was over before `now_s`."""


class TokenRevocationStore(Protocol):
    """What is revoked before it expires."""

    def keep(self, revocation: Revocation) -> Awaitable[None]:
        """Keep a revocation; of two for one subject the higher epoch and the later end stay."""

    def spend(self, jti: str, expires_at_s: float) -> Awaitable[bool]:
        """Keep that a single-use token is spent; False when it was before. Of concurrent calls one alone gets True."""

    def kept(self, now_s: float) -> Awaitable[Sequence[Revocation]]:
        """Return those that still matter at `now_s`."""

    def forget_expired(self, now_s: float) -> Awaitable[None]:
        """Delete what was over before `now_s`."""

    def is_kept(self, kind: RevocationKind, subject: str) -> Awaitable[bool]:
        """Return whether there is one for this subject."""


class AttemptStore(Protocol):
    """Failed log-ins, so that a lock outlasts a restart."""

    def keep(self, attempts: Attempts) -> Awaitable[None]:
        """Keep these in place of what was there for the same key."""

    def clear(self, key: str) -> Awaitable[None]:
        """Forget those of one key."""

    def kept(self, since_s: float) -> Awaitable[Sequence[Attempts]]:
        """Return those that began or are locked after `since_s`."""

    def forget(self, since_s: float) -> Awaitable[None]:
        """Delete those that began before `since_s` and lock nothing after it."""


class OwnedMeetingStore(Protocol):
    """Meetings of accounts and with whom they are shared."""

    def add(self, meeting: OwnedMeeting, limit: int) -> Awaitable[None]:
        """Keep a new one. Raises Refused (`conflict`) when its owner has `limit` already."""

    def by_id(self, meeting_id: MeetingId) -> Awaitable[OwnedMeeting | None]:
        """Return it, None when there is none."""

    def relation(self, meeting_id: MeetingId, user_id: UserId) -> Awaitable[Relation]:
        """Return how an account stands to a meeting."""

    def of_user(self, user_id: UserId) -> Awaitable[Sequence[OwnedMeeting]]:
        """Return those that the account owns or that are shared with it, the newest first."""

    def delete(self, meeting_id: MeetingId) -> Awaitable[None]:
        """Forget a meeting and its shares."""

    def share(self, share: Share, limit: int) -> Awaitable[None]:
        """Share, or change the role. Raises Refused: `not_found` without such an account, `conflict` past `limit` shares."""

    def unshare(self, meeting_id: MeetingId, user_id: UserId) -> Awaitable[None]:
        """Take a share back; nothing happens when there is none."""

    def share_of(self, meeting_id: MeetingId, user_id: UserId) -> Awaitable[Share | None]:
        """Return the share of one account."""

    def shares(self, meeting_id: MeetingId) -> Awaitable[Sequence[Share]]:
        """Return all shares of a meeting."""
