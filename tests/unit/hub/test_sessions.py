import pytest
from tests.support.hubs import NO_RATE_LIMIT, PLENTY, Client, HubInMemory, RefusedByServer, eventually
from tests.support.offers import offer

from conclave.meeting.handlers import HANDLERS
from conclave.model.errors import ErrorCode, Refused, Unavailable
from conclave.model.roles import Role
from conclave.policy.limits import MAX_FRAME_BYTES, BucketSize, Limits
from conclave.signaling import messages
from conclave.signaling.codec import Encoding


async def refusal(client: Client, request: messages.Request) -> messages.Error:
    await client.send(request)
    client.collect()
    reply = client.replies[-1]
    assert isinstance(reply, messages.Error)
    return reply


async def test_before_hello_everything_but_ping_is_unauthorized(house: HubInMemory) -> None:
    client = house.client()
    pong = await client.ask(lambda number: messages.Ping(id=number), messages.Pong)
    assert pong.server_ms > 0
    assert (await refusal(client, messages.Join(id=5, display_name="Ada"))).code == ErrorCode.UNAUTHORIZED


async def test_a_malformed_message_is_refused_with_its_id_and_the_connection_stays(house: HubInMemory) -> None:
    client = house.client(Encoding.JSON)
    await client.session.receive('{"type": "sudo", "id": 41}')
    client.collect()
    assert client.replies[-1].id == 41
    await client.hello(house.token(Role.HOST))


async def test_a_frame_that_is_no_message_closes_the_connection(house: HubInMemory) -> None:
    client = house.client(Encoding.JSON)
    await client.session.receive("hello?")
    client.collect()
    assert isinstance(client.replies[-1], messages.Error)
    assert client.replies[-1].id is None
    assert [event.code for event in client.received(messages.Closing)] == ["invalid"]
    assert client.session.close_code == 1007
    assert client.session.closed.is_set()


async def test_an_oversized_frame_closes_the_connection(house: HubInMemory) -> None:
    client = house.client()
    await client.session.receive(b"\0" * (MAX_FRAME_BYTES + 1))
    assert client.session.close_code == 1009


async def test_a_closed_connection_is_not_listened_to(house: HubInMemory) -> None:
    client = house.client(Encoding.JSON)
    await client.session.receive("hello?")
    client.collect()
    before = len(client.replies)
    await client.session.receive('{"type":"ping","id":1}')
    client.collect()
    assert len(client.replies) == before


async def test_without_hello_in_time_the_connection_is_closed(house: HubInMemory) -> None:
    client = house.client()
    await house.advance(9.9)
    assert not client.session.closed.is_set()
    await house.advance(0.2)
    assert client.received(messages.Closing) == [messages.Closing("timeout", "no hello in time")]
    assert client.session.close_code == 4008


async def test_pings_before_hello_do_not_stretch_its_time(house: HubInMemory) -> None:
    client = house.client()
    await house.advance(9)
    await client.ask(lambda number: messages.Ping(id=number), messages.Pong)
    await house.advance(1.5)
    assert client.session.closed.is_set()


async def test_three_silent_heartbeats_close_the_connection_and_the_seat_stays(house: HubInMemory) -> None:
    host = await house.host()
    for _ in range(4):
        await house.advance(40)
        await host.ask(lambda number: messages.Ping(id=number), messages.Pong)
    await house.advance(46)
    assert [event.code for event in host.received(messages.Closing)] == ["timeout"]
    assert house.hub.sizes()["participants"] == 1


async def test_too_many_messages_close_the_connection() -> None:
    house = HubInMemory(Limits(waiting_room=False, rates=NO_RATE_LIMIT, frames=BucketSize(burst=5, per_s=0.001), refusals=PLENTY))
    house.start()
    client = house.client()
    for number in range(6):
        await client.send(messages.Ping(id=number))
    assert [event.code for event in client.received(messages.Closing)] == ["rate_limited"]
    assert client.session.close_code == 4029
    await house.close()


async def test_too_many_refused_messages_close_the_connection() -> None:
    house = HubInMemory(Limits(waiting_room=False, rates=NO_RATE_LIMIT, frames=PLENTY, refusals=BucketSize(burst=3, per_s=0.001)))
    house.start()
    client = house.client()
    for number in range(3):
        assert (await refusal(client, messages.Leave(id=number))).code == ErrorCode.UNAUTHORIZED
        assert not client.session.closed.is_set()
    await refusal(client, messages.Leave(id=9))
    assert [event.code for event in client.received(messages.Closing)] == ["rate_limited"]
    await house.close()
    assert [event.details["times"] for event in house.audit.events if event.type == "refused"] == [1, 3]


async def test_an_empty_bucket_is_answered_with_rate_limited() -> None:
    house = HubInMemory(Limits(waiting_room=False))
    house.start()
    host = await house.host()
    codes = []
    for number in range(12):
        await host.send(messages.ReactionSend(id=number, reaction="👍"))
        host.collect()
        codes.append(getattr(host.replies[-1], "code", "ok"))
    assert codes == ["ok"] * 10 + ["rate_limited"] * 2
    await house.close()


async def test_a_slow_reader_is_cut_and_the_meeting_goes_on() -> None:
    house = HubInMemory(Limits(waiting_room=False, rates=NO_RATE_LIMIT, frames=PLENTY, outbox_messages=10))
    house.start()
    host = await house.host()
    slow = await house.joined(Role.VIEWER)
    for number in range(20):
        await host.send(messages.ReactionSend(id=number, reaction="👍"))
        host.collect()
    assert slow.aborted
    assert not host.aborted
    assert len(slow.session.outbox) == 0
    assert len(host.received(messages.Reaction)) == 20
    assert house.hub.counts()["outbox_overflows"] == 1
    await house.close()


async def test_a_fault_of_ours_shows_only_its_incident(house: HubInMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    host = await house.host()

    def broken(*_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("conclave.meeting.handlers.HANDLERS", dict(HANDLERS) | {messages.HandRaise: broken})
    error = await refusal(host, messages.HandRaise(id=7, raised=True))
    ((incident, cause),) = house.incidents
    assert (error.code, error.incident) == (ErrorCode.UNAVAILABLE, incident)
    assert "secret" not in error.detail
    assert str(cause) == "secret detail"
    assert house.wide[-1].outcome == "failed"
    await host.ask(lambda number: messages.Ping(id=number), messages.Pong)


async def test_without_an_audit_log_audited_requests_are_unavailable(house: HubInMemory) -> None:
    host = await house.host()
    guest = await house.greeted(Role.PARTICIPANT)
    house.audit.works = False
    with pytest.raises(RefusedByServer, match="unavailable"):
        await guest.join()
    assert not host.received(messages.ParticipantJoined)
    await host.ask(lambda number: messages.HandRaise(id=number, raised=True), messages.Empty)
    house.audit.works = True
    await guest.join()


async def test_every_message_leaves_one_wide_event_without_secrets(house: HubInMemory) -> None:
    token = house.token(Role.HOST)
    client = house.client()
    welcome = await client.hello(token)
    await refusal(client, messages.Leave(id=9))
    hello, leave = house.wide
    assert (hello.type, hello.phase, hello.role, hello.outcome, hello.code) == ("hello", "new", None, "ok", None)
    assert (leave.type, leave.phase, leave.role, leave.outcome, leave.code) == (
        "leave",
        "greeted",
        "host",
        "refused",
        "forbidden",
    )
    assert hello.size_bytes > len(token)
    assert hello.duration_us >= 0
    assert leave.session_id == welcome.session_id
    assert token not in str(house.wide)
    assert welcome.resume_token not in str(house.wide)


async def test_every_refusal_is_audited(house: HubInMemory) -> None:
    viewer = await house.greeted(Role.VIEWER)
    await refusal(viewer, messages.MeetingCreate(id=1, title="Mine"))
    event = house.audit.events[-1]
    assert event.type == "refused"
    assert event.details == {"message": "meeting.create", "code": "unauthorized", "phase": "greeted", "times": 1}
    assert event.meeting_id == house.meeting_id


async def test_a_headless_session_passes_the_same_gate(house: HubInMemory) -> None:
    await house.host()
    session = house.hub.headless()
    with pytest.raises(Refused) as caught:
        await session.request(messages.Join(id=1, display_name="Encoder"))
    assert caught.value.code is ErrorCode.UNAUTHORIZED
    await session.request(messages.Hello(id=1, protocol=1, token=house.token(Role.VIEWER)))
    await session.request(messages.Join(id=2, display_name="Encoder"))
    with pytest.raises(Refused) as caught:
        await session.request(messages.AudioPublish(id=3, mid="0"))
    assert caught.value.code is ErrorCode.UNAUTHORIZED


async def test_a_headless_session_publishes_and_leaves_with_its_connection(house: HubInMemory) -> None:
    host = await house.host()
    session = house.hub.headless()
    await session.request(messages.Hello(id=1, protocol=1, token=house.token(Role.PARTICIPANT)))
    await session.request(messages.Join(id=2, display_name="Encoder"))
    await session.request(messages.AudioPublish(id=3, mid="0"))
    answer = await session.request(messages.PublisherOffer(id=4, sdp=offer("audio")))
    assert isinstance(answer, messages.SdpAnswer)
    assert len(host.received(messages.TrackPublished)) == 1
    session.disconnected()
    await eventually(lambda: host.received(messages.ParticipantLeft))
    assert len(host.received(messages.TrackUnpublished)) == 1
    assert house.pump.table_sizes()["control_transports"] == 0


async def test_the_end_of_a_meeting_closes_its_headless_sessions(house: HubInMemory) -> None:
    host = await house.host()
    session = house.hub.headless()
    await session.request(messages.Hello(id=1, protocol=1, token=house.token(Role.PARTICIPANT)))
    await session.request(messages.Join(id=2, display_name="Encoder"))
    await host.ask(lambda number: messages.MeetingEnd(id=number), messages.Empty)
    assert session.closed.is_set()


async def test_a_headless_session_learns_of_a_fault_by_its_incident(house: HubInMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    session = house.hub.headless()
    await session.request(messages.Hello(id=1, protocol=1, token=house.token(Role.HOST)))

    def broken(*_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("conclave.meeting.handlers.HANDLERS", dict(HANDLERS) | {messages.MeetingCreate: broken})
    with pytest.raises(Unavailable) as caught:
        await session.request(messages.MeetingCreate(id=2, title="Weekly"))
    assert house.incidents[0][0] in caught.value.detail
    assert "secret" not in str(caught.value)


async def test_disconnecting_twice_is_once(house: HubInMemory) -> None:
    host = await house.host()
    guest = await house.joined(Role.PARTICIPANT)
    guest.session.disconnected()
    guest.session.disconnected()
    await house.hub.settle()
    assert len(host.received(messages.ParticipantChanged)) == 1


async def test_what_a_host_does_to_everybody_fits_into_every_outbox_of_a_large_meeting(house: HubInMemory) -> None:
    host = await house.host()
    clients = [host]
    for _ in range(400):
        clients.append(await house.joined(Role.PARTICIPANT))
        if len(clients) % 3 == 0:
            await clients[-1].ask(lambda number: messages.AudioPublish(id=number, mid="0"), messages.Published)
            await clients[-1].ask(lambda number: messages.PublisherOffer(id=number, sdp=offer("audio")), messages.SdpAnswer)
        for client in clients:
            client.session.outbox._empty()
    await host.ask(lambda number: messages.ParticipantsMute(id=number, hard=True), messages.Empty)
    assert len(clients[1].session.outbox) > 500
    assert not any(client.aborted for client in clients)
