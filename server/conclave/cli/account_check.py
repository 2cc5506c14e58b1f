"""What `conclave check` says of accounts: the database, its schema, and whether anybody can log in."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

from conclave.cli.findings import Finding, error, ok, warning
from conclave.config.settings import Settings
from conclave.model.errors import Unavailable
from conclave.store.database import StoreError
from conclave.store.stores import FILE, look


def check_accounts(settings: Settings) -> Iterator[Finding]:
    """Look at the database without changing it."""
    directory = Path(settings.state.directory)
    if not settings.store.url and not (directory / FILE).exists():
        yield ok("store", f"{directory / FILE} will be made at the first start")
        yield _nobody()
        return
    try:
        there, needed = asyncio.run(look(settings.store.url, directory))
    except StoreError as problem:
        yield error("store", str(problem))
        return
    except Unavailable as problem:
        yield error("store", f"the database cannot be asked ({problem.detail}); check store.url, its server and its rights")
        return
    if there is None:
        yield ok("store", "the database is empty; the first start makes its schema")
        yield _nobody()
    elif there != needed:
        yield warning("store", f"the schema has version {there}; the next start brings it to {needed}")
    else:
        yield ok("store", f"the schema has version {there}")


def _nobody() -> Finding:
    return warning("accounts", "there is no administrator; make one with: conclave admin create NAME")
