"""A NAT gives a browser other ports in the middle of a meeting: the media follows both ways, after a proof by the browser."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.support.lossy import SERVER_ADDRESS, LossyLink, lossy_link
from tests.support.netns import obstacle
from tests.support.pages import Browsers, chromium_obstacle, firefox_obstacle
from tests.support.rooms import MEETING, enter_client, sees_and_hears
from tests.support.server import serving
from tests.support.wait import until
from tests.support.wrtc_client import WrtcClient

_OBSTACLE = chromium_obstacle() or firefox_obstacle() or obstacle()

pytestmark = [
    pytest.mark.browser,
    pytest.mark.netns,
    pytest.mark.timeout(240),
    pytest.mark.skipif(_OBSTACLE is not None, reason=str(_OBSTACLE)),
]

PORT_SHIFT = 1000


@pytest.fixture
async def link() -> AsyncIterator[LossyLink]:
    async with lossy_link(seed=4) as opened:
        await opened.impair(round_trip_ms=20)
        yield opened


@pytest.mark.parametrize("kind", ["chromium", "firefox"])
async def test_a_browser_behind_a_nat_that_changed_its_ports_is_seen_and_sees(
    link: LossyLink, tmp_path: Path, request: pytest.FixtureRequest, kind: str
) -> None:
    browsers = Browsers()
    try:
        with link.server.entered():
            async with serving(tmp_path, SERVER_ADDRESS) as server:
                with link.clients.entered():
                    browser = await (browsers.chromium() if kind == "chromium" else browsers.firefox())
                    page = await browsers.open(browser, kind)
                await enter_client(page, server, await server.invite(MEETING, "host"), kind)
                beside = await WrtcClient.join(server, await server.invite(MEETING, "participant"), "beside the server")
                try:
                    await beside.publish(320, 240, 30)
                    for shift in (0, PORT_SHIFT):
                        await link.rebind(shift)
                        before = (await beside.received())[1]
                        await sees_and_hears(page, {beside.participant_id})
                        await until(
                            beside.received, lambda seen, before=before: seen[1] > before + 90, f"{kind} is seen, shift {shift}"
                        )
                    assert len(await page.evaluate("window.watch.summary()")) == 2, "no connection was made anew"
                except BaseException:
                    print(await browsers.diagnose(request.node.name), server.tail(), sep="\n")
                    raise
                finally:
                    await beside.close()
    finally:
        await browsers.close()
