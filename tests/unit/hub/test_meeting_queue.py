import asyncio

import pytest
from msgspec import Struct
from tests.support.hubs import Client, HubInMemory, eventually
from tests.support.offers import offer

from conclave.hub.meeting_queue import MeetingQueue
from conclave.meeting.context import Context
from conclave.meeting.effects import Broadcast
from conclave.model.errors import Refused, Unavailable
from conclave.model.ids import MeetingId, TransportId
from conclave.signaling import messages


def queue_of(client: Client) -> MeetingQueue:
    assert client.session.visitor is not None
    return client.session.visitor.queue


def ignore(_: Struct) -> None:
    """Nobody waits."""


async def test_jobs_run_in_the_order_in_which_they_came(house: HubInMemory) -> None:
    queue = queue_of(await house.host())
    order: list[int] = []
    for number in range(5):
        queue.post(lambda *_, number=number: order.append(number))
    await queue.idle()
    assert order == [0, 1, 2, 3, 4]


async def test_what_a_failed_change_left_behind_is_still_performed(house: HubInMemory) -> None:
    host = await house.host()

    def change(context: Context, _: float) -> None:
        context.effects.append(Broadcast(messages.ActiveSpeakers([]), tuple(context.meeting.sessions)))
        raise RuntimeError("broken")

    queue_of(host).post(change)
    await queue_of(host).idle()
    assert len(host.received(messages.ActiveSpeakers)) == 1
    assert [str(error) for _, error in house.incidents] == ["broken"]
    await host.ask(lambda number: messages.HandRaise(id=number, raised=True), messages.Empty)


async def test_a_fault_after_a_job_does_not_stop_the_meeting(house: HubInMemory) -> None:
    host = await house.host()
    room = queue_of(host).meeting.main.media

    def broken() -> None:
        raise RuntimeError("broken timer")

    timer, room.next_timer = room.next_timer, broken  # type: ignore[method-assign, assignment]
    await host.ask(lambda number: messages.HandRaise(id=number, raised=True), messages.Empty)
    await queue_of(host).idle()
    assert [str(error) for _, error in house.incidents] == ["broken timer"]
    room.next_timer = timer  # type: ignore[method-assign]
    await host.ask(lambda number: messages.HandRaise(id=number, raised=False), messages.Empty)


async def test_a_request_whose_connection_went_away_while_it_waited_does_nothing(house: HubInMemory) -> None:
    host = await house.host()
    visitor = host.session.visitor
    assert visitor is not None
    request = asyncio.create_task(visitor.queue.request(visitor, messages.HandRaise(id=1, raised=True), ignore))
    await asyncio.sleep(0)
    request.cancel()
    await asyncio.gather(request, return_exceptions=True)
    await visitor.queue.idle()
    assert not host.received(messages.ParticipantChanged)


async def test_a_stopped_queue_lets_nobody_wait(house: HubInMemory) -> None:
    host = await house.host()
    visitor = host.session.visitor
    assert visitor is not None
    request = asyncio.create_task(visitor.queue.request(visitor, messages.HandRaise(id=1, raised=True), ignore))
    await asyncio.sleep(0)
    visitor.queue.stop()
    with pytest.raises(Unavailable):
        await request


async def test_who_comes_after_the_end_waits_for_nothing_and_begins_nothing(house: HubInMemory) -> None:
    host = await house.host()
    visitor = host.session.visitor
    assert visitor is not None
    await house.hub.close()
    with pytest.raises(Unavailable):
        await visitor.queue.request(visitor, messages.HandRaise(id=1, raised=True), ignore)
    for meeting_id, error in ((house.meeting_id, Unavailable), (MeetingId("m" * 16), Refused)):
        with pytest.raises(error):
            await house.hub.ask(meeting_id, lambda _context, _now: messages.Empty())
    assert list(house.hub._greeter.queues) == [house.meeting_id]


async def test_the_transports_of_a_meeting_are_known_while_they_are_open(house: HubInMemory) -> None:
    host = await house.host()
    await host.ask(lambda number: messages.AudioPublish(id=number, mid="0"), messages.Published)
    await host.ask(lambda number: messages.PublisherOffer(id=number, sdp=offer("audio")), messages.SdpAnswer)
    (transport_id,) = queue_of(host).transports
    assert house.pump.stats(transport_id) is not None
    await host.ask(lambda number: messages.Leave(id=number), messages.Empty)
    assert queue_of(host).transports == set()
    assert house.pump.stats(TransportId(transport_id)) is None


async def test_a_transport_that_never_hears_from_its_peer_fails_and_its_owner_is_told(house: HubInMemory) -> None:
    host = await house.host()
    await host.ask(lambda number: messages.AudioPublish(id=number, mid="0"), messages.Published)
    await host.ask(lambda number: messages.PublisherOffer(id=number, sdp=offer("audio")), messages.SdpAnswer)
    (transport_id,) = queue_of(host).transports
    house.pump.on_transport_state(transport_id, "failed", "ice_timeout")  # type: ignore[arg-type]
    await house.hub.settle()
    assert host.received(messages.TransportState)[-1] == messages.TransportState("publisher", "failed", "ice_timeout")
    assert len(host.received(messages.TrackUnpublished)) == 1


async def test_two_hundred_visits_leave_no_task_and_no_timer(house: HubInMemory) -> None:
    for _ in range(200):
        host = await house.host()
        await host.ask(lambda number: messages.MeetingEnd(id=number), messages.Empty)
        host.session.disconnected()
        await eventually(lambda: house.hub.sizes()["meetings"] == 0)
    assert set(house.hub.sizes().values()) == {0}
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("meeting ")]
