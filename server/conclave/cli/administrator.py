"""conclave admin and conclave keys: done to the state directory and the store, without asking the server."""

import asyncio
import getpass
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from conclave.app.state import AUDIT_FILE, prepare_directory
from conclave.app.token_keys import rotate
from conclave.config.settings import Settings
from conclave.identity import password_rules
from conclave.identity.names import normalise_username
from conclave.identity.passwords import Passwords
from conclave.identity.token_keys import TokenKey
from conclave.model.accounts import Account, SystemRole, UserId
from conclave.model.errors import ErrorCode, Refused
from conclave.model.ids import new_id
from conclave.ports.audit import AuditEvent, AuditSink
from conclave.store.stores import Stores
from conclave.telemetry.audit_log import AuditLog

BY = "command"
"""Who did it, on record: whoever may use the state directory, in the place of an account's id."""


def read_password(path: Path | None) -> str:
    """Return the password from a file, from whoever types it twice, or from standard input. Raises ValueError, OSError."""
    if path is not None:
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != password:
        raise ValueError("the two are not the same")
    return password


def create_administrator(settings: Settings, username: str, password: str) -> str:
    """Make the account and return its normalised name. Raises Refused, StateError, StoreError, Unavailable."""
    name = normalise_username(username)
    password_rules.check(password, name)
    account = Account(
        user_id=UserId(new_id(os.urandom)),
        username=name,
        password_hash=Passwords(os.urandom).hash(password),
        role=SystemRole.ADMIN,
        created_at_s=time.time(),
    )
    with _audit(settings) as audit:
        asyncio.run(_add(settings, account, audit))
    return name


def rotate_keys(settings: Settings) -> str:
    """Replace the signing key and return the new one's id. Raises StateError, Unavailable."""
    with _audit(settings) as audit:

        def record(key: TokenKey) -> None:
            audit.record(AuditEvent(type="token_key_rotated", details={"kid": key.kid, "by": BY}))

        return rotate(Path(settings.state.directory), settings.accounts, time.time(), record).kid


@contextmanager
def _audit(settings: Settings) -> Iterator[AuditSink]:
    """Open the audit log of the state directory beside the server that may run."""
    directory = Path(settings.state.directory)
    prepare_directory(directory)
    log = AuditLog(directory / AUDIT_FILE, durable=settings.telemetry.audit_fsync, wall=time.time, rotates=False)
    try:
        yield log
    finally:
        log.close()


async def _add(settings: Settings, account: Account, audit: AuditSink) -> None:
    """Record the account, then keep it."""
    stores = await Stores.open(settings.store.url, Path(settings.state.directory))
    try:
        if await stores.accounts.by_username(account.username) is not None:
            raise Refused(ErrorCode.CONFLICT, "this username is taken")
        details: dict[str, str | int | bool] = {"user_id": account.user_id, "role": account.role.value, "by": BY}
        audit.record(AuditEvent(type="user_registered", details=details))
        await stores.accounts.add(account)
    finally:
        await stores.close()
