"""A recording of three real browsers: plays, is in step, is silent about who did not agree, survives a kill, needs the key."""

import asyncio
import base64
import json
import os
import shutil
from pathlib import Path

import pytest
from tests.support.pages import BrowserPage, Browsers, chromium_obstacle, firefox_obstacle
from tests.support.recordings import FLASH_AND_BEEP, beeps, fetch, ffmpeg_obstacle, flashes, offsets_ms, probe
from tests.support.rooms import MEETING, TEST_PAGES, enter
from tests.support.server import ConclaveServer
from tests.support.wait import until

from conclave.cli.recordings import export_recording
from conclave.config.settings import Settings, StateSettings
from conclave.model.errors import ConclaveError

_OBSTACLE = chromium_obstacle() or firefox_obstacle() or ffmpeg_obstacle()
SECONDS = float(os.environ.get("CONCLAVE_RECORDING_SECONDS", "12"))
"""How long the recordings are; `make recording-proof` asks for a minute."""

MAX_OFFSET_MS = 80
MAX_LOST_S = 2.0

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(120 + 3 * int(SECONDS)),
    pytest.mark.skipif(_OBSTACLE is not None, reason=str(_OBSTACLE)),
    pytest.mark.server_settings({"client.directory": TEST_PAGES}),
]

PLAY = """(async () => {
  const video = document.createElement("video");
  video.muted = true;
  document.body.append(video);
  const bytes = Uint8Array.from(atob("%s"), (character) => character.charCodeAt(0));
  video.src = URL.createObjectURL(new Blob([bytes], { type: "video/webm" }));
  await new Promise((done, failed) => {
    video.onloadeddata = done;
    video.onerror = () => failed(new Error(video.error.message));
  });
  video.playbackRate = 4;
  await video.play();
  await new Promise((done) => setTimeout(done, 1500));
  const { totalVideoFrames } = video.getVideoPlaybackQuality();
  return { duration: video.duration, width: video.videoWidth, at: video.currentTime, frames: totalVideoFrames };
})()"""


async def sit(page: BrowserPage, server: ConclaveServer, role: str, *, flashing: bool, create: str | None = None) -> str:
    """Enter the meeting, with flashes and beeps for devices or with the browser's fake ones; return the participant's id."""
    token = await server.invite(MEETING, role)
    if flashing:
        await page.page.add_init_script(FLASH_AND_BEEP)  # type: ignore[attr-defined]
    return await enter(page, server, token, page.name, create=create, width=320, height=180)


async def ask(page: BrowserPage, kind: str, **fields: object) -> dict[str, str]:
    answer: dict[str, str] = await page.evaluate(f"window.participant.request({json.dumps(kind)}, {json.dumps(fields)})")
    return answer


async def three(server: ConclaveServer, browsers: Browsers) -> dict[str, tuple[BrowserPage, str]]:
    """Ada is the host; bob and fox are participants."""
    chromium = await browsers.chromium()
    ada = await browsers.open(chromium, "ada")
    bob = await browsers.open(await browsers.chromium(), "bob")
    fox = await browsers.open(await browsers.firefox(), "fox")
    return {
        "ada": (ada, await sit(ada, server, "host", flashing=True, create="Recorded")),
        "bob": (bob, await sit(bob, server, "participant", flashing=False)),
        "fox": (fox, await sit(fox, server, "participant", flashing=False)),
    }


async def recorded_by(page: BrowserPage) -> set[str]:
    participants = await page.evaluate("window.conclave.state().participants")
    return {participant_id for participant_id, info in participants.items() if info.get("recorded")}


async def test_three_browsers_are_recorded_as_far_as_they_agree(
    server: ConclaveServer, browsers: Browsers, tmp_path: Path
) -> None:
    room = await three(server, browsers)
    (ada, ada_id), (bob, bob_id), (fox, fox_id) = room["ada"], room["bob"], room["fox"]
    recording_id = (await ask(ada, "recording.start"))["recording_id"]
    await ask(fox, "recording.consent", granted=True)
    await ask(bob, "recording.consent", granted=False)
    for page in (ada, bob, fox):
        await until(
            lambda page=page: recorded_by(page), lambda seen: seen == {ada_id, fox_id}, f"{page.name} sees who is recorded"
        )
    await asyncio.sleep(SECONDS)
    await ask(ada, "recording.stop")
    for page in (ada, bob, fox):
        await until(lambda page=page: recorded_by(page), lambda seen: not seen, f"{page.name} sees that nobody is recorded")

    host = await server.invite(MEETING, "host")
    status, body = await fetch(server, host, f"/api/v1/recordings/{recording_id}")
    contents = json.loads(body)
    assert status == 200
    assert set(contents["participants"]) == {ada_id, fox_id}
    assert {(file["participant_id"], file["source"]) for file in contents["files"]} == {
        (who, source) for who in (ada_id, fox_id) for source in ("camera", "microphone")
    }
    assert (await fetch(server, host, f"/api/v1/recordings/{recording_id}/{bob_id}.webm"))[0] == 404
    assert (await fetch(server, host, f"/api/v1/recordings/{recording_id}/speakers.json"))[0] == 200
    guest = await server.invite(MEETING, "participant")
    assert (await fetch(server, guest, f"/api/v1/recordings/{recording_id}/{ada_id}.webm"))[0] == 403

    files = {}
    for name, participant_id in (("ada", ada_id), ("fox", fox_id)):
        status, body = await fetch(server, host, f"/api/v1/recordings/{recording_id}/{participant_id}.webm")
        assert status == 200
        files[name] = tmp_path / f"{name}.webm"
        files[name].write_bytes(body)
        found = await probe(files[name])
        assert sorted(stream["codec_type"] for stream in found["streams"]) == ["audio", "video"]
        assert SECONDS - 1.5 <= float(found["format"]["duration"]) <= SECONDS + 3
        frames = {stream["codec_type"]: int(stream["nb_read_frames"]) for stream in found["streams"]}
        assert frames["video"] >= 5 * (SECONDS - 2)
        assert frames["audio"] >= 45 * (SECONDS - 2)
        played = await ada.evaluate(PLAY % base64.b64encode(body).decode())
        print(f"{name}: {float(found['format']['duration']):.2f} s, {frames} frames, in Chromium {played}")
        assert played["duration"] == pytest.approx(float(found["format"]["duration"]), abs=0.2)
        assert played["frames"] > 5
        assert played["width"] > 0

    offsets = offsets_ms(await flashes(files["ada"]), await beeps(files["ada"]))
    print(f"picture after sound by {[round(offset) for offset in offsets]} ms")
    assert len(offsets) >= SECONDS - 3
    assert max(map(abs, offsets)) < MAX_OFFSET_MS


async def test_a_killed_server_leaves_all_but_the_last_two_seconds_and_nothing_without_the_key(
    browsers: Browsers, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    server = await ConclaveServer.start(tmp_path, settings={"client.directory": TEST_PAGES})
    try:
        ada = await browsers.open(await browsers.chromium(), "ada")
        ada_id = await sit(ada, server, "host", flashing=True, create="Killed")
        recording_id = (await ask(ada, "recording.start"))["recording_id"]
        await asyncio.sleep(SECONDS / 2)
    finally:
        await server.kill()
    settings = Settings(state=StateSettings(directory=str(state)))
    export_recording(settings, recording_id, tmp_path / "out")
    found = await probe(tmp_path / "out" / f"{ada_id}.webm")
    print(f"after a kill at {SECONDS / 2} s: {found['format']['duration']} s readable")
    assert float(found["format"]["duration"]) >= SECONDS / 2 - MAX_LOST_S
    assert len(await beeps(tmp_path / "out" / f"{ada_id}.webm")) >= SECONDS / 2 - MAX_LOST_S - 1

    sealed = b"".join(path.read_bytes() for path in (state / "recordings").rglob("*") if path.is_file())
    plain = (tmp_path / "out" / f"{ada_id}.webm").read_bytes()
    for known in (b"OpusHead", b"V_VP8", b"webm", ada_id.encode(), b"Killed", plain[-64:]):
        assert known not in sealed
    shutil.move(state / "recordings.key", tmp_path / "elsewhere.key")
    with pytest.raises(ConclaveError):
        export_recording(settings, recording_id, tmp_path / "nothing")
