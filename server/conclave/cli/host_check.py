"""What `conclave check` looks at. Each finding says what to do."""

import ctypes
import os
import resource
import socket
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

from conclave.app.lanes import lane_ports
from conclave.app.state import AUDIT_FILE, KEY_FILE
from conclave.cli.account_check import check_accounts
from conclave.cli.certificate_check import check_certificate
from conclave.cli.findings import Finding, Level, error, ok, warning
from conclave.config.settings import Settings

__all__ = ["Finding", "Level", "check_host"]

UDP_SEGMENT = 103
"""From linux/udp.h; the socket module has no name for it."""

UDP_BUFFER_BYTES = 4_194_304
DESCRIPTORS_BESIDE = 256
EARLIEST = datetime(2026, 1, 1, tzinfo=UTC)
CLOCK_UNSYNCHRONISED = 5
TIMEX_BYTES = 512


def check_host(settings: Settings, host: str, *, running: bool = False) -> list[Finding]:
    """Look at everything. `host` is the server's public name; `running` expects the ports to be in use."""
    certificate, key = Path(settings.listen.tls_certificate), Path(settings.listen.tls_key)
    return [
        *check_certificate(certificate, key, host),
        *([] if running else check_ports(settings)),
        *check_addresses(settings),
        *check_state(Path(settings.state.directory)),
        *check_accounts(settings),
        check_client(settings.client.directory),
        check_descriptors(settings.security.max_connections),
        *check_udp(Path("/proc/sys/net/core")),
        check_clock(datetime.now(UTC)),
        check_synchronisation(),
        check_plane(),
    ]


def check_ports(settings: Settings) -> Iterator[Finding]:
    """Try to bind every port that the server will bind."""
    listen = settings.listen
    yield _check_port("listen", listen.host, listen.port, socket.SOCK_STREAM)
    for port in lane_ports(settings.media):
        yield _check_port("media", settings.media.host, port, socket.SOCK_DGRAM)
        yield _check_port("media", settings.media.host, port, socket.SOCK_STREAM)


def _check_port(subject: str, host: str, port: int, kind: socket.SocketKind) -> Finding:
    name = f"{'UDP' if kind is socket.SOCK_DGRAM else 'TCP'} {host} port {port}"
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, kind) as probe:
        if kind is socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except PermissionError:
            return error(subject, f"{name} needs CAP_NET_BIND_SERVICE; grant it, or choose a port above 1023")
        except OSError as problem:
            return error(subject, f"{name}: {problem.strerror}; stop what uses it (`ss -lntup`), or choose another")
    return ok(subject, f"{name} is free")


def check_addresses(settings: Settings) -> Iterator[Finding]:
    """Are the announced addresses such that a client can reach them?"""
    if not settings.media.announced_addresses:
        yield error("media", "media.announced_addresses is empty; name the addresses under which clients reach this host")
    for text in settings.media.announced_addresses:
        try:
            address = ip_address(text)
        except ValueError:
            yield error("media", f"{text!r} in media.announced_addresses is not an IP address")
            continue
        if address.is_unspecified or address.is_multicast:
            yield error("media", f"{text} cannot be reached; announce the host's own addresses")
        elif address.is_loopback and settings.listen.host not in ("127.0.0.1", "::1", "localhost"):
            yield warning("media", f"only {text} is announced: clients elsewhere get no media; add the host's own addresses")
        else:
            yield ok("media", f"announces {text}")


def check_state(directory: Path) -> Iterator[Finding]:
    """Who can read the key and the audit log?"""
    if not directory.exists():
        parent = next(ancestor for ancestor in directory.absolute().parents if ancestor.exists())
        if os.access(parent, os.W_OK):
            yield ok("state", f"{directory} will be made at the first start")
        else:
            yield error("state", f"{directory} does not exist and {parent} cannot be written; make it, or name another")
        return
    modes = {directory: 0o700, directory / KEY_FILE: 0o600, directory / AUDIT_FILE: 0o600}
    for path, mode in modes.items():
        if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077:
            yield error("state", f"{path} is open to other users; close it with: chmod {mode:o} {path}")
            return
    if os.access(directory, os.W_OK | os.X_OK):
        yield ok("state", f"{directory} belongs to this user alone")
    else:
        yield error("state", f"{directory} cannot be written by this user; give it to the server's user with chown")


def check_client(directory: str) -> Finding:
    if not directory:
        return ok("client", "no web client is served")
    if (Path(directory) / "index.html").is_file():
        return ok("client", f"serves {directory}")
    return error(
        "client", f"{directory} has no index.html; name the web client's directory in client.directory, or leave it empty"
    )


def check_descriptors(max_connections: int) -> Finding:
    """The server raises the soft limit by itself, so the hard one counts."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = max_connections + DESCRIPTORS_BESIDE
    if hard != resource.RLIM_INFINITY and hard < needed:
        return warning(
            "files", f"{hard} open files are allowed, {needed} may be needed; set LimitNOFILE={needed} or `ulimit -Hn`"
        )
    return ok("files", "enough open files are allowed")


def check_udp(directory: Path) -> Iterator[Finding]:
    """Socket buffers for bursts of media, and segmentation offload, which halves the cost of sending."""
    for name in ("rmem_max", "wmem_max"):
        try:
            value = int((directory / name).read_text())
        except (OSError, ValueError):
            yield warning("udp", f"net.core.{name} cannot be read; it should be {UDP_BUFFER_BYTES} or more")
            continue
        if value < UDP_BUFFER_BYTES:
            yield warning("udp", f"net.core.{name} is {value}; raise it: sysctl -w net.core.{name}={UDP_BUFFER_BYTES}")
        else:
            yield ok("udp", f"net.core.{name} is {value}")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 1_200)
        except OSError:
            yield warning("udp", "the kernel has no UDP segmentation (UDP_SEGMENT): sending costs more; use Linux 4.18 or newer")
        else:
            yield ok("udp", "segmentation offload works")


def check_clock(now: datetime) -> Finding:
    if now < EARLIEST:
        return error("clock", f"it says {now:%Y-%m-%d}: invitations and certificates will not be valid; set it, run chrony")
    return ok("clock", f"it says {now:%Y-%m-%d %H:%M} UTC")


def check_synchronisation() -> Finding:
    """Ask the kernel whether something disciplines the clock (adjtimex(2))."""
    libc = ctypes.CDLL(None, use_errno=True)
    state = libc.adjtimex(ctypes.create_string_buffer(TIMEX_BYTES))
    if state == CLOCK_UNSYNCHRONISED:
        return warning("clock", "nothing keeps it right; run chrony or systemd-timesyncd (in a container: on its host)")
    if state < 0:
        return warning("clock", "the kernel does not say whether it is synchronised")
    return ok("clock", "is synchronised")


def check_plane() -> Finding:
    try:
        from conclave.plane.plane import LaneCore

        LaneCore()
    except (ImportError, OSError, RuntimeError) as problem:
        return error("plane", f"the native packet plane does not load ({problem}); build it with: pip install -e .")
    return ok("plane", "the native packet plane loads")
