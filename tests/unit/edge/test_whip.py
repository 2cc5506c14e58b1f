import re
from typing import Any

import aiohttp
import pytest
from tests.support.live import Live, Starter, ask, open_meeting
from tests.support.offers import offer

from conclave.model.roles import Role

SDP = "application/sdp"
FRAGMENT = "application/trickle-ice-sdpfrag"
RESTART = "a=ice-ufrag:wxyz\r\na=ice-pwd:0123456789abcdefghijkl\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n"


class Endpoint:
    """A WHIP or WHEP endpoint of an open meeting, with the host's socket to watch it."""

    def __init__(self, live: Live, kind: str, meeting_id: str, token: str, host: aiohttp.ClientWebSocketResponse) -> None:
        self.live = live
        self.url = f"{live.url}/{kind}/{meeting_id}"
        self.headers = {"Authorization": f"Bearer {token}"}
        self.host = host

    async def post(self, body: str, **headers: str) -> aiohttp.ClientResponse:
        return await self.live.http.post(self.url, data=body, headers={"Content-Type": SDP} | self.headers | headers)

    async def patch(self, location: str, body: str, **headers: str) -> aiohttp.ClientResponse:
        given = {"Content-Type": FRAGMENT} | self.headers | {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.live.http.patch(self.live.url + location, data=body, headers=given)

    async def delete(self, location: str, **headers: str) -> aiohttp.ClientResponse:
        return await self.live.http.delete(self.live.url + location, headers=self.headers | headers)


async def endpoint(start: Starter, kind: str = "whip", role: Role = Role.PARTICIPANT, changes: Any = None) -> Endpoint:
    live = await start(changes)
    meeting_id = live.new_meeting()
    host = await open_meeting(live, meeting_id)
    return Endpoint(live, kind, meeting_id, live.invite(meeting_id, role), host)


async def test_an_offer_makes_a_resource_with_location_etag_and_answer(start: Starter) -> None:
    whip = await endpoint(start)
    response = await whip.post(offer("audio", "video"))
    answer = await response.text()
    assert response.status == 201
    assert response.content_type == SDP
    assert response.headers["Location"].startswith("/whip/")
    assert response.headers["ETag"].startswith('"')
    assert "a=ice-lite" in answer
    assert "a=setup:passive" in answer


async def test_turn_servers_are_told_in_a_link_each(start: Starter) -> None:
    turn = {"urls": ("turn:turn.example:3478?transport=udp", "turns:turn.example"), "secret": "s" * 32}
    whip = await endpoint(start, changes={"turn": turn})
    links = (await whip.post(offer("audio"))).headers.getall("Link")
    assert [link.partition(";")[0] for link in links] == [f"<{url}>" for url in turn["urls"]]
    for link in links:
        assert re.search(
            r'>; rel="ice-server"; username="[0-9]+:[\w-]{16}"; credential="[\w+/]{27}="; credential-type="password"$', link
        )


async def test_a_rejected_section_declares_no_track(start: Starter) -> None:
    whip = await endpoint(start)
    rejected = offer("audio").replace("m=audio 9 ", "m=audio 0 ")
    response = await whip.post(rejected)
    assert (response.status, (await response.json())["detail"]) == (400, "the offer sends nothing")


async def test_without_turn_servers_there_is_no_link(start: Starter) -> None:
    whip = await endpoint(start)
    assert "Link" not in (await whip.post(offer("audio"))).headers


async def test_the_meeting_sees_the_encoder_come_and_go(start: Starter) -> None:
    whip = await endpoint(start)
    location = (await whip.post(offer("audio"))).headers["Location"]
    events = [(await whip.host.receive_json(timeout=5))["type"]]
    assert (await whip.delete(location)).status == 200
    while "participant.left" not in events:
        events.append((await whip.host.receive_json(timeout=5))["type"])
    assert events[0] == "participant.joined"
    assert (await whip.delete(location)).status == 404


async def test_a_player_receives_by_whep(start: Starter) -> None:
    whep = await endpoint(start, "whep", Role.VIEWER)
    response = await whep.post(offer("audio", "video", direction="recvonly"))
    assert response.status == 201, await response.text()
    assert response.headers["Location"].startswith("/whep/")
    assert (await whep.delete(response.headers["Location"])).status == 200


async def test_a_viewer_cannot_publish_by_whip(start: Starter) -> None:
    whip = await endpoint(start, role=Role.VIEWER)
    response = await whip.post(offer("video"))
    assert response.status == 403
    assert (await response.json(content_type="application/problem+json"))["code"] == "unauthorized"


@pytest.mark.parametrize("token", ["", "nonsense", "eyJhbGciOiJub25lIn0.e30."])
async def test_a_bad_invitation_is_a_401_with_a_challenge(start: Starter, token: str) -> None:
    whip = await endpoint(start)
    response = await whip.post(offer("audio"), Authorization=f"Bearer {token}")
    assert response.status == 401
    assert "Bearer" in response.headers["WWW-Authenticate"]


async def test_an_invitation_to_another_meeting_does_not_open_this_one(start: Starter) -> None:
    whip = await endpoint(start)
    other = whip.live.invite(whip.live.new_meeting())
    assert (await whip.post(offer("audio"), Authorization=f"Bearer {other}")).status == 404


@pytest.mark.parametrize(
    ("body", "status"), [("nonsense", 400), (offer("audio", direction="recvonly"), 400), ("x" * 70_000, 413)]
)
async def test_a_body_that_is_no_offer_is_refused(start: Starter, body: str, status: int) -> None:
    whip = await endpoint(start)
    assert (await whip.post(body)).status == status


async def test_another_content_type_and_an_encoded_body_are_415(start: Starter) -> None:
    whip = await endpoint(start)
    headers = {"Content-Type": "text/plain"} | whip.headers
    assert (await whip.live.http.post(whip.url, data="x", headers=headers)).status == 415
    encoded = {"Content-Type": SDP, "Content-Encoding": "gzip"} | whip.headers
    assert (await whip.live.http.post(whip.url, data=b"x", headers=encoded)).status == 415


async def test_trickled_candidates_are_taken_with_the_right_etag_only(start: Starter) -> None:
    whip = await endpoint(start)
    response = await whip.post(offer("audio"))
    location, etag = response.headers["Location"], response.headers["ETag"]
    candidates = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=end-of-candidates\r\n"
    assert (await whip.patch(location, candidates, If_Match=etag)).status == 204
    assert (await whip.patch(location, candidates)).status == 428
    assert (await whip.patch(location, candidates, If_Match='"other"')).status == 412


async def test_an_ice_restart_answers_new_credentials_and_a_new_etag(start: Starter) -> None:
    whip = await endpoint(start)
    response = await whip.post(offer("audio"))
    location, etag, answer = response.headers["Location"], response.headers["ETag"], await response.text()
    restarted = await whip.patch(location, RESTART, If_Match="*")
    fragment = await restarted.text()
    assert restarted.status == 200, fragment
    assert restarted.content_type == FRAGMENT
    assert restarted.headers["ETag"] != etag
    ufrag = next(line for line in fragment.splitlines() if line.startswith("a=ice-ufrag:"))
    assert ufrag not in answer
    assert (await whip.patch(location, RESTART, If_Match=etag)).status == 412


async def test_a_resource_belongs_to_the_token_that_made_it(start: Starter) -> None:
    whip = await endpoint(start)
    location = (await whip.post(offer("audio"))).headers["Location"]
    meeting_id = location.split("/")[2]
    other = whip.live.invite(meeting_id)  # type: ignore[arg-type]
    assert (await whip.delete(location, Authorization=f"Bearer {other}")).status == 404
    assert (await whip.delete(location.replace("whip", "whep"))).status == 404
    assert (await whip.delete(location)).status == 200


async def test_options_say_what_may_be_posted_and_who_may_come(start: Starter) -> None:
    whip = await endpoint(start, changes={"security": {"allowed_origins": ["https://meet.example"]}})
    async with whip.live.http.options(whip.url, headers={"Origin": "https://meet.example"}) as response:
        assert response.status == 204
        assert response.headers["Accept-Post"] == SDP
        assert response.headers["Access-Control-Allow-Origin"] == "https://meet.example"
        assert "Authorization" in response.headers["Access-Control-Allow-Headers"]
    async with whip.live.http.options(whip.url, headers={"Origin": "https://evil.example"}) as response:
        assert response.status == 403
        assert "Access-Control-Allow-Origin" not in response.headers


async def test_get_is_not_offered_on_a_resource(start: Starter) -> None:
    whip = await endpoint(start)
    async with whip.live.http.get(f"{whip.url}/x") as response:
        assert response.status in (404, 405)


async def test_the_end_of_the_meeting_ends_the_resource(start: Starter) -> None:
    whip = await endpoint(start)
    location = (await whip.post(offer("audio"))).headers["Location"]
    await ask(whip.host, 9, "meeting.end")
    assert (await whip.delete(location)).status in (200, 403, 404)
