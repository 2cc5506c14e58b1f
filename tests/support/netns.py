"""Network namespaces for tests with real clients: nothing they send leaves the machine.

A namespace holds loopback, one more address and a default route, because Firefox gathers no candidate without the
last two. Entering changes the network of the calling thread; processes and threads it starts later inherit it.
"""

import contextlib
import ctypes
import os
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

EXTRA_ADDRESS = "10.77.9.1"
_CLONE_NEWNET = 0x40000000
_LIBC = ctypes.CDLL(None, use_errno=True)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, timeout=10)


@cache
def obstacle() -> str | None:
    """Return why namespaces cannot be made here, or None when they can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    probe = f"conclave-probe-{os.getpid()}"
    try:
        _ip("netns", "add", probe)
        _ip("netns", "delete", probe)
    except FileNotFoundError:
        return "the `ip` command is not installed"
    except subprocess.CalledProcessError as error:
        return f"the kernel refuses network namespaces: {error.stderr.decode(errors='replace').strip()}"
    return None


def _set_namespace(descriptor: int) -> None:
    if _LIBC.setns(descriptor, _CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


class NetworkNamespace:
    """A named namespace with loopback up; `close` removes it."""

    def __init__(self, name: str) -> None:
        self.name = name
        _ip("netns", "add", name)
        self.ip("link", "set", "lo", "up")

    @property
    def path(self) -> Path:
        return Path("/run/netns") / self.name

    def ip(self, *arguments: str) -> None:
        _ip("-n", self.name, *arguments)

    def add_extra_address(self) -> None:
        """Give loopback EXTRA_ADDRESS and make it the source of a default route."""
        self.ip("address", "add", f"{EXTRA_ADDRESS}/32", "dev", "lo")
        self.ip("route", "add", "default", "dev", "lo", "src", EXTRA_ADDRESS)

    def run(self, *command: str, stdin: str | None = None) -> None:
        """Run a short command inside."""
        subprocess.run(
            ["ip", "netns", "exec", self.name, *command], check=True, capture_output=True, timeout=20, input=stdin, text=True
        )

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """Put the calling thread inside; on leaving, back to where it was."""
        before = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            inside = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                _set_namespace(inside)
            finally:
                os.close(inside)
            try:
                yield
            finally:
                _set_namespace(before)
        finally:
            os.close(before)

    def close(self) -> None:
        with contextlib.suppress(subprocess.CalledProcessError):
            _ip("netns", "delete", self.name)


def join_by_veth(left: NetworkNamespace, right: NetworkNamespace, subnet: str = "10.77.0") -> tuple[str, str]:
    """Connect two namespaces by a virtual cable; return the addresses of `left` and `right`."""
    ends = (f"vl{os.getpid() % 1_000_000}", f"vr{os.getpid() % 1_000_000}")
    _ip("link", "add", ends[0], "type", "veth", "peer", "name", ends[1])
    addresses = (f"{subnet}.1", f"{subnet}.2")
    for namespace, end, address, gateway in zip((left, right), ends, addresses, reversed(addresses), strict=True):
        _ip("link", "set", end, "netns", namespace.name)
        namespace.ip("link", "set", end, "up")
        namespace.ip("address", "add", f"{address}/24", "dev", end)
        namespace.ip("route", "add", "default", "via", gateway)
    return addresses
