import asyncio

import pytest
from tests.support.hubs import HubInMemory, RefusedByServer, eventually

from conclave.hub.sessions import ConnectionInfo
from conclave.meeting.context import Context
from conclave.model.errors import ErrorCode, Refused
from conclave.model.ids import MeetingId
from conclave.model.roles import Role
from conclave.policy.limits import Limits
from conclave.signaling import messages
from conclave.signaling.codec import Encoding


async def test_a_meeting_is_opened_joined_and_left(house: HubInMemory) -> None:
    host = await house.host()
    guest = await house.joined(Role.PARTICIPANT, "Bob")
    assert [event.participant.display_name for event in host.received(messages.ParticipantJoined)] == ["Bob"]
    await guest.ask(lambda number: messages.Leave(id=number), messages.Empty)
    assert [event.reason for event in host.received(messages.ParticipantLeft)] == ["left"]
    assert house.incidents == []


@pytest.mark.parametrize("encoding", Encoding)
async def test_both_encodings_serve_the_same_meeting(house: HubInMemory, encoding: Encoding) -> None:
    host = await house.host()
    guest = await house.greeted(Role.PARTICIPANT, encoding)
    joined = await guest.join("Bob")
    assert [info.display_name for info in joined.snapshot.participants] == ["Host", "Bob"]
    await host.ask(lambda number: messages.HandRaise(id=number, raised=True), messages.Empty)
    assert guest.received(messages.ParticipantChanged)[0].participant.hand_raised


async def test_those_who_wait_hear_when_their_meeting_opens(house: HubInMemory) -> None:
    guest = await house.greeted(Role.PARTICIPANT)
    with pytest.raises(RefusedByServer, match="not_found"):
        await guest.join()
    await house.host()
    assert guest.received(messages.MeetingOpened) == [messages.MeetingOpened("Weekly")]
    await guest.join()


async def test_meetings_do_not_see_each_other(house: HubInMemory) -> None:
    host = await house.host()
    other = MeetingId("o" * 16)
    stranger = house.client()
    await stranger.hello(house.token(Role.HOST, other))
    await stranger.ask(lambda number: messages.MeetingCreate(id=number, title="Other"), messages.MeetingCreated)
    joined = await stranger.join("Eve")
    assert len(joined.snapshot.participants) == 1
    host.collect()
    assert host.events == []


async def test_the_response_comes_before_the_events_of_a_request(house: HubInMemory) -> None:
    host = await house.host()
    order: list[str] = []
    host.session.outbox.put = lambda frame, _kind=None: order.append("response" if b"response" in frame else "event") or True  # type: ignore[method-assign]
    await host.send(messages.HandRaise(id=99, raised=True))
    assert order == ["response", "event"]


async def test_concurrent_requests_of_many_are_handled_one_after_the_other(house: HubInMemory) -> None:
    await house.host()
    clients = [await house.greeted(Role.PARTICIPANT) for _ in range(20)]
    joined = await asyncio.gather(*(client.join(f"P{number}") for number, client in enumerate(clients)))
    sizes = sorted(len(result.snapshot.participants) for result in joined)
    assert sizes == list(range(2, 22))


async def test_a_meeting_that_is_over_and_left_is_forgotten(house: HubInMemory) -> None:
    host = await house.host()
    await host.ask(lambda number: messages.MeetingEnd(id=number), messages.Empty)
    host.session.disconnected()
    await eventually(lambda: house.hub.sizes()["meetings"] == 0)
    assert set(house.hub.sizes().values()) == {0}


async def test_an_abandoned_meeting_ends_and_is_forgotten(house: HubInMemory) -> None:
    host = await house.host()
    host.session.disconnected()
    await house.hub.settle()
    await house.advance(31)
    assert house.hub.sizes()["participants"] == 0
    assert house.hub.sizes()["meetings"] == 1
    await house.advance(61)
    await eventually(lambda: set(house.hub.sizes().values()) == {0})
    assert [event.type for event in house.audit.events][-2:] == ["participant_left", "meeting_ended"]


async def test_greetings_without_a_meeting_leave_nothing_behind(house: HubInMemory) -> None:
    clients = [await house.greeted(Role.VIEWER) for _ in range(5)]
    assert house.hub.sizes()["visitors"] == 5
    for client in clients:
        client.session.disconnected()
    await eventually(lambda: set(house.hub.sizes().values()) == {0})


async def test_a_stopping_hub_says_so_and_takes_nobody(house: HubInMemory) -> None:
    host = await house.host()
    await house.hub.close()
    assert host.received(messages.Closing) == [messages.Closing("shutdown", "the server stops")]
    assert host.session.close_code == 1001
    assert host.session.outbox.finished
    with pytest.raises(Refused) as caught:
        house.client()
    assert caught.value.code is ErrorCode.UNAVAILABLE


async def test_a_full_hub_takes_no_more_connections() -> None:
    house = HubInMemory(Limits(waiting_room=False, max_connections=1))
    house.start()
    first = house.client()
    with pytest.raises(Refused):
        house.client()
    first.session.disconnected()
    house.client()
    await house.close()


async def test_a_full_hub_opens_no_more_meetings() -> None:
    house = HubInMemory(Limits(waiting_room=False, max_meetings=1))
    house.start()
    await house.host()
    with pytest.raises(RefusedByServer, match="unavailable"):
        await house.client().hello(house.token(Role.HOST, MeetingId("o" * 16)))
    await house.close()


async def test_an_error_of_ours_in_the_media_pump_is_an_incident(house: HubInMemory) -> None:
    error = ValueError("ours")
    assert house.pump.on_incident(error) == house.incidents[0][0]
    assert house.incidents[0][1] is error


async def test_what_is_counted_has_a_name(house: HubInMemory) -> None:
    await house.host()
    with pytest.raises(RefusedByServer):
        await house.client().join()
    counts = house.hub.counts()
    assert counts["refused_unauthorized"] == 1
    assert counts["messages"] == 4
    assert counts["connections"] == 2


async def test_an_info_without_a_reader_is_enough_to_connect(house: HubInMemory) -> None:
    session = house.hub.connect(ConnectionInfo(encoding=Encoding.JSON, abort=lambda: None))
    await session.receive('{"type":"ping","id":1}')
    assert len(session.outbox) == 1


async def test_a_meeting_that_nobody_is_in_answers_in_its_turn_and_is_forgotten(house: HubInMemory) -> None:
    other = MeetingId("m" * 16)
    answer = await house.hub.ask(other, lambda context, _now: messages.Pong(len(context.meeting.invitations)))
    assert answer == messages.Pong(0)
    await house.hub.settle()
    assert house.hub.sizes()["meetings"] == 0


async def test_an_answer_that_is_refused_is_refused_to_who_asked(house: HubInMemory) -> None:
    def refuse(_context: Context, _now: float) -> messages.Pong:
        raise Refused(ErrorCode.NOT_FOUND, "no such thing")

    with pytest.raises(Refused, match="no such thing"):
        await house.hub.ask(house.meeting_id, refuse)
