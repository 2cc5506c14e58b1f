"""Runs a server until SIGTERM or SIGINT, on uvloop. SIGHUP makes it look at certificate and keys at once."""

import asyncio
import ctypes
import gc
import resource
import signal
from collections.abc import Callable

import structlog
import uvloop

from conclave import __version__
from conclave.app.server import Server
from conclave.config.settings import Settings
from conclave.telemetry.log import LineWriter, configure_logging

COLLECT_AFTER = (700, 2, 1)
"""Thresholds of the garbage collector's generations. A closed TLS connection is a cycle that holds large buffers: it must go
soon. What is alive at the start is frozen, and the collection after it makes the collector forget its size, so full
collections are cheap and come as often as the live sessions warrant."""


M_TRIM_THRESHOLD = -1
M_MMAP_THRESHOLD = -3
MMAP_THRESHOLD_BYTES = 65_536
TRIM_THRESHOLD_BYTES = 131_072


def run(settings: Settings, announce: Callable[[Server], None]) -> None:
    """Serve until told to stop; `announce` is called once when everything listens. Raises what `Server.start` raises."""
    raise_file_limit()
    tune_allocator()
    writer = LineWriter(settings.telemetry.log_file)
    configure_logging(settings.telemetry.log_level, writer)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(settings, announce))
    finally:
        writer.close()


async def _serve(settings: Settings, announce: Callable[[Server], None]) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    server = Server(settings)
    loop.add_signal_handler(signal.SIGHUP, server.reload)
    await server.start()
    log = structlog.get_logger("conclave")
    try:
        lanes = [lane.port for lane in server.lanes]
        log.info("started", version=__version__, port=server.port, media_ports=lanes)
        announce(server)
        gc.collect()
        gc.freeze()
        gc.collect()
        gc.set_threshold(*COLLECT_AFTER)
        await stopping.wait()
        log.info("stopping")
    finally:
        await server.stop()
        log.info("stopped")


def raise_file_limit() -> None:
    """Raise the soft limit of open files to the hard one; each connection needs a descriptor."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def tune_allocator() -> bool:
    """Fix glibc's thresholds, which otherwise grow with the largest buffer ever freed; False where there is no mallopt(3).

    Each TLS connection reserves large buffers and touches little of them. Mapped by themselves, only what was touched
    counts: 53 instead of 65 KiB for a greeted connection.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return bool(mallopt(M_MMAP_THRESHOLD, MMAP_THRESHOLD_BYTES) and mallopt(M_TRIM_THRESHOLD, TRIM_THRESHOLD_BYTES))
