"""The credentials of `welcome` at a real TURN server."""

import asyncio
import contextlib
import shutil
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aioice import stun, turn
from tests.support.live import hello, starting

from conclave.identity.turn_credentials import TurnCredentials
from conclave.model.ids import SessionId

SECRET = "0123456789abcdef" * 2
COTURN = shutil.which("turnserver")

pytestmark = pytest.mark.skipif(COTURN is None, reason="coturn is not installed: apt-get install coturn")


def free_udp_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.asynccontextmanager
async def coturn(directory: Path) -> AsyncIterator[int]:
    """Run coturn on a free port of loopback and give the port."""
    assert COTURN is not None
    port = free_udp_port()
    arguments = (
        "-n", "--use-auth-secret", f"--static-auth-secret={SECRET}", "--realm=conclave.test", "--listening-ip=127.0.0.1",
        "--relay-ip=127.0.0.1", f"--listening-port={port}", "--no-tls", "--no-dtls", "--no-cli", "--allow-loopback-peers",
        f"--pidfile={directory / 'coturn.pid'}", f"--userdb={directory / 'coturn.db'}", "--log-file=stdout", "--simple-log",
    )  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        COTURN, *arguments, cwd=directory, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        yield port
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


class Sink(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.received: asyncio.Queue[bytes] = asyncio.Queue()

    def datagram_received(self, data: bytes, _: object) -> None:
        self.received.put_nowait(data)


async def allocate(port: int, username: str, credential: str) -> asyncio.DatagramTransport:
    """Return a relayed endpoint; wait for the server to listen. Raises stun.TransactionFailed when it refuses."""
    async with asyncio.timeout(20):
        while True:
            try:
                transport, _ = await turn.create_turn_endpoint(
                    asyncio.DatagramProtocol, server_addr=("127.0.0.1", port), username=username, password=credential
                )
            except (stun.TransactionTimeout, ConnectionError):
                continue
            return transport


async def test_a_turn_server_takes_the_credentials_of_welcome_and_relays(tmp_path: Path) -> None:
    async with coturn(tmp_path) as port, starting(tmp_path) as start:
        live = await start({"turn": {"urls": (f"turn:127.0.0.1:{port}?transport=udp",), "secret": SECRET}})
        connection = await live.connect()
        welcome = (await hello(connection, live.invite(live.new_meeting())))["result"]
        (server,) = welcome["ice_servers"]
        relayed = await allocate(port, server["username"], server["credential"])
        peer, sink = await asyncio.get_running_loop().create_datagram_endpoint(Sink, local_addr=("127.0.0.1", 0))
        relayed.sendto(b"through the relay", peer.get_extra_info("sockname"))
        assert await asyncio.wait_for(sink.received.get(), 10) == b"through the relay"
        peer.close()
        relayed.close()
        await connection.close()


@pytest.mark.parametrize(("secret", "lifetime_s"), [(SECRET, -60), ("another" * 5, 600)])
async def test_a_turn_server_refuses_what_expired_or_was_made_with_another_secret(
    tmp_path: Path, secret: str, lifetime_s: int
) -> None:
    now = time.time()
    (server,) = TurnCredentials(("turn:x",), secret, lifetime_s).ice_servers(SessionId("s" * 16), now)
    async with coturn(tmp_path) as port:
        with pytest.raises(stun.TransactionFailed) as caught:
            await allocate(port, server["username"], server["credential"])
        assert caught.value.response.attributes["ERROR-CODE"][0] == 401
