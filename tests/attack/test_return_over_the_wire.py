"""Who was removed comes back by every way that is left, over real sockets; and roles change while somebody publishes."""

import asyncio
import os
import re
from typing import Any

import aiohttp
import pytest
from aioice import stun
from tests.support.live import Live, Starter, ask, close_frame
from tests.support.offers import offer

from conclave.hub.media_pump import MediaPump
from conclave.model.ids import MeetingId, new_id
from conclave.model.roles import Role

Socket = aiohttp.ClientWebSocketResponse

DEVICE, OTHER_DEVICE = "d" * 16, "e" * 16
REMOVED = 4010
STUN_WITHIN_S = 1.0
ROUNDS = 6


class Scene:
    """A meeting with its host; Mallory sits in it by a link, on a device, and publishes."""

    def __init__(self, live: Live, meeting_id: MeetingId, link: str, host: Socket, mallory: Socket) -> None:
        self.live, self.meeting_id, self.link = live, meeting_id, link
        self.host, self.mallory = host, mallory
        self.welcome: dict[str, Any] = {}
        self.participant_id = ""
        self.answer = ""

    @classmethod
    async def make(cls, start: Starter, seats: int = 1, role: Role = Role.PARTICIPANT) -> "Scene":
        live = await start()
        meeting_id = MeetingId(new_id(os.urandom))
        link = live.server.invitations.issue(meeting_id, role, live.server.clock.wall(), seats=seats).token
        scene = cls(live, meeting_id, link, await live.connect(), await live.connect())
        await scene.hello(scene.host, live.invite(meeting_id))
        await ask(scene.host, 2, "meeting.create", title="Weekly")
        await ask(scene.host, 3, "join", display_name="Host")
        scene.welcome = (await scene.hello(scene.mallory, link))["result"]
        joined = await ask(scene.mallory, 2, "join", display_name="Mallory")
        scene.participant_id = joined["result"]["participant_id"]
        await ask(scene.mallory, 3, "audio.publish", mid="0")
        scene.answer = (await ask(scene.mallory, 4, "publisher.offer", sdp=offer("audio")))["result"]["sdp"]
        return scene

    async def hello(self, socket: Socket, token: str, device_id: str = DEVICE) -> dict[str, Any]:
        device = "h" * 16 if socket is self.host else device_id
        return await greeting(socket, token=token, device_id=device)

    async def remove(self, *, ban: bool = False) -> None:
        answer = await ask(self.host, 10, "participant.remove", participant_id=self.participant_id, ban=ban)
        assert answer["type"] == "response"

    def role_message(self, role: Role, number: int) -> dict[str, Any]:
        return {"type": "participant.set_role", "id": number, "participant_id": self.participant_id, "role": role}

    async def give(self, role: Role, number: int) -> None:
        await self.host.send_json(self.role_message(role, number))
        assert (await answer_to(self.host, number))["type"] == "response"

    async def comes_back(self, **fields: Any) -> str:
        """Return the refusal of a `hello` on a new connection, or "in" when nothing kept it from joining."""
        socket = await self.live.connect()
        answer = await greeting(socket, **fields)
        if answer["type"] == "response":
            answer = await ask(socket, 2, "join", display_name="Mallory")
        await socket.close()
        return str(answer["code"]) if answer["type"] == "error" else "in"

    async def by_http(self, kind: str) -> int:
        headers = {"Authorization": f"Bearer {self.link}", "Content-Type": "application/sdp"}
        sdp = offer("audio", direction="sendonly" if kind == "whip" else "recvonly")
        async with self.live.http.post(f"{self.live.url}/{kind}/{self.meeting_id}", data=sdp, headers=headers) as answer:
            return answer.status

    async def end(self) -> None:
        await self.mallory.close()
        await self.host.close()


async def greeting(socket: Socket, **fields: Any) -> dict[str, Any]:
    await socket.send_json({"type": "hello", "id": 1, "protocol": 1, **fields})
    answer: dict[str, Any] = await socket.receive_json(timeout=5)
    return answer


def part(sdp: str, pattern: str) -> str:
    found = re.search(pattern, sdp)
    assert found is not None
    return found[1]


class Answers(asyncio.DatagramProtocol):
    """Says whether a STUN check was answered."""

    def __init__(self) -> None:
        self.received: asyncio.Queue[bytes] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:  # noqa: ARG002 # asyncio's signature
        self.received.put_nowait(data)


async def check_is_answered(sdp: str, ufrag: str = "F7gI") -> bool:
    """Send the check of an ICE client to the transport that an SDP answer names."""
    request = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
    request.attributes["USERNAME"] = part(sdp, r"a=ice-ufrag:(\S+)") + ":" + ufrag
    request.attributes["PRIORITY"] = 1_845_501_695
    request.attributes["ICE-CONTROLLING"] = int.from_bytes(os.urandom(8))
    request.add_message_integrity(part(sdp, r"a=ice-pwd:(\S+)").encode())
    port = int(part(sdp, r"a=candidate:\S+ 1 udp \d+ \S+ (\d+)"))
    transport, answers = await asyncio.get_running_loop().create_datagram_endpoint(Answers, remote_addr=("127.0.0.1", port))
    try:
        transport.sendto(bytes(request))
        async with asyncio.timeout(STUN_WITHIN_S):
            return stun.parse_message(await answers.received.get()).message_class is stun.Class.RESPONSE
    except TimeoutError:
        return False
    finally:
        transport.close()


def pump_of(live: Live) -> MediaPump:
    return live.server.hub._services.pump


@pytest.mark.parametrize("ban", [False, True])
async def test_no_way_back_is_left_to_who_had_a_personal_link(start: Starter, ban: bool) -> None:
    scene = await Scene.make(start)
    await scene.remove(ban=ban)
    assert await close_frame(scene.mallory) == REMOVED
    for device_id in (DEVICE, OTHER_DEVICE):
        assert await scene.comes_back(token=scene.link, device_id=device_id) == "unauthorized"
    resume = {"session_id": scene.welcome["session_id"], "resume_token": scene.welcome["resume_token"]}
    assert await scene.comes_back(resume=resume) == "unauthorized"
    assert [await scene.by_http(kind) for kind in ("whip", "whep")] == [401, 401]
    await scene.end()


@pytest.mark.parametrize("ban", [False, True])
async def test_a_shared_link_leads_back_neither_on_the_same_device_nor_from_the_same_network(start: Starter, ban: bool) -> None:
    scene = await Scene.make(start, seats=0)
    await scene.remove(ban=ban)
    refusal = "unauthorized" if ban else "forbidden"
    for device_id in (DEVICE, OTHER_DEVICE):
        assert await scene.comes_back(token=scene.link, device_id=device_id) == refusal
    assert [await scene.by_http(kind) for kind in ("whip", "whep")] == [401 if ban else 403] * 2
    other_link = scene.live.invite(scene.meeting_id, Role.VIEWER)
    assert await scene.comes_back(token=other_link, device_id=DEVICE) == "forbidden"
    assert await scene.comes_back(token=other_link, device_id=OTHER_DEVICE) == ("forbidden" if ban else "in")
    await scene.end()


async def test_the_media_port_answers_no_check_of_a_connection_that_was_removed(start: Starter) -> None:
    scene = await Scene.make(start)
    assert await check_is_answered(scene.answer)
    await scene.remove()
    assert not await check_is_answered(scene.answer)
    assert pump_of(scene.live).table_sizes()["control_ufrags"] == 0
    await scene.end()


async def test_an_ice_restart_that_crosses_the_removal_leaves_no_transport(start: Starter) -> None:
    scene = await Scene.make(start)
    restarted = (await ask(scene.mallory, 5, "publisher.offer", sdp=offer("audio", ufrag="New1")))["result"]["sdp"]
    assert await check_is_answered(restarted, "New1")
    restart = scene.mallory.send_json({"type": "publisher.offer", "id": 6, "sdp": offer("audio", ufrag="New2")})
    await asyncio.gather(scene.remove(), restart)
    assert await close_frame(scene.mallory) == REMOVED
    for sdp, ufrag in ((scene.answer, "F7gI"), (restarted, "New1"), (restarted, "New2")):
        assert not await check_is_answered(sdp, ufrag)
    assert pump_of(scene.live).table_sizes()["control_transports"] == 0
    await scene.end()


async def test_a_resumed_session_is_removed_like_any_other(start: Starter) -> None:
    scene = await Scene.make(start)
    again = await scene.live.connect()
    resume = {"session_id": scene.welcome["session_id"], "resume_token": scene.welcome["resume_token"]}
    welcome = (await greeting(again, resume=resume))["result"]
    assert welcome["resumed"]
    await ask(again, 2, "publisher.offer", sdp=offer("audio", ufrag="New1"))
    await scene.remove()
    assert await close_frame(again) == REMOVED
    assert not await check_is_answered(scene.answer, "New1")
    for session in (scene.welcome, welcome):
        resume = {"session_id": session["session_id"], "resume_token": session["resume_token"]}
        assert await scene.comes_back(resume=resume) == "unauthorized"
    await scene.end()


@pytest.mark.parametrize("first", ["role", "offer"])
async def test_a_viewer_has_no_live_track_whichever_of_demotion_and_publishing_comes_first(start: Starter, first: str) -> None:
    scene = await Scene.make(start)
    await scene.give(Role.VIEWER, 20)
    outcomes = set()
    for number in range(21, 21 + 4 * ROUNDS, 4):
        await scene.give(Role.PARTICIPANT, number)
        await scene.mallory.send_json({"type": "screen.publish", "id": number, "mid": "0"})
        demote = scene.host.send_json(scene.role_message(Role.VIEWER, number + 1))
        publish = scene.mallory.send_json(
            {"type": "publisher.offer", "id": number + 1, "sdp": offer("video", ufrag=f"u{number:03}")}
        )
        if first == "offer":
            await answer_to(scene.mallory, number)
        for step in (demote, publish) if first == "role" else (publish, demote):
            await step
        assert (await answer_to(scene.host, number + 1))["type"] == "response"
        outcomes.add((await answer_to(scene.mallory, number + 1))["type"])
        witness = await scene.live.connect()
        await greeting(witness, token=scene.live.invite(scene.meeting_id), device_id="w" * 16)
        seen = (await ask(witness, 2, "join", display_name="Witness"))["result"]["snapshot"]
        assert seen["tracks"] == []
        assert pump_of(scene.live).table_sizes()["control_transports"] == 0
        await ask(witness, 3, "leave")
        await witness.close()
    assert ("response" if first == "offer" else "error") in outcomes
    await scene.end()


async def answer_to(socket: Socket, number: int) -> dict[str, Any]:
    while True:
        answer: dict[str, Any] = await socket.receive_json(timeout=5)
        if answer.get("id") == number:
            return answer
