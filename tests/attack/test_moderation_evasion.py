"""Who was muted, stopped or demoted tries to get around it without having been allowed to: by leaving and coming back, by other
labels for the same sound, by WHIP. Real hub, real plane."""

from collections.abc import AsyncIterator

import pytest
from tests.support.hubs import Client, HubInMemory, RefusedByServer
from tests.support.offers import offer

from conclave.model.errors import ErrorCode
from conclave.model.media import TrackSource
from conclave.model.roles import Role
from conclave.signaling import messages

NETWORK = b"n" * 16


@pytest.fixture
async def hub() -> AsyncIterator[HubInMemory]:
    hub = HubInMemory()
    hub.start()
    yield hub
    await hub.close()


async def seated(hub: HubInMemory, role: Role = Role.PARTICIPANT) -> tuple[Client, str]:
    client = await hub.greeted(role)
    return client, (await client.join("Mallory")).participant_id or ""


async def hold(host: Client, participant_id: str) -> None:
    await host.ask(lambda number: messages.ParticipantMute(id=number, participant_id=participant_id, hard=True), messages.Empty)


async def again(client: Client) -> messages.Joined:
    await client.ask(lambda number: messages.Leave(id=number), messages.Empty)
    return await client.join("Mallory")


async def speak(client: Client) -> str:
    """Publish a microphone; return its id."""
    published = await client.ask(lambda number: messages.AudioPublish(id=number, mid="0"), messages.Published)
    await client.ask(lambda number: messages.PublisherOffer(id=number, sdp=offer("audio")), messages.SdpAnswer)
    return published.track_ids[0]


def published(client: Client) -> list[tuple[TrackSource, bool]]:
    return [(event.track.source, event.track.muted) for event in client.received(messages.TrackPublished)]


async def test_leaving_and_joining_again_does_not_end_a_hard_mute(hub: HubInMemory) -> None:
    host = await hub.host()
    mallory, participant_id = await seated(hub)
    await hold(host, participant_id)
    await again(mallory)
    track_id = await speak(mallory)
    assert published(host) == [(TrackSource.MICROPHONE, True)]
    with pytest.raises(RefusedByServer) as caught:
        await mallory.ask(lambda number: messages.AudioMute(id=number, track_id=track_id, muted=False), messages.Empty)
    assert caught.value.code == ErrorCode.FORBIDDEN


async def test_an_encoder_by_the_link_of_a_hard_muted_one_is_muted_as_well(hub: HubInMemory) -> None:
    host = await hub.host()
    token = hub.token(Role.PARTICIPANT)
    mallory = hub.client()
    mallory.session.source_hash = NETWORK
    await mallory.hello(token)
    await hold(host, (await mallory.join("Mallory")).participant_id or "")
    encoder = hub.hub.headless(NETWORK)
    await encoder.request(messages.Hello(id=1, protocol=1, token=token))
    await encoder.request(messages.Join(id=2, display_name="Encoder"))
    await encoder.request(messages.AudioPublish(id=3, mid="0"))
    await encoder.request(messages.PublisherOffer(id=4, sdp=offer("audio")))
    assert published(host) == [(TrackSource.MICROPHONE, True)]


async def test_a_demoted_co_host_does_not_become_one_again_by_joining_again(hub: HubInMemory) -> None:
    host = await hub.host()
    helper, participant_id = await seated(hub, Role.CO_HOST)
    request = lambda number: messages.ParticipantSetRole(id=number, participant_id=participant_id, role=Role.VIEWER)  # noqa: E731
    await host.ask(request, messages.Empty)
    assert (await again(helper)).role is Role.VIEWER
    with pytest.raises(RefusedByServer) as caught:
        await helper.ask(lambda number: messages.ParticipantsMute(id=number), messages.Empty)
    assert caught.value.code == ErrorCode.UNAUTHORIZED


async def test_a_hard_muted_microphone_is_not_heard_as_the_sound_of_a_screen(hub: HubInMemory) -> None:
    host = await hub.host()
    mallory, participant_id = await seated(hub)
    await hold(host, participant_id)
    screen = await mallory.ask(lambda number: messages.ScreenPublish(id=number, mid="1", audio_mid="0"), messages.Published)
    await mallory.ask(lambda number: messages.PublisherOffer(id=number, sdp=offer("audio", "video")), messages.SdpAnswer)
    assert sorted(published(host)) == [(TrackSource.SCREEN, False), (TrackSource.SCREEN_AUDIO, True)]
    with pytest.raises(RefusedByServer) as caught:
        await mallory.ask(lambda number: messages.AudioMute(id=number, track_id=screen.track_ids[1], muted=False), messages.Empty)
    assert caught.value.code == ErrorCode.FORBIDDEN
