"""Recordings of others: by guessing, by another meeting's invitation, by paths, without a token."""

import time
from pathlib import Path

import pytest
from tests.support.live import Live, Starter, ask, hello, open_meeting
from tests.support.shelves import put_recording
from tests.support.tapped import ANN, ONE

from conclave.model.ids import MeetingId
from conclave.model.roles import Role

MEETING = MeetingId("m" * 16)


async def status(live: Live, path: str, token: str | None) -> int:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    async with live.http.get(f"{live.url}/api/v1/recordings/{path}", headers=headers) as response:
        await response.read()
        return response.status


async def recorded(start: Starter) -> Live:
    live = await start()
    put_recording(Path(live.server.settings.state.directory), MEETING)
    return live


@pytest.mark.parametrize("path", [ONE, f"{ONE}/{ANN}.webm", f"{ONE}/speakers.json", "q" * 16])
async def test_without_a_good_token_nothing_is_said(start: Starter, path: str) -> None:
    live = await recorded(start)
    for token in (None, "eyJhbGciOiJub25lIn0.e30.", "x" * 40):
        assert await status(live, path, token) in (401, 403)


@pytest.mark.parametrize("path", [ONE, f"{ONE}/{ANN}.webm"])
async def test_a_host_of_another_meeting_cannot_tell_that_a_recording_exists(start: Starter, path: str) -> None:
    live = await recorded(start)
    foreign = live.invite(live.new_meeting())
    assert await status(live, path, foreign) == 404
    assert await status(live, path.replace("r", "q"), foreign) == 404


@pytest.mark.parametrize(
    "path", ["..%2frecordings.key", f"{ONE}%2fmanifest", f"{ONE}/manifest", f"{ONE}/..%2f..%2frecordings.key", f"{ONE}/"]
)
async def test_no_path_leads_out_of_the_files_of_a_recording(start: Starter, path: str) -> None:
    live = await recorded(start)
    assert await status(live, path, live.invite(MEETING)) == 404


async def test_an_invitation_that_was_revoked_reads_nothing_more(start: Starter) -> None:
    live = await recorded(start)
    token = live.invite(MEETING)
    assert await status(live, ONE, token) == 200
    claims = live.server.invitations.verify(token, time.time())
    live.server.invitations.revocations.add(claims.jti, claims.exp, time.time())
    assert await status(live, ONE, token) in (401, 403)


@pytest.mark.parametrize("removed", [False, True])
async def test_a_host_who_was_demoted_or_removed_reads_nothing_more(start: Starter, removed: bool) -> None:
    live = await recorded(start)
    host = await open_meeting(live, MEETING)
    other = await live.connect()
    token = live.invite(MEETING)
    await hello(other, token)
    joined = await ask(other, 2, "join", display_name="Mallory")
    assert await status(live, ONE, token) == 200
    whom = {"participant_id": joined["result"]["participant_id"]}
    if removed:
        await ask(host, 10, "participant.remove", **whom)
    else:
        await ask(host, 10, "participant.set_role", role="viewer", **whom)
    assert await status(live, ONE, token) == 403
    assert await status(live, ONE, live.invite(MEETING)) == 200
    assert '"message":"recording.download"' in (Path(live.server.settings.state.directory) / "audit.jsonl").read_text()
    await ask(host, 11, "meeting.end")
    assert await status(live, ONE, token) == 403
    for socket in (host, other):
        await socket.close()
    assert await status(live, ONE, token) == 403


async def test_no_message_puts_another_into_a_recording(start: Starter) -> None:
    live = await start()
    meeting_id = live.new_meeting()
    host = await open_meeting(live, meeting_id)
    guest = await live.connect()
    await hello(guest, live.invite(meeting_id, Role.PARTICIPANT))
    joined = await ask(guest, 2, "join", display_name="Guest")
    await ask(host, 10, "recording.start")
    for fields in ({"granted": True, "participant_id": joined["result"]["participant_id"]}, {"granted": 1}, {}):
        assert (await ask(host, 11, "recording.consent", **fields))["code"] == "invalid"
    for kind in ("recording.start", "recording.stop"):
        assert (await ask(guest, 3, kind))["code"] == "unauthorized"
    late = await live.connect()
    await hello(late, live.invite(meeting_id, Role.VIEWER))
    snapshot = (await ask(late, 2, "join", display_name="Late"))["result"]["snapshot"]
    assert snapshot["recording"]["state"] == "recording"
    recorded_ones = {person["display_name"] for person in snapshot["participants"] if person["recorded"]}
    assert recorded_ones == {"Host"}
    for socket in (host, guest, late):
        await socket.close()
