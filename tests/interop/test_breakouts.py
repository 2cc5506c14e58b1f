"""Real sound in breakout rooms: who is in another room is not heard, who is in the same one is, and after the end all are."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from tests.support.aiortc_participant import AiortcParticipant
from tests.support.rooms import MEETING
from tests.support.server import ConclaveServer
from tests.support.signaling import Message
from tests.support.wait import until

pytestmark = pytest.mark.timeout(180)

HEARD_FRAMES = 25


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as opened:
        yield opened


async def join(server: ConclaveServer, stack: AsyncExitStack, role: str, name: str, **options: str) -> AiortcParticipant:
    token = await server.invite(MEETING, role)
    joined = await AiortcParticipant.join(server.websocket_url, server.tls, token, name, **options)
    stack.push_async_callback(joined.close)
    await joined.publish_sound()
    return joined


async def heard(participant: AiortcParticipant) -> int:
    return participant.received()[0]


async def hears(participant: AiortcParticipant, what: str) -> None:
    before = await heard(participant)
    await until(lambda: heard(participant), lambda frames: frames >= before + HEARD_FRAMES, what)


async def follow(participant: AiortcParticipant, moves: int) -> Message:
    """Wait for the move of this number and do what a client then does."""
    entered = await participant.signaling.event("breakout.entered", lambda event: event["snapshot"]["moves"] == moves)
    await participant.follow(entered)
    await participant.publish_sound()
    return entered


async def test_rooms_do_not_hear_each_other_and_all_do_again_after_the_end(server: ConclaveServer, stack: AsyncExitStack) -> None:
    host = await join(server, stack, "host", "host", create="Breakouts")
    red = await join(server, stack, "participant", "red")
    blue = await join(server, stack, "participant", "blue")
    await hears(red, "everybody hears in the main room")
    await host.signaling.request("breakout.create", titles=["Red", "Blue"])
    rooms = (await host.signaling.event("breakouts.changed"))["breakouts"]
    for participant, room in ((red, rooms[0]), (blue, rooms[1])):
        move = {"participant_id": participant.participant_id, "breakout_id": room["breakout_id"]}
        await host.signaling.request("breakout.manage", **move)
        await follow(participant, 1)
    await host.signaling.request("breakout.enter", breakout_id=rooms[0]["breakout_id"])
    await follow(host, 1)
    await hears(host, "the host hears who is in the same room")
    await hears(red, "who is in the same room hears the host")
    assert [counter.frames for counter in blue.counters if counter.frames] == []
    await host.signaling.request("breakout.close", countdown_s=1)
    for participant, moves in ((host, 2), (red, 2), (blue, 2)):
        entered = await follow(participant, moves)
        assert entered["breakout_id"] is None
    for participant in (host, red, blue):
        await hears(participant, "everybody hears again after the end")
