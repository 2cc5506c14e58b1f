"""A PostgreSQL cluster of the test's own: in a temporary directory, on a Unix socket, run by an unprivileged user."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

VERSIONS = Path("/usr/lib/postgresql")
SUPERUSER = "conclave"
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "listen_addresses=", "max_connections=40")


def binaries() -> Path | None:
    """Return where initdb and pg_ctl of the newest installed version are, None when there is none."""
    found = shutil.which("pg_ctl")
    if found is not None and (Path(found).parent / "initdb").exists():
        return Path(found).parent
    versions = sorted(VERSIONS.glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    return versions[-1].parent if versions else None


def obstacle() -> str | None:
    """Return why there can be no cluster here, None when there can."""
    if binaries() is None:
        return "PostgreSQL is not installed; .ci/prepare installs it"
    return "nobody to run PostgreSQL as: it refuses root" if os.geteuid() == 0 and _user() is None else None


def _user() -> str | None:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    return None


@contextmanager
def cluster() -> Iterator[str]:
    """Run a cluster for the length of the block; give the address of its database."""
    directory = Path(tempfile.mkdtemp(prefix="conclave-pg-"))
    user = _user() if os.geteuid() == 0 else None
    if user is not None:
        shutil.chown(directory, user)
    programs = binaries()
    assert programs is not None

    def run(*command: str) -> None:
        done = subprocess.run(command, user=user, cwd=directory, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    data, log = str(directory / "data"), str(directory / "log")
    try:
        run(str(programs / "initdb"), "-D", data, "-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--no-sync", "--locale=C.UTF-8")
        options = " ".join(f"-c {option}" for option in (*FAST, f"unix_socket_directories={directory}"))
        run(str(programs / "pg_ctl"), "-D", data, "-l", log, "-o", options, "-w", "-t", "50", "start")
        try:
            yield f"postgresql://{SUPERUSER}@/postgres?host={directory}"
        finally:
            run(str(programs / "pg_ctl"), "-D", data, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(directory, ignore_errors=True)
