"""The lossy link itself: what it says it dropped is what did not arrive."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator

import pytest
from tests.support.lossy import CLIENT_ADDRESS, SERVER_ADDRESS, LossyLink, Traffic, lossy_link
from tests.support.netns import NetworkNamespace, obstacle
from tests.support.relay import rtp_ssrc
from tests.support.wait import until

pytestmark = [pytest.mark.netns, pytest.mark.skipif(obstacle() is not None, reason=str(obstacle()))]

SSRC = 0x5EED
PACKETS = 1_000
SEED = 7


@pytest.fixture
async def link() -> AsyncIterator[LossyLink]:
    async with lossy_link(SEED) as opened:
        yield opened


def _socket(namespace: NetworkNamespace, address: str) -> socket.socket:
    with namespace.entered():
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * 1024 * 1024)
    made.setblocking(False)
    made.bind((address, 0))
    return made


def _arrived(receiver: socket.socket) -> int:
    count = 0
    while True:
        try:
            receiver.recv(2_048)
        except BlockingIOError:
            return count
        count += 1


async def _send_upstream(link: LossyLink) -> tuple[int, Traffic]:
    """Send PACKETS and return how many arrived, and the link's own account."""
    arrived = 0

    async def seen() -> int:
        nonlocal arrived
        arrived += _arrived(receiver)
        traffic, _ = await link.traffic()
        return arrived + traffic.dropped.get(SSRC, 0)

    with _socket(link.clients, CLIENT_ADDRESS) as sender, _socket(link.server, SERVER_ADDRESS) as receiver:
        for number in range(PACKETS):
            header = struct.pack("!BBHII", 0x80, 96, number, number, SSRC)
            sender.sendto(header + bytes(100), receiver.getsockname())
            if number % 50 == 49:
                await asyncio.sleep(0.005)
        await until(seen, lambda total: total >= PACKETS, "every packet has arrived or was dropped on purpose", every_s=0.02)
    return arrived, (await link.traffic())[0]


async def test_a_clean_link_loses_nothing(link: LossyLink) -> None:
    await link.impair(round_trip_ms=10)
    arrived, traffic = await _send_upstream(link)
    assert arrived == traffic.passed[SSRC] == PACKETS
    assert SSRC not in traffic.dropped


async def test_a_lossy_link_drops_its_share_and_counts_it(link: LossyLink) -> None:
    await link.impair(round_trip_ms=10, upstream=0.05)
    arrived, traffic = await _send_upstream(link)
    assert arrived == traffic.passed[SSRC] == PACKETS - traffic.dropped[SSRC]
    assert 0.03 < traffic.dropped[SSRC] / PACKETS < 0.08


async def test_a_link_that_rebinds_shows_another_port_and_brings_answers_back(link: LossyLink) -> None:
    loop = asyncio.get_running_loop()
    with _socket(link.clients, CLIENT_ADDRESS) as client, _socket(link.server, SERVER_ADDRESS) as server:
        for shift in (0, 1000):
            await link.rebind(shift)
            await loop.sock_sendto(client, b"question", server.getsockname())
            _, seen = await asyncio.wait_for(loop.sock_recvfrom(server, 2_048), 10)
            assert seen[1] == (client.getsockname()[1] + shift) & 0xFFFF
            await loop.sock_sendto(server, b"answer", seen)
            assert await asyncio.wait_for(loop.sock_recv(client, 2_048), 10) == b"answer"


@pytest.mark.parametrize(("second_byte", "expected"), [(96, SSRC), (0x80 | 111, SSRC), (200, None), (201, None), (206, None)])
def test_only_rtp_counts_as_rtp(second_byte: int, expected: int | None) -> None:
    datagram = struct.pack("!BBHII", 0x80, second_byte, 1, 2, SSRC)
    header = bytes([0x45]) + bytes(8) + bytes([17]) + bytes(10)
    assert rtp_ssrc(header + bytes(8) + datagram) == expected
