"""The server is killed with -9 right after a host was answered, and started again on the same state: nobody gains by that."""

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from tests.support.server import ConclaveServer
from tests.support.signaling import RequestRefused, Signaling

from conclave.model.ids import new_id

DEVICE, OTHER_DEVICE = "d" * 16, "e" * 16


@asynccontextmanager
async def running(directory: Path) -> AsyncIterator[tuple[ConclaveServer, AsyncExitStack]]:
    """A server that does not get the chance to end well, and a stack for its connections."""
    server = await ConclaveServer.start(directory)
    try:
        async with AsyncExitStack() as stack:
            yield server, stack
            await server.kill()
    finally:
        await server.kill()


async def enter(server: ConclaveServer, stack: AsyncExitStack, token: str, device_id: str) -> Signaling:
    connection = await Signaling.connect(server.websocket_url, server.tls)
    stack.push_async_callback(connection.close)
    await connection.request("hello", protocol=1, token=token, device_id=device_id)
    return connection


async def host_of(server: ConclaveServer, stack: AsyncExitStack, token: str) -> Signaling:
    host = await enter(server, stack, token, "h" * 16)
    await host.request("meeting.create", title="Weekly")
    await host.request("join", display_name="Host")
    return host


@pytest.mark.parametrize("seats", [0, 1])
async def test_who_was_removed_and_banned_stays_out(tmp_path: Path, seats: int) -> None:
    meeting = new_id(os.urandom)
    async with running(tmp_path) as (server, stack):
        link, fresh, for_host = [
            await server.invite(meeting, role, seats=count)
            for role, count in (("participant", seats), ("participant", 0), ("host", 0))
        ]
        host = await host_of(server, stack, for_host)
        ada = await enter(server, stack, link, DEVICE)
        joined = await ada.request("join", display_name="Ada")
        await host.request("participant.remove", participant_id=joined["participant_id"], ban=True)
    async with running(tmp_path) as (server, stack):
        for token, device_id in ((link, DEVICE), (link, OTHER_DEVICE), (fresh, DEVICE)):
            with pytest.raises(RequestRefused) as caught:
                await enter(server, stack, token, device_id)
            assert caught.value.code == ("forbidden" if token == fresh else "unauthorized")
        await host_of(server, stack, for_host)
        innocent = await enter(server, stack, fresh, OTHER_DEVICE)
        assert (await innocent.request("join", display_name="Eve"))["state"] == "joined"


@pytest.mark.parametrize("seats", [0, 1])
async def test_a_demoted_host_stays_demoted(tmp_path: Path, seats: int) -> None:
    meeting = new_id(os.urandom)
    async with running(tmp_path) as (server, stack):
        link, for_host = [await server.invite(meeting, "host", seats=count) for count in (seats, 0)]
        host = await host_of(server, stack, for_host)
        mallory = await enter(server, stack, link, DEVICE)
        joined = await mallory.request("join", display_name="Mallory")
        await host.request("participant.set_role", participant_id=joined["participant_id"], role="viewer")
    async with running(tmp_path) as (server, stack):
        mallory = await enter(server, stack, link, DEVICE)
        with pytest.raises(RequestRefused) as caught:
            await mallory.request("meeting.create", title="Mine")
        assert caught.value.code == "unauthorized"
        await host_of(server, stack, for_host)
        assert (await mallory.request("join", display_name="Mallory"))["role"] == "viewer"


async def test_a_personal_link_stays_with_its_device_and_its_uses_stay_used(tmp_path: Path) -> None:
    meeting = new_id(os.urandom)
    async with running(tmp_path) as (server, stack):
        for_host = await server.invite(meeting, "host")
        host = await host_of(server, stack, for_host)
        made = await host.request("invitation.create", role="participant", uses=2, label="For Ada")
        ada = await enter(server, stack, made["token"], DEVICE)
        await ada.request("join", display_name="Ada")
    async with running(tmp_path) as (server, stack):
        host = await host_of(server, stack, for_host)
        thief = await enter(server, stack, made["token"], OTHER_DEVICE)
        with pytest.raises(RequestRefused) as caught:
            await thief.request("join", display_name="Ada")
        assert caught.value.code == "conflict"
        assert (await host.event("invitation.reused"))["label"] == "For Ada"
        ada = await enter(server, stack, made["token"], DEVICE)
        await ada.request("join", display_name="Ada")
        await ada.request("leave")
        with pytest.raises(RequestRefused, match="used up"):
            await ada.request("join", display_name="Ada")


async def test_what_is_kept_names_no_address_and_no_device(tmp_path: Path) -> None:
    meeting = new_id(os.urandom)
    async with running(tmp_path) as (server, stack):
        host = await host_of(server, stack, await server.invite(meeting, "host"))
        ada = await enter(server, stack, await server.invite(meeting, "viewer", seats=1), DEVICE)
        joined = await ada.request("join", display_name="Ada Lovelace")
        await host.request("participant.remove", participant_id=joined["participant_id"], ban=True)
    written = b"".join(path.read_bytes() for path in (tmp_path / "state").iterdir() if path.is_file())
    for secret in (DEVICE.encode(), b"127.0.0.1", b"Ada Lovelace"):
        assert secret not in written
