"""CPU time and memory of the server under test when it runs on this machine, from /proc (Linux)."""

import os
from pathlib import Path
from typing import NamedTuple

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_LISTEN = "0A"


class Usage(NamedTuple):
    """CPU seconds (user + system, all threads, children that live) and resident bytes."""

    cpu_s: float
    resident_bytes: int


def find_listener(port: int, proc: Path = Path("/proc")) -> int | None:
    """Return the pid of the process that listens on TCP `port`, None when there is none that we may see."""
    inodes = _listening_inodes(port, proc)
    if not inodes:
        return None
    wanted = {f"socket:[{inode}]" for inode in inodes}
    for entry in proc.iterdir():
        if entry.name.isdigit() and _holds(entry / "fd", wanted):
            return int(entry.name)
    return None


def usage_of(pid: int, proc: Path = Path("/proc")) -> Usage:
    """Return what `pid` and its living descendants have used. Raises ProcessLookupError when `pid` is gone."""
    cpu_s = resident = 0.0
    found = False
    for each in _family(pid, proc):
        try:
            stat = (proc / str(each) / "stat").read_text()
            status = (proc / str(each) / "status").read_text()
        except OSError:
            continue
        found = True
        fields = stat.rpartition(")")[2].split()
        cpu_s += (int(fields[11]) + int(fields[12])) / _TICKS_PER_S
        resident += _resident_kib(status) * 1024
    if not found:
        raise ProcessLookupError(pid)
    return Usage(cpu_s, int(resident))


def _listening_inodes(port: int, proc: Path) -> set[str]:
    inodes: set[str] = set()
    for name in ("tcp", "tcp6"):
        try:
            lines = (proc / "net" / name).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if fields[3] == _LISTEN and int(fields[1].rpartition(":")[2], 16) == port:
                inodes.add(fields[9])
    return inodes


def _holds(directory: Path, wanted: set[str]) -> bool:
    try:
        return any(os.readlink(entry) in wanted for entry in directory.iterdir())
    except OSError:
        return False


def _family(pid: int, proc: Path) -> list[int]:
    family = [pid]
    for member in family:
        try:
            for task in (proc / str(member) / "task").iterdir():
                family += [int(child) for child in (task / "children").read_text().split()]
        except OSError:
            continue
    return family


def _resident_kib(status: str) -> int:
    for line in status.splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0
