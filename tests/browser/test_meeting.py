"""A meeting of real browsers with the product's web client: two Chromiums, a Firefox, and a fourth who comes late."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio
from tests.support.fixtures import failed
from tests.support.netns import EXTRA_ADDRESS, NetworkNamespace, obstacle
from tests.support.pages import BrowserPage, Browsers, chromium_obstacle, firefox_obstacle
from tests.support.rooms import MEETING, enter_client, perceived, sees_and_hears, sees_screen, share_screen
from tests.support.server import ConclaveServer, serving
from tests.support.wait import until

_OBSTACLE = chromium_obstacle() or firefox_obstacle() or obstacle()

pytestmark = [
    pytest.mark.browser,
    pytest.mark.netns,
    pytest.mark.timeout(300),
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(_OBSTACLE is not None, reason=str(_OBSTACLE)),
]

PICTURE_WITHIN_MS = 1_000
"""The demand on the product, measured in the page from "connected" to the first decoded frame."""


class Room:
    """The server, the browsers, and who is in the meeting."""

    def __init__(self, server: ConclaveServer, browsers: Browsers) -> None:
        self.server = server
        self.browsers = browsers
        self.present: dict[str, BrowserPage] = {}

    async def admit(self, page: BrowserPage, role: str) -> str:
        token = await self.server.invite(MEETING, role)
        participant_id = await enter_client(page, self.server, token, page.name)
        self.present[participant_id] = page
        return participant_id

    def others(self, participant_id: str) -> set[str]:
        return set(self.present) - {participant_id}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def room(network: NetworkNamespace | None, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Room]:
    directory: Path = tmp_path_factory.mktemp("meeting")
    async with serving(directory, media_host=EXTRA_ADDRESS) as server, AsyncExitStack() as stack:
        browsers = Browsers()
        stack.push_async_callback(browsers.close)
        opened = Room(server, browsers)
        await opened.admit(await browsers.open(await browsers.chromium(), "ada"), "host")
        await opened.admit(await browsers.open(await browsers.chromium(), "bob"), "participant")
        await opened.admit(await browsers.open(await browsers.firefox(), "fox"), "participant")
        yield opened


@pytest_asyncio.fixture(loop_scope="module", autouse=True)
async def show_on_failure(room: Room, request: pytest.FixtureRequest) -> AsyncIterator[None]:
    yield
    if failed(request):
        print(await room.browsers.diagnose(request.node.name))
        print(room.server.tail())


async def test_two_chromiums_and_a_firefox_each_see_and_hear_the_other_two(room: Room) -> None:
    for participant_id, page in room.present.items():
        await sees_and_hears(page, room.others(participant_id))
    for page in room.present.values():
        await page.screenshot(f"meeting-{page.name}.png")


async def test_one_who_joins_late_gets_a_picture_within_a_second(room: Room) -> None:
    page = await room.browsers.open(await room.browsers.chromium(), "eve")
    participant_id = await room.admit(page, "participant")
    await sees_and_hears(page, room.others(participant_id))
    summary = await until(
        lambda: page.evaluate("window.watch.summary()"),
        lambda seen: any(connection["firstPicture"] for connection in seen),
        "a picture",
    )
    late = next(connection for connection in summary if connection["firstPicture"])
    delay_ms = late["firstPicture"] - late["connected"]
    print(f"first decoded picture {delay_ms:.0f} ms after the subscriber connected")
    await page.screenshot("meeting-late.png")
    assert delay_ms <= PICTURE_WITHIN_MS


async def test_a_shared_screen_is_seen_by_all(room: Room) -> None:
    sharer = next(iter(room.present))
    await share_screen(room.present[sharer])
    for other in room.others(sharer):
        await sees_screen(room.present[other], sharer)
        await room.present[other].screenshot(f"meeting-screen-{room.present[other].name}.png")


async def test_one_who_leaves_disappears_from_every_page(room: Room) -> None:
    leaver, page = next((key, page) for key, page in reversed(room.present.items()))
    del room.present[leaver]
    await page.evaluate("window.conclave.leave()")
    for other in room.present.values():
        await until(
            lambda page=other: page.evaluate("Object.keys(window.conclave.state().participants)"),
            lambda seen: leaver not in seen,
            f"{other.name} no longer lists the one who left",
        )
        assert leaver not in await perceived(other)
