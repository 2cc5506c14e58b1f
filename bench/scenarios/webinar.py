"""Webinar: few publish, many watch."""

from bench.client import Client, ClientFailed
from bench.delivery import Stream
from bench.publisher import Publisher
from bench.results import Figure
from bench.scenarios.plan import MEDIA_TIMEOUT_S, Outcome, Plan, Room, open_room, ramp, resident_bytes
from bench.scenarios.window import add_memory, add_rounds
from bench.station import Station


async def run_webinar(
    station: Station, plan: Plan, *, subscribers: int, publishers: int = 1, audio_only: bool = False
) -> Outcome:
    """Seat the publishers, then the subscribers one after the other, then measure. Raises ClientFailed or MeetingRefused when
    not even the publishers get in."""
    outcome = Outcome("webinar")
    async with open_room(station, plan, auto_subscribe=False) as room:
        speakers = await _seat_publishers(station, room, publishers, audio_only)
        sources = [speaker.publisher for speaker in speakers if speaker.publisher is not None]
        streams: set[Stream] = {stream for source in sources for stream in source.sent()}
        before = resident_bytes(plan.server_pid)
        viewers = [Client(station, f"bench viewer {number}") for number in range(1, subscribers + 1)]
        try:
            seated = await _seat_viewers(viewers, room, streams, plan, outcome)
            outcome.add_joins(seated, len(viewers) - len(seated))
            add_memory(outcome, plan, "server_memory_per_subscriber", before, len(seated))
            await add_rounds(outcome, plan, station, sources, [(viewer, streams) for viewer in seated])
            outcome.figures.append(_keyframes(sources, len(seated)))
        finally:
            for client in [*viewers, *speakers[1:]]:
                await client.close()
    return outcome


async def _seat_publishers(station: Station, room: Room, count: int, audio_only: bool) -> list[Client]:
    speakers = [room.host, *(Client(station, f"bench {number}") for number in range(1, count))]
    for number, speaker in enumerate(speakers):
        if speaker is not room.host:
            await speaker.connect(room.speaker_token)
            await speaker.join()
        await speaker.publish(Publisher(number, video=not audio_only))
    return speakers


async def _seat_viewers(viewers: list[Client], room: Room, streams: set[Stream], plan: Plan, outcome: Outcome) -> list[Client]:
    seated: list[Client] = []

    async def seat(viewer: Client) -> None:
        try:
            await viewer.connect(room.viewer_token)
            await viewer.join(auto_subscribe=True)
            await viewer.wait_flowing(streams, MEDIA_TIMEOUT_S)
            seated.append(viewer)
        except ClientFailed as failure:
            outcome.failures[str(failure)] += 1

    await ramp(viewers, plan.rate, seat, plan.report, "joining")
    return seated


def _keyframes(sources: list[Publisher], subscribers: int) -> Figure:
    sent = sum(source.video.keyframes for source in sources if source.video is not None)
    return Figure("webinar", "keyframes_sent", float(sent), "frames", subscribers)
