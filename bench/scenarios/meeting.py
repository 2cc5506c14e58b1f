"""Meeting: everybody publishes audio and video and receives everybody else."""

from bench.client import Client, ClientFailed
from bench.delivery import Stream
from bench.publisher import Publisher
from bench.results import Figure
from bench.scenarios.plan import MEDIA_TIMEOUT_S, Outcome, Plan, Room, open_room, ramp, resident_bytes
from bench.scenarios.window import add_memory, add_rounds
from bench.station import Station


async def run_meeting(station: Station, plan: Plan, *, participants: int, audio_only: bool = False) -> Outcome:
    """Seat the participants, wait until everybody receives everybody, then measure.

    Raises ClientFailed or MeetingRefused when not even the host gets in.
    """
    outcome = Outcome("meeting")
    before = resident_bytes(plan.server_pid)
    async with open_room(station, plan, auto_subscribe=True) as room:
        clients = [room.host, *(Client(station, f"bench {number}") for number in range(1, participants))]
        publishers = {client: Publisher(number, video=not audio_only) for number, client in enumerate(clients)}
        try:
            seated = await _seat(clients, publishers, room, plan, outcome)
            wanted = _wanted(seated, publishers)
            complete = await _wait_for_everybody(wanted, plan, outcome)
            outcome.add_joins(complete, len(clients) - len(complete))
            add_memory(outcome, plan, "server_memory_per_participant", before, len(seated))
            await add_rounds(outcome, plan, station, [publishers[client] for client in seated], wanted)
            outcome.figures.append(_offers(seated))
        finally:
            for client in clients[1:]:
                await client.close()
    return outcome


async def _seat(
    clients: list[Client], publishers: dict[Client, Publisher], room: Room, plan: Plan, outcome: Outcome
) -> list[Client]:
    seated: list[Client] = []

    async def seat(client: Client) -> None:
        try:
            if client is not room.host:
                await client.connect(room.speaker_token)
                await client.join(auto_subscribe=True)
            await client.publish(publishers[client])
            seated.append(client)
        except ClientFailed as failure:
            outcome.failures[str(failure)] += 1

    await ramp(clients, plan.rate, seat, plan.report, "joining")
    return seated


def _wanted(seated: list[Client], publishers: dict[Client, Publisher]) -> list[tuple[Client, set[Stream]]]:
    return [
        (client, {stream for other in seated if other is not client for stream in publishers[other].sent()}) for client in seated
    ]


async def _wait_for_everybody(wanted: list[tuple[Client, set[Stream]]], plan: Plan, outcome: Outcome) -> list[Client]:
    complete: list[Client] = []
    for client, streams in wanted:
        try:
            await client.wait_flowing(streams, MEDIA_TIMEOUT_S)
            complete.append(client)
        except ClientFailed as failure:
            outcome.failures[str(failure)] += 1
        plan.report("waiting for media", len(complete), len(wanted))
    return complete


def _offers(seated: list[Client]) -> Figure:
    """How often a participant was renegotiated, at most: the price of a growing meeting."""
    return Figure(
        "meeting", "subscriber_offers_max", float(max((client.offers for client in seated), default=0)), "offers", len(seated)
    )
