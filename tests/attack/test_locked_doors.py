"""A locked or suspended meeting: its host comes back after the grace time, and nobody else comes in by that way."""

from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.hubs import NO_RATE_LIMIT, PLENTY, Client, HubInMemory, RefusedByServer
from tests.support.meetings import MeetingInMemory
from tests.support.offers import offer

from conclave.meeting.state import Participant
from conclave.model.errors import ErrorCode, Refused
from conclave.model.roles import Role
from conclave.policy.limits import Limits
from conclave.policy.rules import MeetingState
from conclave.signaling import messages

LINK, DEVICE, OTHER_DEVICE = "l" * 16, "d" * 16, "e" * 16
CLOSED = [messages.MeetingLock(id=1, locked=True), messages.MeetingSuspend(id=1)]


def do(room: MeetingInMemory, who: Participant, request: messages.Request) -> None:
    room.ask(who.session_id, request, messages.Empty)


@given(
    closing=st.sampled_from(CLOSED),
    role=st.sampled_from(Role),
    left=st.sampled_from([None, *Role]),
    headless=st.booleans(),
    device_id=st.sampled_from([DEVICE, OTHER_DEVICE]),
    waiting_room=st.booleans(),
)
def test_who_gets_into_a_closed_meeting_is_a_host_by_invitation_and_by_what_hosts_left_of_it(
    closing: messages.Request, role: Role, left: Role | None, headless: bool, device_id: str, waiting_room: bool
) -> None:
    room = MeetingInMemory(Limits(waiting_room=False))
    host = room.sit(room.open())
    before = room.join(role, jti=LINK, seats=1, device_id=DEVICE)
    if left is not None:
        do(room, host, messages.ParticipantSetRole(id=1, participant_id=before.participant_id, role=left))
    do(room, host, messages.MeetingModify(id=1, waiting_room=waiting_room))
    do(room, host, closing)
    do(room, before, messages.Leave(id=1))
    seats = set(room.meeting.participants)
    code: ErrorCode | None = None
    try:
        room.join(role, jti=LINK, seats=1, device_id=device_id, headless=headless)
    except Refused as refusal:
        code = refusal.code
    if role is not Role.HOST or left not in (None, Role.HOST):
        assert code is ErrorCode.FORBIDDEN
    elif device_id != DEVICE:
        assert code is ErrorCode.CONFLICT
    elif headless:
        assert code is ErrorCode.FORBIDDEN
    else:
        assert code is None
    assert (set(room.meeting.participants) == seats) is (code is not None)
    assert not room.meeting.lobby


@pytest.fixture
async def hub() -> AsyncIterator[HubInMemory]:
    hub = HubInMemory(Limits(waiting_room=False, rates=NO_RATE_LIMIT, frames=PLENTY, refusals=PLENTY))
    hub.start()
    yield hub
    await hub.close()


async def enter(hub: HubInMemory, token: str, device_id: str | None = None) -> tuple[Client, messages.Joined]:
    client = hub.client()
    await client.ask(lambda number: messages.Hello(id=number, protocol=1, token=token, device_id=device_id), messages.Welcome)
    return client, await client.join()


async def refusal(hub: HubInMemory, token: str, device_id: str | None = None) -> str:
    with pytest.raises(RefusedByServer) as caught:
        await enter(hub, token, device_id)
    return caught.value.code


async def close_meeting(hub: HubInMemory, state: MeetingState, seats: int = 1) -> tuple[str, Client]:
    """Let a host open and close a meeting with a viewer in it; return the host's link and its client."""
    token = hub.token(Role.HOST, seats=seats)
    host = hub.client()
    await host.ask(lambda number: messages.Hello(id=number, protocol=1, token=token, device_id=DEVICE), messages.Welcome)
    await host.ask(lambda number: messages.MeetingCreate(id=number, title="Weekly"), messages.MeetingCreated)
    await host.join("Host")
    await hub.joined(Role.VIEWER, "Viewer")
    closing = (
        (lambda number: messages.MeetingLock(id=number, locked=True))
        if state is MeetingState.LOCKED
        else (lambda number: messages.MeetingSuspend(id=number))
    )
    await host.ask(closing, messages.Empty)
    return token, host


@pytest.mark.parametrize("state", [MeetingState.LOCKED, MeetingState.SUSPENDED])
async def test_a_host_who_was_lost_for_too_long_comes_back_and_opens_the_meeting_again(
    hub: HubInMemory, state: MeetingState
) -> None:
    token, host = await close_meeting(hub, state)
    host.session.disconnected()
    await hub.hub.settle()
    await hub.advance(600)
    await hub.hub.settle()
    for role in (Role.CO_HOST, Role.PARTICIPANT, Role.VIEWER):
        assert await refusal(hub, hub.token(role)) == ErrorCode.FORBIDDEN
    again, joined = await enter(hub, token, DEVICE)
    assert joined.role is Role.HOST
    assert joined.snapshot is not None
    assert joined.snapshot.state is state
    opening = (
        (lambda number: messages.MeetingLock(id=number, locked=False))
        if state is MeetingState.LOCKED
        else (lambda number: messages.MeetingResume(id=number))
    )
    await again.ask(opening, messages.Empty)
    assert await enter(hub, hub.token(Role.VIEWER))


@pytest.mark.parametrize("state", [MeetingState.LOCKED, MeetingState.SUSPENDED])
async def test_a_stolen_personal_link_of_a_host_opens_no_closed_meeting_and_the_host_hears_of_it(
    hub: HubInMemory, state: MeetingState
) -> None:
    token, host = await close_meeting(hub, state)
    for device_id in (OTHER_DEVICE, None):
        assert await refusal(hub, token, device_id) == ErrorCode.CONFLICT
    assert host.received(messages.InvitationReused)
    await host.ask(lambda number: messages.Leave(id=number), messages.Empty)
    assert await refusal(hub, token, OTHER_DEVICE) == ErrorCode.CONFLICT


@pytest.mark.parametrize("ban", [False, True])
@pytest.mark.parametrize("seats", [0, 1])
async def test_a_removed_host_does_not_come_back_into_a_closed_meeting(hub: HubInMemory, ban: bool, seats: int) -> None:
    _, host = await close_meeting(hub, MeetingState.SUSPENDED)
    token = hub.token(Role.HOST, seats=seats)
    _, joined = await enter(hub, token, OTHER_DEVICE)
    assert joined.participant_id is not None
    request = lambda number: messages.ParticipantRemove(id=number, participant_id=joined.participant_id, ban=ban)  # noqa: E731
    await host.ask(request, messages.Empty)
    assert await refusal(hub, token, OTHER_DEVICE) in (ErrorCode.FORBIDDEN, ErrorCode.UNAUTHORIZED)


async def test_a_client_without_signaling_is_refused_with_a_hosts_link_too(hub: HubInMemory) -> None:
    await close_meeting(hub, MeetingState.LOCKED)
    session = hub.hub.headless(b"n" * 16)
    await session.request(messages.Hello(id=1, protocol=1, token=hub.token(Role.HOST)))
    with pytest.raises(Refused) as caught:
        await session.request(messages.Join(id=2, display_name="Encoder"))
    assert (caught.value.code, caught.value.detail) == (ErrorCode.FORBIDDEN, "the meeting is locked")


def test_media_stay_frozen_when_a_host_comes_into_a_suspended_meeting() -> None:
    room = MeetingInMemory()
    host = room.sit(room.open())
    room.ask(host.session_id, messages.AudioPublish(id=1, mid="0"), messages.Published)
    room.ask(host.session_id, messages.PublisherOffer(id=2, sdp=offer("audio")), messages.SdpAnswer)
    do(room, host, messages.MeetingSuspend(id=3))
    before = len(room.commands)
    other = room.sit(room.greet(Role.HOST), auto_subscribe=True)
    assert all(track.muted for track in room.meeting.tracks.values())
    assert not [command for command in room.commands[before:] if getattr(command, "muted", None) is False]
    for request in (messages.AudioPublish(id=4, mid="0"), messages.Subscribe(id=5, track_ids=[*room.meeting.tracks])):
        with pytest.raises(Refused, check=lambda error: error.code is ErrorCode.FORBIDDEN):
            room.ask(other.session_id, request, messages.Empty)
