"""Who knows a password? The lockout counts first, then a hash is always made, and every failure is the same answer.

Attempts at one name wait for each other: somebody who logs in eight times at once must not lock the name before the first is
decided. A locked identifier is answered like a wrong password even when the password is right: otherwise the lock would tell
a guesser that the guess was good. Its work is done all the same, so that time tells nothing either.

One name may hold WAITING_PER_NAME places of the queue and one source half of it, so that neither keeps all others out.
"""

from asyncio import Lock
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from weakref import WeakValueDictionary

from conclave.edge.hashing import PasswordWorkers
from conclave.identity.lockout import Attempt, Lockout
from conclave.identity.names import comparable
from conclave.identity.passwords import WrongPassword
from conclave.model.accounts import Account
from conclave.model.errors import ErrorCode, Refused, Unavailable
from conclave.ports.accounts import AccountStore, AttemptStore
from conclave.ports.audit import AuditEvent, AuditSink

WRONG = "name or password is wrong, or too many attempts failed and this name is locked for a while"
WAITING_PER_NAME = 16


class LogInDesk:
    """Verifies passwords."""

    def __init__(
        self,
        accounts: AccountStore,
        attempts: AttemptStore,
        lockout: Lockout,
        workers: PasswordWorkers,
        audit: AuditSink,
        wall: Callable[[], float],
    ) -> None:
        self._accounts = accounts
        self._attempts = attempts
        self._lockout = lockout
        self._workers = workers
        self._audit = audit
        self._wall = wall
        self._turns: WeakValueDictionary[str, Lock] = WeakValueDictionary()
        self._waiting: Counter[str | bytes] = Counter()

    async def verify(self, username: str, password: str, source: bytes, *, counted_as: str | None = None) -> Account:
        """Return the active account of this name and password. Failures count for `counted_as` in place of it, if given.

        Raises Refused: `unauthorized` for whatever is wrong, `rate_limited` for a source that failed too often, `conflict` when
        another password was set meanwhile; Unavailable.
        """
        name = comparable(username)
        with self._place(name, source):
            turn = self._turns.setdefault(name, Lock())
            async with turn:
                return await self._verify(name, password, source, counted_as or name)

    @contextmanager
    def _place(self, name: str, source: bytes) -> Iterator[None]:
        """Hold a place among those who wait. Raises Unavailable when there is none for this name, this source or anybody."""
        limit, waiting = self._workers.limit, self._waiting
        each_counts_twice = 2
        if (
            waiting.total() >= each_counts_twice * limit
            or waiting[name] >= WAITING_PER_NAME
            or waiting[source] >= max(1, limit // 2)
        ):
            raise Unavailable("passwords", "too many log-ins at once")
        waiting.update((name, source))
        try:
            yield
        finally:
            waiting.subtract((name, source))
            for key in (name, source):
                if not waiting[key]:
                    del waiting[key]

    async def _verify(self, name: str, password: str, source: bytes, identifier: str) -> Account:
        attempt = self._lockout.begin(identifier, source, self._wall())
        try:
            account = await self._accounts.by_username(name)
            usable = account is not None and account.active and not attempt.locked
            better = await self._workers.verify(account.password_hash if account and usable else None, password)
        except WrongPassword:
            await self._fail(attempt)
            raise Refused(ErrorCode.UNAUTHORIZED, WRONG) from None
        except Unavailable:
            self._lockout.cancel(attempt)
            raise
        assert account is not None
        self._lockout.succeed(attempt)
        if attempt.kept.failures > 1:
            await self._attempts.clear(attempt.key)
        if better is not None:
            account = await self._accounts.set_password(account.user_id, better, replaces=account.password_hash, new_epoch=False)
        return account

    async def _fail(self, attempt: Attempt) -> None:
        self._lockout.fail(attempt, self._wall())
        self._audit.record(AuditEvent(type="login_refused", details={"locked": attempt.locked, "identifier": attempt.key[:16]}))
        if not attempt.locked:
            await self._attempts.keep(attempt.kept)
