"""What browser pages do in a meeting, and what they see and hear of whom."""

import json
from typing import NamedTuple

from tests.support.pages import BROWSER_TESTS, BrowserPage
from tests.support.server import ConclaveServer
from tests.support.wait import until

TEST_PAGES = str(BROWSER_TESTS / "pages")
MEETING = "m00000000000test"


_FILL_AND_JOIN = """(() => {
  const field = document.querySelector("#display-name");
  field.value = %s;
  field.dispatchEvent(new Event("input"));
  document.querySelector("#join").click();
})()"""


class Perception(NamedTuple):
    """What a page got of one participant so far, by source of the track."""

    camera_frames: int
    screen_frames: int
    audio_energy: float


async def enter(
    page: BrowserPage,
    server: ConclaveServer,
    token: str,
    name: str,
    *,
    create: str | None = None,
    publish: bool = True,
    width: int = 640,
    height: int = 360,
) -> str:
    """Join with the test page (pages/participant.js) and return the participant's id."""
    await page.goto(f"{server.url}/")
    await until(lambda: page.evaluate("typeof window.participant"), lambda kind: kind == "object", f"{name}'s page is loaded")
    video = {"width": width, "height": height, "frameRate": 20}
    options = json.dumps({"token": token, "name": name, "create": create, "publish": publish, "video": video})
    participant_id = await page.evaluate(f"window.participant.join({options})")
    assert isinstance(participant_id, str)
    return participant_id


async def enter_client(page: BrowserPage, server: ConclaveServer, token: str, name: str) -> str:
    """Join with the product's web client, as a person does with an invitation link; return the participant's id.

    A host's invitation opens the meeting.
    """
    await page.goto(f"{server.url}/#{token}")
    await until(
        lambda: page.evaluate(
            "({phase: window.conclave?.state().phase, connection: window.conclave?.state().connection,"
            " camera: document.querySelector('.preview-picture video')?.videoWidth ?? 0})"
        ),
        lambda seen: seen["phase"] == "preview" and seen["connection"] == "online" and seen["camera"] > 0,
        f"{name} sees the preview with a picture",
    )
    await page.evaluate(_FILL_AND_JOIN % json.dumps(name))
    state = await until(
        lambda: page.evaluate("(({phase, self}) => ({phase, self}))(window.conclave.state())"),
        lambda seen: seen["phase"] == "meeting" and bool(seen["self"]["participant_id"]),
        f"{name} is in the meeting",
    )
    return str(state["self"]["participant_id"])


async def share_screen(page: BrowserPage) -> None:
    """Share the screen with the button of the web client."""
    await page.evaluate("document.querySelector('#control-screen').click()")


async def perceived(page: BrowserPage) -> dict[str, Perception]:
    """Return what the page decoded of each participant, counted by the browser itself."""
    state = await page.evaluate("(({slots, tracks, self}) => ({slots, tracks, self}))(window.conclave.state())")
    streams = {stream["mid"]: stream for stream in await page.evaluate("window.watch.inbound()") if "mid" in stream}
    found: dict[str, Perception] = {}
    for mid, track_id in state["slots"].items():
        track, stream = state["tracks"].get(track_id), streams.get(mid)
        if track is None or stream is None:
            continue
        before = found.get(track["participant_id"], Perception(0, 0, 0.0))
        frames = stream.get("framesDecoded") or 0
        found[track["participant_id"]] = Perception(
            before.camera_frames + (frames if track["source"] == "camera" else 0),
            before.screen_frames + (frames if track["source"] == "screen" else 0),
            before.audio_energy + (stream.get("totalAudioEnergy") or 0.0 if track["kind"] == "audio" else 0.0),
        )
    return found


async def sees_and_hears(page: BrowserPage, others: set[str], within_s: float = 40) -> None:
    """Wait until pictures and sound of each of `others` keep growing on `page`."""
    first = await until(
        lambda: perceived(page),
        lambda seen: all(seen.get(other) and seen[other].camera_frames and seen[other].audio_energy for other in others),
        f"{page.name} sees and hears {len(others)} others",
        within_s,
    )
    await until(
        lambda: perceived(page),
        lambda seen: all(
            seen[other].camera_frames >= first[other].camera_frames + 10 and seen[other].audio_energy > first[other].audio_energy
            for other in others
        ),
        f"the pictures and sounds on {page.name} keep growing from {first}",
        within_s,
    )


async def sees_screen(page: BrowserPage, sharer: str, within_s: float = 40) -> None:
    """Wait until the shared screen of `sharer` was decoded on `page`."""
    await until(
        lambda: perceived(page),
        lambda seen: sharer in seen and seen[sharer].screen_frames >= 3,
        f"{page.name} sees the screen of {sharer}",
        within_s,
    )
