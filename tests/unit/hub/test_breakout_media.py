"""The media of breakout rooms on a real plane: what rooms held is freed with every move and with their end."""

from tests.support.hubs import Client, HubInMemory
from tests.support.offers import offer
from tests.support.wait import until

from conclave.model.roles import Role
from conclave.signaling import messages

CYCLES = 5


async def publish(client: Client) -> None:
    await client.ask(lambda number: messages.AudioPublish(id=number, mid="0"), messages.Published)
    await client.ask(lambda number: messages.PublisherOffer(id=number, sdp=offer("audio")), messages.SdpAnswer)


async def go(client: Client, breakout_id: str | None) -> None:
    await client.ask(lambda number: messages.BreakoutEnter(id=number, breakout_id=breakout_id), messages.Empty)
    await be_ready(client)


async def be_ready(client: Client) -> None:
    moves = client.received(messages.BreakoutEntered)[-1].snapshot.moves
    await client.ask(lambda number: messages.BreakoutReady(id=number, moves=moves), messages.Empty)


async def rooms(host: Client, *titles: str) -> list[str]:
    await host.ask(lambda number: messages.BreakoutCreate(id=number, titles=list(titles), self_choose=True), messages.Empty)
    return [info.breakout_id for info in host.received(messages.BreakoutsChanged)[-1].breakouts]


async def held(house: HubInMemory) -> dict[str, int]:
    """Return what plane and pump hold; the lane frees its own tables a moment after the pump."""
    return house.pump.table_sizes()


async def test_nothing_of_a_room_is_left_after_moves_and_closings(house: HubInMemory) -> None:
    host = await house.host()
    guests = [await house.joined(Role.PARTICIPANT, f"Guest {number}") for number in range(3)]
    before = await held(house)
    for _ in range(CYCLES):
        red, blue = await rooms(host, "Red", "Blue")
        for guest in guests:
            await go(guest, red)
            await publish(guest)
            await go(guest, blue)
            await publish(guest)
        assert house.pump.table_sizes()["control_transports"] == len(guests)
        await host.ask(lambda number: messages.BreakoutClose(id=number, countdown_s=0), messages.Empty)
        for guest in guests:
            await be_ready(guest)
        await until(lambda: held(house), lambda sizes: sizes == before, "everything is freed", every_s=0.01)
    assert house.incidents == []
    assert house.hub.sizes()["tracks"] == 0


async def test_a_countdown_ends_by_the_clock_and_frees_everything(house: HubInMemory) -> None:
    host, guest = await house.host(), await house.joined(Role.PARTICIPANT)
    (red,) = await rooms(host, "Red")
    await go(guest, red)
    await publish(guest)
    await host.ask(lambda number: messages.BreakoutClose(id=number, countdown_s=20), messages.Empty)
    await house.advance(19)
    assert host.received(messages.BreakoutsChanged)[-1].breakouts
    await house.advance(2)
    assert host.received(messages.BreakoutsChanged)[-1].breakouts == []
    assert guest.received(messages.BreakoutEntered)[-1].breakout_id is None
    assert house.pump.table_sizes()["control_transports"] == 0


async def test_a_session_resumed_in_a_breakout_room_is_there_and_its_media_live_on(house: HubInMemory) -> None:
    host = await house.host()
    guest = house.client()
    welcome = await guest.hello(house.token(Role.PARTICIPANT))
    await guest.join("Guest")
    (red,) = await rooms(host, "Red")
    await go(guest, red)
    await publish(guest)
    guest.session.disconnected()
    back = house.client()
    resumed = await back.resume(welcome.session_id, welcome.resume_token)
    assert resumed.snapshot is not None
    assert (resumed.snapshot.breakout_id, resumed.snapshot.moves) == (red, 1)
    assert len(resumed.snapshot.tracks) == 1
    assert house.pump.table_sizes()["control_transports"] == 1


async def test_who_loses_its_connection_in_a_room_and_stays_away_leaves_nothing_there(house: HubInMemory) -> None:
    host, guest = await house.host(), await house.joined(Role.PARTICIPANT)
    (red,) = await rooms(host, "Red")
    await go(guest, red)
    await publish(guest)
    guest.session.disconnected()
    await house.hub.settle()
    await house.advance(31)
    assert host.received(messages.ParticipantLeft)[-1].reason == "lost"
    assert host.received(messages.BreakoutsChanged)[-1].breakouts[0].participants == 0
    assert house.pump.table_sizes()["control_transports"] == 0


async def test_a_slow_reader_keeps_the_latest_list_of_rooms_alone(house: HubInMemory) -> None:
    host, guest = await house.host(), await house.joined(Role.PARTICIPANT)
    for number in range(10):
        await host.ask(
            lambda request_id, number=number: messages.BreakoutCreate(id=request_id, titles=[f"Room {number}"]), messages.Empty
        )
    (latest,) = guest.received(messages.BreakoutsChanged)
    assert len(latest.breakouts) == 10
