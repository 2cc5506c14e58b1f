"""conclave admin and conclave keys: done to the state directory and the store, without asking the server."""

import asyncio
import getpass
import os
import sys
import time
from pathlib import Path

from conclave.app.state import prepare_directory
from conclave.app.token_keys import rotate
from conclave.config.settings import Settings
from conclave.identity import password_rules
from conclave.identity.names import normalise_username
from conclave.identity.passwords import Passwords
from conclave.model.accounts import Account, SystemRole, UserId
from conclave.model.ids import new_id
from conclave.store.stores import Stores


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
    directory = Path(settings.state.directory)
    prepare_directory(directory)
    asyncio.run(_add(settings.store.url, directory, account))
    return name


def rotate_keys(settings: Settings) -> str:
    """Replace the signing key and return the new one's id. Raises StateError."""
    directory = Path(settings.state.directory)
    prepare_directory(directory)
    return rotate(directory, settings.accounts, time.time()).kid


async def _add(url: str, directory: Path, account: Account) -> None:
    stores = await Stores.open(url, directory)
    try:
        await stores.accounts.add(account)
    finally:
        await stores.close()
