from tests.support.hubs import NO_RATE_LIMIT, PLENTY, Client, HubInMemory, eventually
from tests.support.offers import offer

from conclave.model.roles import Role
from conclave.policy.limits import Limits
from conclave.signaling import messages


async def publish(client: Client) -> str:
    published = await client.ask(lambda number: messages.AudioPublish(id=number, mid="0"), messages.Published)
    await client.ask(lambda number: messages.PublisherOffer(id=number, sdp=offer("audio")), messages.SdpAnswer)
    return published.track_ids[0]


async def test_who_talks_is_told_to_the_meeting_and_a_failure_to_measure_is_survived() -> None:
    house = HubInMemory(Limits(waiting_room=False, rates=NO_RATE_LIMIT, frames=PLENTY, speakers_interval_s=0.02))
    house.start()
    host, guest = await house.host(), await house.joined(Role.PARTICIPANT)
    track_id = await publish(guest)
    failures = ["once"]

    def levels() -> list[tuple[str, int, int]]:
        if failures:
            raise RuntimeError(failures.pop())
        return [(track_id, 20, 15), ("x" * 16, 5, 5)]

    house.pump.audio_levels = levels  # type: ignore[method-assign, assignment]
    await eventually(lambda: host.received(messages.ActiveSpeakers))
    joined = host.received(messages.ParticipantJoined)[0].participant.participant_id
    assert host.received(messages.ActiveSpeakers)[0].participant_ids == [joined]
    assert [str(error) for _, error in house.incidents] == ["once"]
    await house.close()
