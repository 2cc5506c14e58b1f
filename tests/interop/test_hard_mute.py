"""Who is hard muted and goes on sending is dropped in the plane and heard by nobody, until a host and then the owner say so."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from tests.support.aiortc_participant import AiortcParticipant
from tests.support.rooms import MEETING
from tests.support.server import ConclaveServer
from tests.support.signaling import RequestRefused
from tests.support.wait import until

pytestmark = pytest.mark.timeout(180)

DROPPED = 'conclave_plane_drops_total{reason="muted"}'
SOME_PACKETS = 40
"""Of 20 ms each, so that silence was not a gap between two packets."""


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as opened:
        yield opened


async def join(server: ConclaveServer, stack: AsyncExitStack, role: str, **options: str) -> AiortcParticipant:
    token = await server.invite(MEETING, role)
    joined = await AiortcParticipant.join(server.websocket_url, server.tls, token, role, **options)
    stack.push_async_callback(joined.close)
    return joined


async def heard(participant: AiortcParticipant) -> int:
    return participant.received()[0]


async def hears(participant: AiortcParticipant, what: str) -> None:
    before = await heard(participant)
    await until(lambda: heard(participant), lambda frames: frames >= before + SOME_PACKETS, what)


async def dropped(server: ConclaveServer) -> float:
    return (await server.metrics())[DROPPED]


async def hears_nothing_while_packets_come(server: ConclaveServer, listener: AiortcParticipant) -> None:
    """Let what is under way arrive, then compare what was heard before and after the plane dropped many more packets."""
    for what in ("what was under way arrives", "the muted client goes on sending"):
        before, frames = await dropped(server), await heard(listener)
        await until(lambda: dropped(server), lambda now, least=before + SOME_PACKETS: now >= least, what)
    assert await heard(listener) == frames


async def test_a_hard_muted_client_that_sends_anyway_is_heard_by_nobody(server: ConclaveServer, stack: AsyncExitStack) -> None:
    host = await join(server, stack, "host", create="Quiet")
    ada = await join(server, stack, "participant")
    await ada.publish_sound()
    (track_id,) = ada.track_ids
    await hears(host, "the host hears Ada")
    await host.signaling.request("participant.mute", participant_id=ada.participant_id, hard=True)
    await hears_nothing_while_packets_come(server, host)
    with pytest.raises(RequestRefused) as refused:
        await ada.signaling.request("audio.mute", track_id=track_id, muted=False)
    assert refused.value.code == "forbidden"
    await hears_nothing_while_packets_come(server, host)
    await host.signaling.request("participant.allow_unmute", participant_id=ada.participant_id)
    await ada.signaling.event("unmute.requested")
    await hears_nothing_while_packets_come(server, host)
    await ada.signaling.request("audio.mute", track_id=track_id, muted=False)
    await hears(host, "the host hears Ada again")
