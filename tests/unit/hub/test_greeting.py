import asyncio

import pytest
from tests.support.hubs import Client, HubInMemory, RefusedByServer, eventually
from tests.support.offers import offer

from conclave.model.errors import ErrorCode
from conclave.model.roles import Role
from conclave.signaling import messages


async def joined(house: HubInMemory, role: Role = Role.PARTICIPANT) -> tuple[Client, messages.Welcome]:
    client = house.client()
    welcome = await client.hello(house.token(role))
    await client.join()
    return client, welcome


async def test_welcome_says_who_one_is_and_whether_the_meeting_is_open(house: HubInMemory) -> None:
    first = await house.client().hello(house.token(Role.CO_HOST))
    assert (first.role, first.meeting_id, first.meeting_open, first.title) == (Role.CO_HOST, house.meeting_id, False, None)
    assert (first.heartbeat_ms, first.resume_grace_ms, first.resumed, first.snapshot) == (15_000, 30_000, False, None)
    await house.host()
    second = await house.client().hello(house.token(Role.VIEWER))
    assert (second.meeting_open, second.title) == (True, "Weekly")
    assert first.session_id != second.session_id


@pytest.mark.parametrize("protocol", [0, 2, -1, 2**40])
async def test_another_protocol_version_is_invalid(house: HubInMemory, protocol: int) -> None:
    request = messages.Hello(id=1, protocol=protocol, token=house.token(Role.HOST))
    with pytest.raises(RefusedByServer, match="invalid"):
        await house.client().ask(lambda _: request, messages.Welcome)


async def test_hello_needs_exactly_one_proof(house: HubInMemory) -> None:
    resume = messages.Resume("s" * 16, "r" * 43)
    for hello in (
        messages.Hello(id=1, protocol=1),
        messages.Hello(id=1, protocol=1, token=house.token(Role.HOST), resume=resume),
    ):
        with pytest.raises(RefusedByServer, match="invalid"):
            await house.client().ask(lambda _, hello=hello: hello, messages.Welcome)


async def test_a_bad_token_is_unauthorized_and_a_good_one_may_follow(house: HubInMemory) -> None:
    client = house.client()
    with pytest.raises(RefusedByServer, match="unauthorized"):
        await client.hello("not.a.token")
    assert house.audit.events[-1].details["message"] == "hello"
    await client.hello(house.token(Role.HOST))


async def test_a_second_hello_is_forbidden(house: HubInMemory) -> None:
    client = await house.greeted(Role.HOST)
    with pytest.raises(RefusedByServer, match="forbidden"):
        await client.hello(house.token(Role.HOST))


async def test_a_lost_connection_takes_its_seat_back(house: HubInMemory) -> None:
    host = await house.host()
    client, welcome = await joined(house)
    client.session.disconnected()
    await eventually(lambda: host.received(messages.ParticipantChanged))
    assert host.received(messages.ParticipantChanged)[-1].participant.connected is False
    again = house.client()
    resumed = await again.resume(welcome.session_id, welcome.resume_token)
    assert (resumed.resumed, resumed.session_id) == (True, welcome.session_id)
    assert resumed.resume_token != welcome.resume_token
    assert resumed.snapshot is not None
    assert resumed.participant_id in [info.participant_id for info in resumed.snapshot.participants]
    await again.ask(lambda number: messages.HandRaise(id=number, raised=True), messages.Empty)
    await house.advance(100)
    assert len(host.received(messages.ParticipantLeft)) == 0


async def test_published_media_lives_on_while_signaling_is_lost(house: HubInMemory) -> None:
    host = await house.host()
    client, welcome = await joined(house)
    await client.ask(lambda number: messages.AudioPublish(id=number, mid="0"), messages.Published)
    await client.ask(lambda number: messages.PublisherOffer(id=number, sdp=offer("audio")), messages.SdpAnswer)
    client.session.disconnected()
    await house.hub.settle()
    assert house.pump.table_sizes()["control_transports"] == 1
    resumed = await house.client().resume(welcome.session_id, welcome.resume_token)
    assert resumed.snapshot is not None
    assert len(resumed.snapshot.tracks) == 1
    assert not host.received(messages.TrackUnpublished)


async def test_a_resume_token_is_good_once(house: HubInMemory) -> None:
    await house.host()
    client, welcome = await joined(house)
    client.session.disconnected()
    await house.client().resume(welcome.session_id, welcome.resume_token)
    with pytest.raises(RefusedByServer, match="unauthorized"):
        await house.client().resume(welcome.session_id, welcome.resume_token)


async def test_a_connection_that_closes_before_its_turn_leaves_the_token_good(house: HubInMemory) -> None:
    await house.host()
    client, welcome = await joined(house)
    client.session.disconnected()
    hasty = house.client()
    hello = messages.Hello(id=1, protocol=1, resume=messages.Resume(welcome.session_id, welcome.resume_token))
    receiving = asyncio.create_task(hasty.send(hello))
    await asyncio.sleep(0)
    hasty.session.disconnected()
    await receiving
    resumed = await house.client().resume(welcome.session_id, welcome.resume_token)
    assert resumed.resumed


async def test_a_spent_token_does_not_hurt_the_session_that_went_on(house: HubInMemory) -> None:
    await house.host()
    client, welcome = await joined(house)
    client.session.disconnected()
    second = house.client()
    resumed = await second.resume(welcome.session_id, welcome.resume_token)
    with pytest.raises(RefusedByServer):
        await house.client().resume(welcome.session_id, welcome.resume_token)
    second.session.disconnected()
    await house.client().resume(welcome.session_id, resumed.resume_token)


async def test_a_guessed_token_and_an_unknown_session_are_refused_alike(house: HubInMemory) -> None:
    await house.host()
    client, welcome = await joined(house)
    client.session.disconnected()
    errors = []
    for session_id in (welcome.session_id, "x" * 16):
        with pytest.raises(RefusedByServer) as caught:
            await house.client().resume(session_id, "g" * 43)
        errors.append((caught.value.code, caught.value.error.detail))
    assert errors == [(ErrorCode.UNAUTHORIZED, "this session cannot be resumed")] * 2
    await house.client().resume(welcome.session_id, welcome.resume_token)


async def test_after_the_grace_time_a_session_is_not_resumed(house: HubInMemory) -> None:
    await house.host()
    client, welcome = await joined(house)
    client.session.disconnected()
    await house.hub.settle()
    await house.advance(30.1)
    with pytest.raises(RefusedByServer, match="unauthorized"):
        await house.client().resume(welcome.session_id, welcome.resume_token)


async def test_whoever_had_no_seat_is_not_resumed(house: HubInMemory) -> None:
    client = house.client()
    welcome = await client.hello(house.token(Role.VIEWER))
    client.session.disconnected()
    await house.hub.settle()
    with pytest.raises(RefusedByServer, match="unauthorized"):
        await house.client().resume(welcome.session_id, welcome.resume_token)


async def test_an_older_connection_is_replaced(house: HubInMemory) -> None:
    host = await house.host()
    client, welcome = await joined(house)
    again = house.client()
    await again.resume(welcome.session_id, welcome.resume_token)
    assert [event.code for event in client.received(messages.Closing)] == ["replaced"]
    assert client.session.close_code == 4009
    client.session.disconnected()
    await house.hub.settle()
    await house.advance(100)
    assert not host.received(messages.ParticipantLeft)
    assert not host.received(messages.ParticipantChanged)


async def test_one_of_two_connections_that_resume_at_once_wins(house: HubInMemory) -> None:
    await house.host()
    client, welcome = await joined(house)
    client.session.disconnected()
    results = await asyncio.gather(
        *(house.client().resume(welcome.session_id, welcome.resume_token) for _ in range(2)), return_exceptions=True
    )
    assert sorted(type(result).__name__ for result in results) == ["RefusedByServer", "Welcome"]


async def test_the_role_after_a_resume_is_that_of_the_seat(house: HubInMemory) -> None:
    host = await house.host()
    client, welcome = await joined(house)
    (seat,) = [event.participant for event in host.received(messages.ParticipantJoined)]
    await host.ask(lambda number: messages.HostPass(id=number, participant_id=seat.participant_id), messages.Empty)
    client.session.disconnected()
    resumed = await house.client().resume(welcome.session_id, welcome.resume_token)
    assert resumed.role is Role.HOST


async def test_a_resume_does_not_refill_the_buckets_of_the_session(house: HubInMemory) -> None:
    await house.host()
    client, welcome = await joined(house)
    buckets = client.session.buckets
    client.session.disconnected()
    again = house.client()
    await again.resume(welcome.session_id, welcome.resume_token)
    assert again.session.buckets is buckets


async def test_the_resume_token_appears_nowhere_but_in_welcome(house: HubInMemory) -> None:
    await house.host()
    client, welcome = await joined(house)
    assert client.session.visitor is not None
    kept = [str(value) for value in vars(client.session.visitor).values()]
    assert all(welcome.resume_token not in text for text in kept)
