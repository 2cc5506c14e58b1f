"""Runs a server until SIGTERM or SIGINT, on uvloop."""

import asyncio
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


def run(settings: Settings, announce: Callable[[Server], None]) -> None:
    """Serve until told to stop; `announce` is called once when everything listens. Raises what `Server.start` raises."""
    raise_file_limit()
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
    await server.start()
    log = structlog.get_logger("conclave")
    try:
        lanes = [lane.port for lane in server.lanes]
        log.info("started", version=__version__, port=server.port, media_ports=lanes)
        announce(server)
        gc.collect()
        gc.freeze()
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
