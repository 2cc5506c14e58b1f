from pathlib import Path

from tests.support.live import Live, Starter
from tests.support.shelves import put_recording
from tests.support.tapped import ANN, AUDIO_SPEC, ONE

from conclave.model.ids import MeetingId
from conclave.model.roles import Role

MEETING = MeetingId("m" * 16)


def state_of(live: Live) -> Path:
    return Path(live.server.settings.state.directory)


async def get(live: Live, path: str, token: str) -> tuple[int, str, bytes]:
    headers = {"Authorization": f"Bearer {token}"}
    async with live.http.get(f"{live.url}/api/v1/recordings/{path}", headers=headers) as response:
        return response.status, response.content_type, await response.read()


async def test_a_host_reads_what_there_is_and_every_file_of_it(start: Starter) -> None:
    live = await start()
    put_recording(state_of(live), MEETING)
    token = live.invite(MEETING)
    status, kind, body = await get(live, ONE, token)
    assert (status, kind) == (200, "application/json")
    assert AUDIO_SPEC.track_id.encode() in body
    status, kind, body = await get(live, f"{ONE}/{ANN}.webm", token)
    assert (status, kind) == (200, "video/webm")
    assert b"V_VP8" in body
    assert (await get(live, f"{ONE}/speakers.json", token))[:2] == (200, "application/json")


async def test_each_access_is_recorded_without_the_name_of_a_file(start: Starter) -> None:
    live = await start()
    put_recording(state_of(live), MEETING)
    await get(live, f"{ONE}/{ANN}.webm", live.invite(MEETING))
    audit = (state_of(live) / "audit.jsonl").read_text()
    assert '"recording_downloaded"' in audit
    assert ANN not in audit


async def test_a_damaged_file_ends_in_an_error_before_or_a_broken_connection_behind_its_head(start: Starter) -> None:
    live = await start()
    put_recording(state_of(live), MEETING)
    path = state_of(live) / "recordings" / ONE / f"{AUDIO_SPEC.track_id}-0"
    path.write_bytes(path.read_bytes()[:-5])
    status, _, _ = await get(live, f"{ONE}/{ANN}.webm", live.invite(MEETING))
    assert status == 503


async def test_who_lacks_the_permission_is_told_so(start: Starter) -> None:
    live = await start()
    put_recording(state_of(live), MEETING)
    for role in (Role.CO_HOST, Role.PARTICIPANT, Role.VIEWER):
        assert (await get(live, ONE, live.invite(MEETING, role)))[0] == 403
