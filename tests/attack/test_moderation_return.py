"""Who was removed tries to come back: by the same link, another device, WHIP, an ICE restart, a resume. Real hub, real plane."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from tests.support.hubs import HubInMemory, RefusedByServer
from tests.support.offers import offer

from conclave.hub.sessions import ConnectionInfo, Session
from conclave.meeting.bans import BAN_S
from conclave.model.errors import ErrorCode, Refused
from conclave.model.roles import Role
from conclave.signaling import messages
from conclave.signaling.codec import Encoding

DEVICE, OTHER_DEVICE, NETWORK, OTHER_NETWORK = "d" * 16, "e" * 16, b"n" * 16, b"o" * 16


@pytest.fixture
async def hub() -> AsyncIterator[HubInMemory]:
    hub = HubInMemory()
    hub.start()
    yield hub
    await hub.close()


class Intruder:
    """A connection from a network, by a device."""

    def __init__(self, hub: HubInMemory, source_hash: bytes, former_hashes: tuple[bytes, ...] = ()) -> None:
        self.client = hub.client()
        self.client.session.disconnected()
        self.client.session = hub.hub.connect(
            ConnectionInfo(
                encoding=Encoding.MSGPACK, abort=self.client._abort, source_hash=source_hash, former_hashes=former_hashes
            )
        )

    async def hello(self, token: str, device_id: str | None) -> messages.Welcome:
        return await self.client.ask(
            lambda number: messages.Hello(id=number, protocol=1, token=token, device_id=device_id), messages.Welcome
        )

    async def join(self, token: str, device_id: str | None = DEVICE) -> messages.Joined:
        await self.hello(token, device_id)
        return await self.client.join("Mallory")


async def remove(hub: HubInMemory, token: str, *, ban: bool) -> tuple[Intruder, messages.Welcome]:
    """Let somebody in by `token`, publishing, and remove it again."""
    host = await hub.host()
    intruder = Intruder(hub, NETWORK)
    welcome = await intruder.hello(token, DEVICE)
    joined = await intruder.client.join("Mallory", auto_subscribe=True)
    await intruder.client.ask(lambda number: messages.AudioPublish(id=number, mid="0"), messages.Published)
    await intruder.client.ask(lambda number: messages.PublisherOffer(id=number, sdp=offer("audio")), messages.SdpAnswer)
    assert joined.participant_id is not None
    request = lambda number: messages.ParticipantRemove(id=number, participant_id=joined.participant_id, ban=ban)  # noqa: E731
    await host.ask(request, messages.Empty)
    return intruder, welcome


async def refusal(hub: HubInMemory, token: str, device_id: str | None, source_hash: bytes) -> str:
    with pytest.raises(RefusedByServer) as caught:
        await Intruder(hub, source_hash).join(token, device_id)
    return caught.value.code


async def test_removal_closes_connection_and_transports_at_once(hub: HubInMemory) -> None:
    intruder, _ = await remove(hub, hub.token(Role.PARTICIPANT), ban=False)
    assert intruder.client.session.closed.is_set()
    assert intruder.client.received(messages.Closing)[-1].code == "removed"
    assert hub.pump.table_sizes()["control_transports"] == 0
    assert hub.pump.table_sizes()["control_ufrags"] == 0


@pytest.mark.parametrize("ban", [False, True])
async def test_the_same_personal_link_is_refused_on_every_device(hub: HubInMemory, ban: bool) -> None:
    token = hub.token(Role.PARTICIPANT, seats=1)
    await remove(hub, token, ban=ban)
    for device_id in (DEVICE, OTHER_DEVICE, None):
        assert await refusal(hub, token, device_id, OTHER_NETWORK) == ErrorCode.UNAUTHORIZED


async def test_the_same_shared_link_is_refused_from_the_same_device_or_network(hub: HubInMemory) -> None:
    token = hub.token(Role.PARTICIPANT)
    await remove(hub, token, ban=False)
    assert await refusal(hub, token, DEVICE, OTHER_NETWORK) == ErrorCode.FORBIDDEN
    assert await refusal(hub, token, OTHER_DEVICE, NETWORK) == ErrorCode.FORBIDDEN
    assert await Intruder(hub, OTHER_NETWORK).join(token, OTHER_DEVICE)


async def test_a_ban_refuses_another_link_by_device_and_by_network(hub: HubInMemory) -> None:
    token = hub.token(Role.PARTICIPANT)
    await remove(hub, token, ban=True)
    fresh = hub.token(Role.PARTICIPANT)
    assert await refusal(hub, token, OTHER_DEVICE, OTHER_NETWORK) == ErrorCode.UNAUTHORIZED
    assert await refusal(hub, fresh, DEVICE, OTHER_NETWORK) == ErrorCode.FORBIDDEN
    assert await refusal(hub, fresh, OTHER_DEVICE, NETWORK) == ErrorCode.FORBIDDEN
    assert await Intruder(hub, OTHER_NETWORK).join(fresh, OTHER_DEVICE)


async def test_a_connection_that_was_greeted_before_the_ban_cannot_join_after_it(hub: HubInMemory) -> None:
    waiting = Intruder(hub, NETWORK)
    token = hub.token(Role.PARTICIPANT)
    await waiting.hello(token, OTHER_DEVICE)
    await remove(hub, token, ban=True)
    with pytest.raises(RefusedByServer) as caught:
        await waiting.client.join("Mallory")
    assert caught.value.code == ErrorCode.FORBIDDEN


async def test_a_removed_session_cannot_be_resumed(hub: HubInMemory) -> None:
    _, welcome = await remove(hub, hub.token(Role.PARTICIPANT), ban=False)
    with pytest.raises(RefusedByServer) as caught:
        await hub.client().resume(welcome.session_id, welcome.resume_token)
    assert caught.value.code == ErrorCode.UNAUTHORIZED


async def test_an_ice_restart_on_the_old_connection_gets_no_answer(hub: HubInMemory) -> None:
    intruder, _ = await remove(hub, hub.token(Role.PARTICIPANT), ban=False)
    before = hub.pump.table_sizes()["control_transports"]
    await intruder.client.send(messages.PublisherOffer(id=99, sdp=offer("audio", ufrag="New1")))
    await asyncio.sleep(0)
    assert hub.pump.table_sizes()["control_transports"] == before == 0


@pytest.mark.parametrize("ban", [False, True])
async def test_a_client_without_signaling_is_refused_like_any_other(hub: HubInMemory, ban: bool) -> None:
    token = hub.token(Role.PARTICIPANT, seats=0 if ban else 1)
    await remove(hub, token, ban=ban)
    session: Session = hub.hub.headless(NETWORK)
    with pytest.raises(Refused):
        await session.request(messages.Hello(id=1, protocol=1, token=token))
    fresh = hub.token(Role.PARTICIPANT)
    if ban:
        with pytest.raises(Refused):
            await session.request(messages.Hello(id=2, protocol=1, token=fresh))


async def test_a_ban_outlives_the_meeting_that_it_was_made_in(hub: HubInMemory) -> None:
    await remove(hub, hub.token(Role.PARTICIPANT), ban=True)
    await hub.advance(120)
    await hub.hub.settle()
    assert await refusal(hub, hub.token(Role.PARTICIPANT), DEVICE, OTHER_NETWORK) == ErrorCode.FORBIDDEN


@pytest.mark.parametrize("ban", [False, True])
async def test_a_removed_co_host_does_not_come_back_by_a_link_of_his_own_making(hub: HubInMemory, ban: bool) -> None:
    host = await hub.host()
    helper = Intruder(hub, NETWORK)
    joined = await helper.join(hub.token(Role.CO_HOST, seats=1))
    link = await helper.client.ask(
        lambda number: messages.InvitationCreate(id=number, role=Role.CO_HOST, shared=True), messages.Invitation
    )
    request = lambda number: messages.ParticipantRemove(id=number, participant_id=joined.participant_id, ban=ban)  # noqa: E731
    await host.ask(request, messages.Empty)
    assert await refusal(hub, link.token, OTHER_DEVICE, OTHER_NETWORK) == ErrorCode.UNAUTHORIZED


async def test_a_banned_network_is_known_by_its_name_of_the_day_of_the_ban(hub: HubInMemory) -> None:
    await remove(hub, hub.token(Role.PARTICIPANT), ban=True)
    today = Intruder(hub, OTHER_NETWORK, (NETWORK,))
    with pytest.raises(RefusedByServer) as caught:
        await today.join(hub.token(Role.PARTICIPANT), OTHER_DEVICE)
    assert caught.value.code == ErrorCode.FORBIDDEN
    session = hub.hub.headless(OTHER_NETWORK, (NETWORK,))
    with pytest.raises(Refused):
        await session.request(messages.Hello(id=1, protocol=1, token=hub.token(Role.PARTICIPANT)))
    hub.clock.shift_s += BAN_S
    assert await today.join(hub.token(Role.PARTICIPANT), OTHER_DEVICE)
