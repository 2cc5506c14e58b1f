"""Somebody in the waiting room tries everything: no media, roster, chat or slot ever comes of it."""

from collections.abc import AsyncIterator

import msgspec
import pytest
from tests.support.hubs import NO_RATE_LIMIT, PLENTY, Client, HubInMemory, RefusedByServer
from tests.support.matrix import example
from tests.support.offers import offer

from conclave.model.errors import ErrorCode, Refused
from conclave.model.roles import Role
from conclave.policy.limits import KNOCKS, Limits
from conclave.signaling import messages
from conclave.signaling.messages import MESSAGES, Request

NOBODY = "x" * 16
ALLOWED = {messages.Ping, messages.Knock, messages.Leave}


@pytest.fixture
async def hub() -> AsyncIterator[HubInMemory]:
    hub = HubInMemory(Limits(waiting_room=True, rates=NO_RATE_LIMIT, frames=PLENTY, refusals=PLENTY))
    hub.start()
    yield hub
    await hub.close()


async def waiting(hub: HubInMemory, role: Role = Role.PARTICIPANT) -> Client:
    guest = await hub.greeted(role)
    joined = await guest.join("Guest", auto_subscribe=True)
    assert (joined.state, joined.snapshot) == ("lobby", None)
    return guest


@pytest.mark.parametrize("message", [message for message in MESSAGES if message not in ALLOWED])
@pytest.mark.parametrize("role", [Role.PARTICIPANT, Role.VIEWER])
async def test_every_other_message_is_refused_in_the_lobby(hub: HubInMemory, message: type[Request], role: Role) -> None:
    host = await hub.host()
    guest = await waiting(hub, role)
    fields: dict[type[Request], dict[str, object]] = {
        messages.PublisherOffer: {"sdp": offer("audio")},
        messages.PlaybackOffer: {"sdp": offer("audio", direction="recvonly")},
    }
    with pytest.raises(RefusedByServer) as caught:
        await guest.ask(
            lambda number: msgspec.structs.replace(example(message, NOBODY, NOBODY, fields), id=number), messages.Empty
        )
    assert caught.value.code in (ErrorCode.FORBIDDEN, ErrorCode.UNAUTHORIZED)
    assert hub.pump.table_sizes()["control_transports"] == 0
    assert len(host.received(messages.LobbyChanged)[-1].guests) == 1


async def test_nothing_that_happens_in_the_meeting_reaches_the_lobby(hub: HubInMemory) -> None:
    host = await hub.host()
    guest = await waiting(hub)
    await host.ask(lambda number: messages.AudioPublish(id=number, mid="0"), messages.Published)
    await host.ask(lambda number: messages.PublisherOffer(id=number, sdp=offer("audio")), messages.SdpAnswer)
    await host.ask(lambda number: messages.ReactionSend(id=number, reaction="👍"), messages.Empty)
    await host.ask(lambda number: messages.MeetingModify(id=number, title="Secret"), messages.Empty)
    await hub.joined(Role.CO_HOST, "Helper")
    await hub.hub.settle()
    guest.collect()
    assert guest.events == []


async def test_who_comes_before_the_host_waits_whatever_the_link(hub: HubInMemory) -> None:
    opener = await hub.greeted(Role.HOST)
    await opener.ask(lambda number: messages.MeetingCreate(id=number, title="Weekly"), messages.MeetingCreated)
    early = hub.client()
    await early.hello(hub.token(Role.PARTICIPANT, seats=1))
    assert (await early.join("Early")).state == "lobby"
    await opener.join("Host")
    assert early.received(messages.LobbyAdmitted)
    assert (await early.join("Early")).state == "joined"


async def test_an_earlier_arrival_does_not_count_as_admitted_when_the_meeting_opens(hub: HubInMemory) -> None:
    early = await hub.greeted(Role.PARTICIPANT)
    with pytest.raises(RefusedByServer):
        await early.join("Early")
    await hub.host()
    assert early.received(messages.MeetingOpened)
    assert (await early.join("Early")).state == "lobby"


@pytest.mark.parametrize("plays", [False, True])
async def test_clients_without_signaling_do_not_pass_the_waiting_room(hub: HubInMemory, plays: bool) -> None:
    await hub.host()
    session = hub.hub.headless(b"n" * 16)
    await session.request(messages.Hello(id=1, protocol=1, token=hub.token(Role.PARTICIPANT)))
    with pytest.raises(Refused) as caught:
        await session.request(messages.Join(id=2, display_name="Player", auto_subscribe=plays))
    assert caught.value.code is ErrorCode.FORBIDDEN
    with pytest.raises(Refused):
        await session.request(messages.PlaybackOffer(id=3, sdp=offer("audio", direction="recvonly")))
    assert hub.hub.sizes()["participants"] == 1


async def test_leaving_and_knocking_again_and_again_is_limited(hub: HubInMemory) -> None:
    await hub.host()
    guest = await hub.greeted(Role.PARTICIPANT)
    for _ in range(int(KNOCKS.burst)):
        await guest.join("Guest")
        await guest.ask(lambda number: messages.Leave(id=number), messages.Empty)
    with pytest.raises(RefusedByServer) as caught:
        await guest.join("Guest")
    assert caught.value.code == ErrorCode.RATE_LIMITED


async def test_a_guest_whose_connection_is_lost_is_off_the_list(hub: HubInMemory) -> None:
    host = await hub.host()
    guest = await waiting(hub)
    guest.session.disconnected()
    await hub.hub.settle()
    assert host.received(messages.LobbyChanged)[-1].guests == []


async def test_an_admission_does_not_outlive_the_meeting(hub: HubInMemory) -> None:
    host = await hub.host()
    guest = await waiting(hub)
    await host.ask(lambda number: messages.ParticipantAdmit(id=number), messages.Empty)
    await host.ask(lambda number: messages.MeetingEnd(id=number), messages.Empty)
    await host.ask(lambda number: messages.Leave(id=number), messages.Empty)
    await host.ask(lambda number: messages.MeetingCreate(id=number, title="Again"), messages.MeetingCreated)
    await host.join("Host")
    assert (await guest.join("Guest")).state == "lobby"


async def test_a_crowd_that_knocks_with_long_words_does_not_cut_off_a_host_who_reads_slowly(hub: HubInMemory) -> None:
    host = await hub.host()
    token = hub.token(Role.PARTICIPANT)
    for number in range(60):
        guest = hub.client()
        guest.session.source_hash = bytes([number // 10]) * 16
        await guest.hello(token)
        await guest.join("😀" * 64)
        for _ in range(4):
            knock = lambda number: messages.Knock(id=number, display_name="😀" * 64, reason="😀" * 200)  # noqa: E731
            await guest.ask(knock, messages.Empty)
    assert not host.aborted
    assert len(host.session.outbox) < 100
    everybody = host.received(messages.LobbyChanged)[-1].guests
    assert len(everybody) == 60
    await host.ask(lambda number: messages.LobbyDeny(id=number, guest_id=everybody[0].guest_id, block=True), messages.Empty)
    assert len(host.received(messages.LobbyChanged)[-1].guests) == 50
    assert not host.aborted
