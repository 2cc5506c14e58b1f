"""Join: viewers come at a steady rate, stay for a moment and leave, over and over."""

import asyncio

from bench.client import Client, ClientFailed
from bench.publisher import Publisher
from bench.results import Figure
from bench.scenarios.plan import MEDIA_TIMEOUT_S, Outcome, Plan, Room, open_room, ramp, resident_bytes
from bench.station import Station

WARM_UP_JOINS = 50
_AFTER_S = 1.0


async def run_join(station: Station, plan: Plan, *, joins: int, stay_s: float, audio_only: bool = False) -> Outcome:
    """Let `joins` viewers pass through a meeting with one publisher, plan.rounds times. Raises ClientFailed or MeetingRefused
    when not even the publisher gets in."""
    outcome = Outcome("join")
    async with open_room(station, plan, auto_subscribe=False) as room:
        publisher = Publisher(0, video=not audio_only)
        await room.host.publish(publisher)
        passed: list[Client] = []
        if plan.server_pid is not None:
            await _cycle(station, room, publisher, plan, outcome, WARM_UP_JOINS, stay_s, "warming up")
            outcome.failures.clear()
        before = resident_bytes(plan.server_pid)
        for number in range(plan.rounds):
            what = f"joining, round {number + 1} of {plan.rounds}"
            passed += await _cycle(station, room, publisher, plan, outcome, joins, stay_s, what)
        await asyncio.sleep(_AFTER_S)
        after = resident_bytes(plan.server_pid)
        outcome.add_joins(passed, joins * plan.rounds - len(passed))
        if before is not None and after is not None:
            growth = (after - before) / 1024
            outcome.figures.append(Figure(outcome.scenario, "server_memory_growth", growth, "KiB", joins * plan.rounds))
    return outcome


async def _cycle(
    station: Station, room: Room, publisher: Publisher, plan: Plan, outcome: Outcome, joins: int, stay_s: float, what: str
) -> list[Client]:
    passed: list[Client] = []
    streams = set(publisher.sent())

    async def visit(viewer: Client) -> None:
        try:
            await viewer.connect(room.viewer_token)
            await viewer.join(auto_subscribe=True)
            await viewer.wait_flowing(streams, MEDIA_TIMEOUT_S)
            await asyncio.sleep(stay_s)
            await viewer.leave()
            passed.append(viewer)
        except ClientFailed as failure:
            outcome.failures[str(failure)] += 1
        finally:
            await viewer.close()

    await ramp([Client(station, f"bench viewer {number}") for number in range(1, joins + 1)], plan.rate, visit, plan.report, what)
    return passed
