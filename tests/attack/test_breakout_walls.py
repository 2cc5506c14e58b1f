"""Participants of one breakout room try to reach another over real sockets: media, events, ids, and clients without signaling."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from tests.support.live import Live, Starter
from tests.support.offers import offer
from tests.support.signaling import JSON, MSGPACK, RequestRefused, Signaling

from conclave.model.errors import ErrorCode
from conclave.model.ids import MeetingId
from conclave.model.roles import Role


class Walls:
    """A meeting with a host in the main room, one participant in each of two rooms, and one in the main room."""

    def __init__(self, live: Live, closing: AsyncExitStack) -> None:
        self.live = live
        self.meeting_id: MeetingId = live.new_meeting()
        self.rooms: list[str] = []
        self.tracks: dict[str, str] = {}
        self.people: dict[str, Signaling] = {}
        self.ids: dict[str, str] = {}
        self._closing = closing

    async def join(self, name: str, role: Role = Role.PARTICIPANT, subprotocol: str = JSON) -> Signaling:
        signaling = await Signaling.connect(self.live.signaling, self.live.tls, subprotocol=subprotocol)
        self._closing.push_async_callback(signaling.close)
        joined = await signaling.enter(self.live.invite(self.meeting_id, role), name, create="Walls", auto_subscribe=False)
        self.people[name], self.ids[name] = signaling, joined["participant_id"]
        return signaling

    async def move(self, name: str, room: str | None) -> None:
        """Let the host move somebody, who is ready then."""
        person = self.people[name]
        seen = len([event for event in person.events if event["type"] == "breakout.entered"])
        await self.people["host"].request("breakout.manage", participant_id=self.ids[name], breakout_id=room)
        entered = await person.event("breakout.entered", nth(seen))
        await person.request("breakout.ready", moves=entered["snapshot"]["moves"])

    async def publish(self, name: str) -> str:
        published = await self.people[name].request("audio.publish", mid="0")
        await self.people[name].request("publisher.offer", sdp=offer("audio"))
        self.tracks[name] = published["track_ids"][0]
        return self.tracks[name]

    async def build(self) -> None:
        host = await self.join("host", Role.HOST)
        await host.request("breakout.create", titles=["Red", "Blue"])
        changed = await host.event("breakouts.changed")
        self.rooms = [info["breakout_id"] for info in changed["breakouts"]]
        await self.join("main")
        for number, name in enumerate(("red", "blue")):
            await self.join(name, subprotocol=(JSON, MSGPACK)[number])
            await self.move(name, self.rooms[number])
        for name in self.people:
            await self.publish(name)


def nth(number: int) -> Callable[[dict[str, Any]], bool]:
    """Match the event of this number, counted from 0, of its kind."""
    seen: list[int] = []

    def match(event: dict[str, Any]) -> bool:
        if id(event) not in seen:
            seen.append(id(event))
        return seen.index(id(event)) == number

    return match


@pytest.fixture
async def walls(start: Starter) -> AsyncIterator[Walls]:
    async with AsyncExitStack() as closing:
        walls = Walls(await start(), closing)
        await walls.build()
        yield walls


async def code_of(asked: Any) -> str:
    with pytest.raises(RequestRefused) as caught:
        await asked
    return caught.value.code


async def test_no_track_of_another_place_can_be_subscribed(walls: Walls) -> None:
    for name, person in walls.people.items():
        for other, track_id in walls.tracks.items():
            if {name, other} == {"host", "main"} or name == other:
                continue
            assert await code_of(person.request("subscribe", track_ids=[track_id])) == ErrorCode.NOT_FOUND
            assert await code_of(person.request("unpublish", track_id=track_id)) in (ErrorCode.NOT_FOUND, ErrorCode.FORBIDDEN)
    await walls.people["main"].request("subscribe", track_ids=[walls.tracks["host"]])
    for name in ("red", "blue"):
        assert not [event for event in walls.people[name].events if event["type"] == "subscriber.offer"]


async def test_a_track_and_a_mute_of_the_room_one_left_are_of_no_use(walls: Walls) -> None:
    red, old = walls.people["red"], walls.tracks["red"]
    await walls.move("red", walls.rooms[1])
    assert await code_of(red.request("audio.mute", track_id=old, muted=False)) == ErrorCode.NOT_FOUND
    assert await code_of(red.request("unpublish", track_id=old)) == ErrorCode.NOT_FOUND
    assert await code_of(walls.people["blue"].request("subscribe", track_ids=[old])) == ErrorCode.NOT_FOUND


async def test_what_happens_in_a_room_is_told_to_nobody_outside_but_people_to_hosts(walls: Walls) -> None:
    marks = {name: len(person.events) for name, person in walls.people.items()}
    red = walls.people["red"]
    await red.request("hand.raise", raised=True)
    await red.request("reaction.send", reaction="👍")
    await red.request("audio.mute", track_id=walls.tracks["red"], muted=True)
    await red.request("unpublish", track_id=walls.tracks["red"])
    await walls.people["host"].request("breakout.announce", text="Back soon")
    for name, person in walls.people.items():
        await person.event("breakout.announced")
        heard = {event["type"] for event in person.events[marks[name] :]}
        if name == "host":
            assert heard == {"participant.changed", "breakout.announced"}
        elif name != "red":
            assert heard == {"breakout.announced"}


async def test_a_participants_events_never_name_anybody_of_another_room(walls: Walls) -> None:
    blue = walls.people["blue"]
    entered = next(number for number, event in enumerate(blue.events) if event["type"] == "breakout.entered")
    await walls.people["red"].request("hand.raise", raised=True)
    await walls.people["host"].request("breakout.announce", text="Back soon")
    await blue.event("breakout.announced")
    later = str(blue.events[entered:])
    assert walls.ids["red"] not in later
    assert walls.tracks["red"] not in later


@pytest.mark.parametrize("kind", ["participant.mute", "participant.remove", "breakout.manage", "host.pass"])
async def test_ids_of_other_rooms_cannot_be_probed_by_participants(walls: Walls, kind: str) -> None:
    red = walls.people["red"]
    codes = {await code_of(red.request(kind, participant_id=name)) for name in (walls.ids["blue"], "x" * 16)}
    assert codes == {ErrorCode.UNAUTHORIZED}


async def test_rooms_cannot_be_entered_or_kept_open_without_a_right(walls: Walls) -> None:
    red, main = walls.people["red"], walls.people["main"]
    for room in walls.rooms:
        assert await code_of(main.request("breakout.enter", breakout_id=room)) == ErrorCode.FORBIDDEN
    assert await code_of(red.request("breakout.enter", breakout_id=walls.rooms[1])) == ErrorCode.FORBIDDEN
    assert await code_of(red.request("breakout.enter", breakout_id="x" * 16)) == ErrorCode.NOT_FOUND
    for kind, fields in (
        ("breakout.create", {"titles": ["Mine"]}),
        ("breakout.close", {}),
        ("breakout.announce", {"text": "Hi"}),
    ):
        assert await code_of(red.request(kind, **fields)) == ErrorCode.UNAUTHORIZED


async def test_a_pipeline_that_crosses_a_move_publishes_nothing_in_the_new_room(walls: Walls) -> None:
    red = walls.people["red"]
    await red.request("unpublish", track_id=walls.tracks["red"])
    moving = walls.people["host"].post("breakout.manage", participant_id=walls.ids["red"], breakout_id=walls.rooms[1])
    await asyncio.wait_for(moving, 10)
    crossing = [
        red.post("audio.publish", mid="0"),
        red.post("publisher.offer", sdp=offer("audio")),
        red.post("subscriber.answer", revision=1, sdp=offer("audio")),
    ]
    answers = await asyncio.gather(*crossing)
    assert {answer.get("code") for answer in answers} == {ErrorCode.CONFLICT}
    assert not [event for event in walls.people["blue"].events if event["type"] == "track.published"][1:]


async def test_an_encoder_stays_in_the_main_room_and_is_heard_there_alone(walls: Walls) -> None:
    live = walls.live
    headers = {
        "Authorization": f"Bearer {live.invite(walls.meeting_id, Role.PARTICIPANT)}",
        "Content-Type": "application/sdp",
    }
    async with live.http.post(f"{live.url}/whip/{walls.meeting_id}", data=offer("audio"), headers=headers) as response:
        assert response.status == 201, await response.text()
    published = await walls.people["main"].event(
        "track.published", lambda event: event["track"]["track_id"] not in walls.tracks.values()
    )
    encoder, track_id = published["track"]["participant_id"], published["track"]["track_id"]
    host, red = walls.people["host"], walls.people["red"]
    refused = host.request("breakout.manage", participant_id=encoder, breakout_id=walls.rooms[0])
    assert await code_of(refused) == ErrorCode.FORBIDDEN
    assert await code_of(red.request("subscribe", track_ids=[track_id])) == ErrorCode.NOT_FOUND
    assert encoder not in str(red.events[-20:])


async def test_a_player_without_signaling_gets_the_tracks_of_the_main_room_alone(walls: Walls) -> None:
    live = walls.live
    headers = {"Authorization": f"Bearer {live.invite(walls.meeting_id, Role.VIEWER)}", "Content-Type": "application/sdp"}
    playing = offer("audio", "audio", "audio", "audio", direction="recvonly")
    async with live.http.post(f"{live.url}/whep/{walls.meeting_id}", data=playing, headers=headers) as response:
        assert response.status == 201, await response.text()
    (queue,) = live.server.hub._greeter.queues.values()
    meeting = queue.meeting
    (player,) = [seat for seat in meeting.participants.values() if seat.headless]
    shown = {track_id for _, track_id in meeting.main.media.slots(player.participant_id) if track_id is not None}
    assert shown <= {walls.tracks["host"], walls.tracks["main"]}
    assert player.breakout_id is None


async def test_hosts_and_co_hosts_moderate_over_the_walls(walls: Walls) -> None:
    helper = await walls.join("helper", Role.CO_HOST)
    await helper.request("participant.mute", participant_id=walls.ids["blue"], hard=True)
    blue = walls.people["blue"]
    await blue.event("track.changed", lambda event: bool(event["track"]["muted"]))
    assert await code_of(blue.request("audio.mute", track_id=walls.tracks["blue"], muted=False)) == ErrorCode.FORBIDDEN
    await walls.people["host"].request("participant.remove", participant_id=walls.ids["red"])
    await walls.people["red"].event("closing", lambda event: event["code"] == "removed")
    changed = await helper.event("breakouts.changed", lambda event: event["breakouts"][0]["participants"] == 0)
    assert [info["participants"] for info in changed["breakouts"]] == [0, 1]


async def test_a_resumed_session_is_in_its_room_and_sees_nothing_but_it(walls: Walls) -> None:
    seat = await Signaling.connect(walls.live.signaling, walls.live.tls)
    welcome = await seat.hello(walls.live.invite(walls.meeting_id, Role.PARTICIPANT))
    joined = await seat.request("join", display_name="Back", auto_subscribe=False)
    walls.people["back"], walls.ids["back"] = seat, joined["participant_id"]
    await walls.move("back", walls.rooms[0])
    await seat.close()
    again = await Signaling.connect(walls.live.signaling, walls.live.tls)
    try:
        resume = {"session_id": welcome["session_id"], "resume_token": welcome["resume_token"]}
        resumed = await again.request("hello", protocol=1, resume=resume)
        snapshot = resumed["snapshot"]
        assert (snapshot["breakout_id"], snapshot["moves"]) == (walls.rooms[0], 1)
        assert {info["participant_id"] for info in snapshot["participants"]} == {walls.ids["red"], walls.ids["back"]}
        assert [track["track_id"] for track in snapshot["tracks"]] == [walls.tracks["red"]]
    finally:
        await again.close()
