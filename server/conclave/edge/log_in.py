"""Who knows a password? The lockout counts first, then a hash is always made, and every failure is the same answer.

Attempts at one name wait for each other: somebody who logs in eight times at once must not lock the name before the first is
decided. A locked identifier is answered like a wrong password even when the password is right: otherwise the lock would tell
a guesser that the guess was good. Its work is done all the same, so that time tells nothing either.
"""

from asyncio import Lock
from collections.abc import Callable
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
        self._waiting = 0

    async def verify(self, username: str, password: str, source: bytes) -> Account:
        """Return the active account of this name and password.

        Raises Refused: `unauthorized` for whatever is wrong, `rate_limited` for a source that failed too often, `conflict` when
        another password was set meanwhile; Unavailable.
        """
        name = comparable(username)
        if self._waiting >= self._workers.limit:
            raise Unavailable("passwords", "too many log-ins at once")
        turn = self._turns.setdefault(name, Lock())
        self._waiting += 1
        try:
            async with turn:
                return await self._verify(name, password, source)
        finally:
            self._waiting -= 1

    async def _verify(self, name: str, password: str, source: bytes) -> Account:
        attempt = self._lockout.begin(name, source, self._wall())
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
