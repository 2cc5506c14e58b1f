"""Whom a load test may aim at: this machine, or a server whose name the user typed together with --yes-remote."""

import ipaddress
import resource
import socket
import ssl
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

SIGNALING_PATH = "/api/v1/signaling"
MEETINGS_PATH = "/api/v1/meetings"


class RefusedTarget(ValueError):
    """The URL is no https URL, or it leads away from this machine without --yes-remote."""


class Target(NamedTuple):
    """Where to go. `local`: every address of the host is a loopback address."""

    origin: str
    host: str
    port: int
    local: bool

    @property
    def signaling_url(self) -> str:
        return "wss" + self.origin.removeprefix("https") + SIGNALING_PATH

    @property
    def meetings_url(self) -> str:
        return self.origin + MEETINGS_PATH


def resolve_target(url: str, *, yes_remote: bool) -> Target:
    """Return the target of an https URL. Raises RefusedTarget."""
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        raise RefusedTarget(f"{url!r} is no https URL")
    if parts.query or parts.username or parts.password:
        raise RefusedTarget("the URL holds a query or credentials; invitations go into --invitation")
    port = parts.port or 443
    local = is_local(parts.hostname)
    if not local and not yes_remote:
        raise RefusedTarget(
            f"{parts.hostname} is not this machine. Load tests are for servers of your own: if this one is, add --yes-remote"
        )
    return Target(f"https://{parts.netloc.rpartition('@')[2]}", parts.hostname, port, local)


def is_local(host: str) -> bool:
    """Tell whether every address of `host` is a loopback address. A name that does not resolve is not local."""
    try:
        addresses = {str(entry[4][0]) for entry in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
    except OSError:
        return False
    return bool(addresses) and all(ipaddress.ip_address(address.partition("%")[0]).is_loopback for address in addresses)


def tls_context(*, insecure: bool, ca: Path | None) -> ssl.SSLContext:
    """Return a client context that verifies by the system's authorities or by `ca`, or not at all when `insecure`."""
    context = ssl.create_default_context(cafile=None if ca is None else str(ca))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def raise_file_limit() -> int:
    """Raise the limit of open files as far as it goes and return it; a client needs two sockets."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard
