"""What `conclave check` says of accounts: the database, its schema, and whether anybody can log in."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

from conclave.cli.findings import Finding, error, ok, warning
from conclave.config.settings import Settings
from conclave.model.errors import Unavailable
from conclave.store.database import StoreError
from conclave.store.stores import look


def check_accounts(settings: Settings) -> Iterator[Finding]:
    """Look at the database without changing it."""
    try:
        seen = asyncio.run(look(settings.store.url, Path(settings.state.directory)))
    except StoreError as problem:
        yield error("store", str(problem))
        return
    except Unavailable as problem:
        yield error("store", f"the database cannot be asked ({problem.detail}); check store.url, its server and its rights")
        return
    if seen.version is None:
        yield ok("store", "the database is empty or not there yet; the first start makes its schema")
    elif seen.version != seen.needed:
        yield warning("store", f"the schema has version {seen.version}; the next start brings it to {seen.needed}")
    else:
        yield ok("store", f"the schema has version {seen.version}")
    if seen.exposed:
        yield warning(
            "store", "the database is elsewhere, nobody verifies its certificate; add ?sslmode=verify-full to store.url"
        )
    if seen.has_administrator is False:
        yield warning("accounts", "there is no active administrator; make one with: conclave admin create NAME")
