from collections.abc import Sequence

import pytest
from tests.support.hubs import Client, HubInMemory, RefusedByServer
from tests.support.offers import offer

from conclave.hub.effects import Frames, perform
from conclave.hub.visitors import Visitor
from conclave.media.commands import CloseTransport, PlaneCommand
from conclave.meeting.context import Context
from conclave.meeting.effects import Announce, Audit, Broadcast, Disconnect, Send
from conclave.model.entry import Ban, Fact
from conclave.model.ids import SessionId, TransportId
from conclave.model.roles import Role
from conclave.ports.audit import AuditEvent
from conclave.signaling import messages
from conclave.signaling.codec import Encoding, decode_server_message

EVENT = messages.MeetingOpened("Weekly")


async def keep(facts: Sequence[Fact]) -> None:
    """Nothing is kept in a test of something else."""
    assert not facts


def visitors_of(*clients: Client) -> dict[SessionId, Visitor]:
    visitors = [client.session.visitor for client in clients]
    return {visitor.session_id: visitor for visitor in visitors if visitor is not None}


def context_of(house: HubInMemory, client: Client) -> Context:
    assert client.session.visitor is not None
    return Context(house.hub._services.house, client.session.visitor.queue.meeting, 0.0)


async def test_the_order_is_audit_media_facts_response_events(house: HubInMemory) -> None:
    host = await house.host()
    order: list[str] = []
    context = context_of(house, host)
    (session_id,) = visitors_of(host)
    context.effects += [Send(session_id, EVENT), Audit(AuditEvent(type="fact"))]
    context.commands.append(CloseTransport(TransportId("x" * 16)))

    def performed(commands: list[PlaneCommand]) -> None:
        order.append("media")

    house.pump.perform = performed  # type: ignore[method-assign, assignment]
    house.audit.record = lambda _: order.append("audit")  # type: ignore[method-assign]
    host.session.outbox.put = lambda *_: order.append("event") or True  # type: ignore[method-assign]
    context.keep(Ban(jti="j" * 16, personal=True, device_id="", whole=False, until_s=1.0))

    async def kept(facts: Sequence[Fact]) -> None:
        order.append("facts")

    await perform(house.hub._services, visitors_of(host), context, lambda: order.append("response"), kept)
    assert order == ["audit", "media", "facts", "response", "event"]


async def test_a_broadcast_reaches_those_it_is_for_if_they_have_a_seat_and_nobody_else(house: HubInMemory) -> None:
    host, guest, waiting = await house.host(), await house.joined(Role.VIEWER), await house.greeted(Role.VIEWER)
    context = context_of(house, host)
    context.effects += [Broadcast(EVENT, tuple(visitors_of(host, guest, waiting))), Broadcast(EVENT, tuple(visitors_of(host)))]
    await perform(house.hub._services, visitors_of(host, guest, waiting), context, lambda: None, keep)
    assert [len(client.received(messages.MeetingOpened)) for client in (host, guest, waiting)] == [2, 1, 0]


async def test_an_announcement_reaches_those_without_a_seat_and_nobody_else(house: HubInMemory) -> None:
    host, waiting, other = await house.host(), await house.greeted(Role.VIEWER), await house.greeted(Role.VIEWER)
    context = context_of(house, host)
    context.effects.append(Announce(EVENT, next(iter(visitors_of(other)))))
    await perform(house.hub._services, visitors_of(host, waiting, other), context, lambda: None, keep)
    assert [len(client.received(messages.MeetingOpened)) for client in (host, waiting, other)] == [0, 1, 0]


async def test_a_session_without_a_connection_is_passed_over(house: HubInMemory) -> None:
    host, guest = await house.host(), await house.joined(Role.VIEWER)
    visitors = visitors_of(host, guest)
    guest.session.disconnected()
    context = context_of(house, host)
    context.effects += [
        Broadcast(EVENT, tuple(visitors)),
        Send(SessionId("x" * 16), EVENT),
        *(Send(name, EVENT) for name in visitors),
    ]
    await perform(house.hub._services, visitors, context, lambda: None, keep)
    assert len(host.received(messages.MeetingOpened)) == 2


async def test_a_disconnected_session_is_told_why(house: HubInMemory) -> None:
    host = await house.host()
    context = context_of(house, host)
    context.effects.append(Disconnect(next(iter(visitors_of(host))), "forbidden", "because"))
    await perform(house.hub._services, visitors_of(host), context, lambda: None, keep)
    assert host.received(messages.Closing) == [messages.Closing("forbidden", "because")]


async def test_a_fact_that_cannot_be_recorded_any_more_is_an_incident_and_the_rest_is_done(house: HubInMemory) -> None:
    host = await house.host()
    house.audit.works = False
    context = context_of(house, host)
    context.effects += [Audit(AuditEvent(type="fact")), Broadcast(EVENT, tuple(visitors_of(host)))]
    await perform(house.hub._services, visitors_of(host), context, lambda: None, keep)
    assert len(house.incidents) == 1
    assert len(host.received(messages.MeetingOpened)) == 1
    house.audit.works = True


def test_an_event_is_encoded_once_per_encoding() -> None:
    frames = Frames(EVENT)
    for encoding in Encoding:
        assert frames.in_encoding(encoding) is frames.in_encoding(encoding)
        assert decode_server_message(frames.in_encoding(encoding), encoding) == EVENT


async def test_when_the_media_fails_the_request_is_not_answered_and_the_meeting_is_told_all_the_same(house: HubInMemory) -> None:
    host, guest = await house.host(), await house.joined(Role.PARTICIPANT)
    await guest.ask(lambda number: messages.AudioPublish(id=number, mid="0"), messages.Published)

    def broken(_: list[PlaneCommand]) -> None:
        raise MemoryError("no slot left")

    house.pump.perform = broken  # type: ignore[method-assign, assignment]
    with pytest.raises(RefusedByServer, match="unavailable"):
        await guest.ask(lambda number: messages.PublisherOffer(id=number, sdp=offer("audio")), messages.SdpAnswer)
    assert len(host.received(messages.TrackPublished)) == 1
    assert [str(error) for _, error in house.incidents] == ["no slot left"]
