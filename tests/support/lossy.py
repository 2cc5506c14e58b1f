"""Two network namespaces joined by a link that delays and drops on command (support/relay.py)."""

import contextlib
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

from tests.support.lines import LineProcess
from tests.support.netns import NetworkNamespace
from tests.support.relay import DEVICE

_RELAY = str(Path(__file__).with_name("relay.py"))
CLIENT_ADDRESS = "10.78.0.2"
SERVER_ADDRESS = "10.78.0.1"


class Traffic(NamedTuple):
    """RTP packets of one direction by SSRC, since the relay started."""

    passed: dict[int, int]
    dropped: dict[int, int]


class LossyLink:
    """`clients` and `server` are the two ends; what clients send is the upstream direction."""

    def __init__(self, clients: NetworkNamespace, server: NetworkNamespace, relay: LineProcess) -> None:
        self.clients = clients
        self.server = server
        self._relay = relay

    async def impair(self, *, round_trip_ms: float, upstream: float = 0.0, downstream: float = 0.0) -> None:
        """Set the delay (half of it each way) and the share of packets that are lost in each direction."""
        await self._relay.ask({"delay_ms": round_trip_ms / 2, "loss": {"left": upstream, "right": downstream}})

    async def rebind(self, port_shift: int) -> None:
        """Have the server see the clients' UDP ports `port_shift` higher from now on, as behind a NAT that gave new ones."""
        await self._relay.ask({"port_shift": port_shift})

    async def traffic(self) -> tuple[Traffic, Traffic]:
        """Return what went upstream and downstream."""
        answer = await self._relay.ask({})
        sides = (answer["left"], answer["right"])
        up, down = (
            Traffic(*({int(key): value for key, value in side[name].items()} for name in Traffic._fields)) for side in sides
        )
        return up, down


@contextlib.asynccontextmanager
async def lossy_link(seed: int) -> AsyncIterator[LossyLink]:
    """Make the namespaces and the link for the length of the block. `seed` decides which packets are lost."""
    async with contextlib.AsyncExitStack() as stack:
        ends = []
        for name in ("clients", "server"):
            namespace = NetworkNamespace(f"conclave-{name}-{os.getpid()}")
            stack.callback(namespace.close)
            ends.append(namespace)
        command = [sys.executable, "-u", _RELAY, *(str(end.path) for end in ends), str(seed)]
        relay = await LineProcess.start("relay", command)
        stack.push_async_callback(relay.close)
        for end, address in zip(ends, (CLIENT_ADDRESS, SERVER_ADDRESS), strict=True):
            end.ip("address", "add", f"{address}/30", "dev", DEVICE)
            end.ip("link", "set", DEVICE, "up", "mtu", "1500")
            end.ip("route", "add", "default", "dev", DEVICE)
        yield LossyLink(ends[0], ends[1], relay)
