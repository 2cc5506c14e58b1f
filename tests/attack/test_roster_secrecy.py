"""Where the roster is off, one of the audience looks for others of it: in events, answers and snapshots."""

from collections.abc import AsyncIterator

import msgspec
import pytest
from tests.support.hubs import Client, HubInMemory
from tests.support.offers import offer
from tests.support.recorders import recorded

from conclave.model.roles import Role
from conclave.signaling import messages


@pytest.fixture
async def hub() -> AsyncIterator[HubInMemory]:
    hub = HubInMemory()
    hub.start()
    yield hub
    await hub.close()


async def hide(host: Client) -> None:
    await host.ask(lambda number: messages.MeetingModify(id=number, roster=False), messages.Empty)


async def live_through_everything(client: Client) -> str:
    """Do all that one of the audience can do, and leave; return its id."""
    participant_id = (await client.join("Hidden")).participant_id or ""
    await client.ask(lambda number: messages.ReactionSend(id=number, reaction="👍"), messages.Empty)
    await client.ask(lambda number: messages.HandRaise(id=number, raised=True), messages.Empty)
    for granted in (True, False, True):
        await client.ask(lambda number, granted=granted: messages.RecordingConsent(id=number, granted=granted), messages.Empty)
    return participant_id


async def leave(client: Client) -> None:
    await client.ask(lambda number: messages.Leave(id=number), messages.Empty)


def seen_by(client: Client) -> bytes:
    client.collect()
    return msgspec.json.encode([client.events, client.replies])


async def test_nothing_tells_the_audience_of_each_other(hub: HubInMemory) -> None:
    _, host = await recorded(hub)
    await hide(host)
    curious = await hub.joined(Role.VIEWER, "Curious")
    hidden = await hub.greeted(Role.VIEWER)
    participant_id = await live_through_everything(hidden)
    late = await hub.greeted(Role.VIEWER)
    await late.join("Late")
    await host.ask(lambda number: messages.RecordingPause(id=number, paused=True), messages.Empty)
    await leave(hidden)
    for client in (curious, late):
        assert participant_id.encode() not in seen_by(client)
        assert client.received(messages.RecordingChanged)[-1].recording.state == "paused"
    assert host.received(messages.Reaction)
    assert [event.participant_id for event in host.received(messages.ParticipantLeft)] == [participant_id]
    assert participant_id in host.received(messages.RecordingChanged)[-2].recording.recorded


@pytest.mark.parametrize("publishes", [False, True])
async def test_who_was_shown_to_all_is_seen_to_leave(hub: HubInMemory, publishes: bool) -> None:
    host = await hub.host()
    if publishes:
        await hide(host)
    curious = await hub.joined(Role.VIEWER, "Curious")
    speaker = await hub.joined(Role.PARTICIPANT, "Speaker")
    if publishes:
        published = await speaker.ask(lambda number: messages.AudioPublish(id=number, mid="0"), messages.Published)
        await speaker.ask(lambda number: messages.PublisherOffer(id=number, sdp=offer("audio")), messages.SdpAnswer)
        await speaker.ask(lambda number: messages.Unpublish(id=number, track_id=published.track_ids[0]), messages.Empty)
    else:
        await hide(host)
    await leave(speaker)
    assert len(curious.received(messages.ParticipantLeft)) == 1
