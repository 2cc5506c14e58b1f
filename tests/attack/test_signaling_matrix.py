"""Every message, as every role, in every state, over a real WebSocket: the outcome is what the golden file says."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.support.live import Live, starting
from tests.support.matrix import GOLDEN, STATES, example, parse
from tests.support.offers import answer, offer
from tests.support.signaling import JSON, MSGPACK, RequestRefused, Signaling

from conclave.model.ids import MeetingId
from conclave.model.roles import Role
from conclave.policy.rbac import outranks_or_equals
from conclave.signaling import messages
from conclave.signaling.messages import MESSAGES, Request, type_of

EXPECTED = parse(GOLDEN.read_text(encoding="utf-8"))
NOBODY = "x" * 16
RECORDED = (messages.RecordingPause, messages.RecordingConsent, messages.RecordingStop, messages.RecordingDownload)
"""What needs a recording."""

ABOUT_LESSER = (
    messages.ParticipantMute,
    messages.ParticipantAllowUnmute,
    messages.ScreenShareControl,
    messages.BreakoutManage,
)
"""What a co-host cannot do to a host."""

ABOUT_ROOMS = (messages.BreakoutManage, messages.BreakoutAnnounce, messages.BreakoutClose)
"""What needs a breakout room."""

RUNNING = ("joined/active", "joined/locked", "breakout/active", "breakout/locked")
SEATED = (*RUNNING, "joined/suspended", "breakout/suspended")

Fields = Mapping[type[Request], dict[str, object]]


class Stage:
    """A meeting with an owner who publishes; the subject of the test comes into the wanted state."""

    def __init__(self, live: Live, state: str, closing: AsyncExitStack) -> None:
        self.live = live
        self.state = state
        self.meeting_id: MeetingId = live.new_meeting()
        self.owner: Signaling | None = None
        self.owner_id = NOBODY
        self.live_track = NOBODY
        self.breakout_id: str | None = None
        self._closing = closing

    async def connect(self, subprotocol: str) -> Signaling:
        signaling = await Signaling.connect(self.live.signaling, self.live.tls, subprotocol=subprotocol)
        self._closing.push_async_callback(signaling.close)
        return signaling

    async def open(self) -> None:
        """Let an owner open the meeting and publish a microphone."""
        self.owner = await self.connect(JSON)
        token = self.live.invite(self.meeting_id)
        joined = await self.owner.enter(token, "Owner", create="Matrix", auto_subscribe=False)
        self.owner_id = joined["participant_id"]
        if self.state.startswith("breakout"):
            await self.open_rooms()
            await self.enter(self.owner)
        published = await self.owner.request("audio.publish", mid="0")
        await self.owner.request("publisher.offer", sdp=offer("audio"))
        (self.live_track,) = published["track_ids"]

    async def open_rooms(self) -> None:
        assert self.owner is not None
        await self.owner.request("breakout.create", titles=["Matrix"], self_choose=True)
        self.breakout_id = (await self.owner.event("breakouts.changed"))["breakouts"][0]["breakout_id"]

    async def enter(self, signaling: Signaling) -> None:
        """Bring somebody into the breakout room."""
        await signaling.request("breakout.enter", breakout_id=self.breakout_id)
        entered = await signaling.event("breakout.entered")
        await signaling.request("breakout.ready", moves=entered["snapshot"]["moves"])

    async def end(self) -> None:
        assert self.owner is not None
        await self.owner.request("meeting.end")

    async def prepare(self) -> None:
        """Bring the meeting into the state that a greeted subject finds."""
        if self.state not in ("new", "greeted/absent", "joined/ended"):
            await self.open()
        if self.state == "greeted/ended":
            await self.end()
        if self.state.startswith(("greeted", "lobby")):
            await self.change()

    async def change(self) -> None:
        """Lock or suspend the meeting, or give it a waiting room, as the state wants it."""
        assert self.owner is not None or self.state in ("greeted/absent", "joined/ended")
        if self.owner is None:
            return
        if self.state.endswith("/locked"):
            await self.owner.request("meeting.lock", locked=True)
        if self.state.endswith("/suspended"):
            await self.owner.request("meeting.suspend")
        if self.state.startswith("lobby"):
            await self.owner.request("meeting.modify", waiting_room=True)

    async def guest(self) -> str:
        """Let somebody wait in the lobby."""
        assert self.owner is not None
        await self.owner.request("meeting.modify", waiting_room=True)
        waiting = await self.connect(JSON)
        await waiting.hello(self.live.invite(self.meeting_id, Role.VIEWER))
        await waiting.request("join", display_name="Guest")
        event = await self.owner.event("lobby.changed", lambda event: bool(event["guests"]))
        return str(event["guests"][0]["guest_id"])

    async def subject(self, role: Role, subprotocol: str) -> Signaling:
        """Return a new connection in the wanted state."""
        signaling = await self.connect(subprotocol)
        if self.state != "new":
            await signaling.hello(self.live.invite(self.meeting_id, role))
        if self.state == "joined/ended":
            await self.open()
        if self.state.startswith(("joined", "lobby", "breakout")):
            await signaling.request("join", display_name="Subject", auto_subscribe=not self.state.startswith("breakout"))
        if self.state.startswith("breakout"):
            await self.enter(signaling)
            await signaling.request("subscribe", track_ids=[self.live_track])
        if self.state == "joined/ended":
            await self.end()
            await signaling.event("meeting.ended")
        return signaling


async def own_tracks(stage: Stage, subject: Signaling, role: Role) -> dict[str, str]:
    """Let the subject publish what a message may then be about, if it can."""
    if role is Role.VIEWER or stage.state not in SEATED:
        return {"audio": NOBODY, "video": NOBODY}
    audio = await subject.request("audio.publish", mid="0")
    video = await subject.request("video.publish", mid="1")
    await subject.request("publisher.offer", sdp=offer("audio", "video"))
    return {"audio": audio["track_ids"][0], "video": video["track_ids"][0]}


async def fields_for(message: type[Request], stage: Stage, subject: Signaling, role: Role) -> Fields:
    """Return what makes the message a good one here and now."""
    fields: dict[type[Request], dict[str, object]] = {
        messages.Hello: {"token": stage.live.invite(stage.meeting_id, role)},
        messages.Subscribe: {"track_ids": [stage.live_track]},
        messages.Unsubscribe: {"track_ids": [stage.live_track]},
    }
    if message in (messages.AudioMute, messages.VideoMute, messages.Unpublish):
        tracks = await own_tracks(stage, subject, role)
        fields[message] = {"track_id": tracks["video" if message is messages.VideoMute else "audio"]}
    if message is messages.PublisherOffer and role is not Role.VIEWER and stage.state in RUNNING:
        await subject.request("audio.publish", mid="0")
        fields[message] = {"sdp": offer("audio")}
    if message is messages.SubscriberAnswer and stage.state in SEATED:
        event = await subject.event("subscriber.offer")
        fields[message] = {"revision": event["revision"], "sdp": answer(event["sdp"])}
    if message in RECORDED and stage.state in SEATED and stage.owner is not None:
        started = await stage.owner.request("recording.start")
        if message is messages.RecordingDownload:
            fields[message] = {"recording_id": started["recording_id"]}
    if message in (messages.ParticipantAdmit, messages.LobbyDeny) and stage.state in SEATED:
        fields[message] = {"guest_id": await stage.guest()}
    if message in ABOUT_LESSER and role is Role.CO_HOST and stage.state in SEATED:
        other = await stage.connect(JSON)
        token = stage.live.invite(stage.meeting_id, Role.PARTICIPANT)
        joined = await other.enter(token, "Other", auto_subscribe=False)
        fields[message] = {"participant_id": joined["participant_id"]}
    if message is messages.InvitationRevoke and stage.state in SEATED and stage.owner is not None:
        made = await stage.owner.request("invitation.create", role="viewer")
        assert made["token"]
        listed = await stage.owner.request("invitation.list")
        fields[message] = {"jti": listed["invitations"][-1]["jti"]}
    if message in ABOUT_ROOMS and stage.state in SEATED:
        if stage.breakout_id is None:
            await stage.open_rooms()
        if message is messages.BreakoutManage:
            fields[message] = {"breakout_id": stage.breakout_id, **fields.get(message, {"participant_id": stage.owner_id})}
    if message is messages.BreakoutReady:
        fields[message] = {"moves": 1 if stage.state.startswith("breakout") else 0}
    if message is messages.PlaybackOffer:
        fields[message] = {"sdp": offer("audio", direction="recvonly")}
    return fields


async def outcome(message: type[Request], stage: Stage, role: Role, subprotocol: str) -> str:
    subject = await stage.subject(role, subprotocol)
    fields = await fields_for(message, stage, subject, role)
    if stage.state.startswith(("joined", "breakout")):
        await stage.change()
    request = example(message, NOBODY, stage.owner_id, fields)
    body: dict[str, Any] = msgspec.to_builtins(request, builtin_types=(bytes,) if subprotocol == MSGPACK else None)
    del body["type"], body["id"]
    try:
        await subject.request(type_of(message), **body)
    except RequestRefused as refusal:
        return refusal.code
    finally:
        await subject.close()
    return "ok"


@asynccontextmanager
async def staged(live: Live, state: str) -> AsyncIterator[Stage]:
    async with AsyncExitStack() as closing:
        stage = Stage(live, state, closing)
        await stage.prepare()
        yield stage


CELLS = [
    (role, state)
    for role in Role
    for state in STATES
    if not (state.startswith("lobby") and outranks_or_equals(role, Role.CO_HOST))
]
"""Hosts and co-hosts never wait."""


@pytest.mark.parametrize(("role", "state"), CELLS)
async def test_every_message_over_a_real_websocket_ends_as_the_golden_file_says(tmp_path: Path, role: Role, state: str) -> None:
    seen: dict[str, str] = {}
    expected = {type_of(message): EXPECTED[type_of(message), role, state] for message in MESSAGES}
    limits = {
        "security": {"connects_per_s_per_source": 10_000, "max_connections_per_source": 10_000},
        "meetings": {"max_participants": 1_000},
    }
    async with starting(tmp_path) as start:
        live = await start(limits)
        for number, message in enumerate(MESSAGES):
            async with staged(live, state) as stage:
                seen[type_of(message)] = await outcome(message, stage, role, (JSON, MSGPACK)[number % 2])
    assert seen == expected
