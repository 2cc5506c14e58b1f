"""A network that lets no UDP through: Chromium takes the server's TCP candidate (RFC 6544) and the meeting works."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.netns import NetworkNamespace, obstacle
from tests.support.pages import Browsers, chromium_obstacle
from tests.support.rooms import MEETING, TEST_PAGES, enter, sees_and_hears
from tests.support.server import serving

_OBSTACLE = chromium_obstacle() or obstacle() or (None if shutil.which("nft") else "nft is not installed")
_NO_UDP = """table inet no_udp {
  chain in {
    type filter hook input priority 0
    meta l4proto udp drop
  }
}
"""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.netns,
    pytest.mark.timeout(240),
    pytest.mark.skipif(_OBSTACLE is not None, reason=str(_OBSTACLE)),
]


@pytest.fixture
def without_udp() -> Iterator[NetworkNamespace]:
    namespace = NetworkNamespace(f"conclave-tcp-{os.getpid()}")
    try:
        namespace.add_extra_address()
        namespace.run("nft", "-f", "-", stdin=_NO_UDP)
        with namespace.entered():
            yield namespace
    finally:
        namespace.close()


async def test_chromium_meets_over_tcp_where_udp_is_blocked(
    without_udp: NetworkNamespace, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    browsers = Browsers()
    try:
        async with serving(tmp_path, settings={"client.directory": TEST_PAGES}) as server:
            ada = await browsers.open(await browsers.chromium(), "ada")
            bob = await browsers.open(await browsers.chromium(), "bob")
            try:
                ada_id = await enter(ada, server, await server.invite(MEETING, "host"), "Ada", create="TCP")
                bob_id = await enter(bob, server, await server.invite(MEETING, "participant"), "Bob")
                await sees_and_hears(ada, {bob_id})
                await sees_and_hears(bob, {ada_id})
                pairs = await ada.evaluate("window.watch.pairs()")
                assert {pair["protocol"] for pair in pairs} == {"tcp"}
            except BaseException:
                print(await browsers.diagnose(request.node.name), server.tail(), sep="\n")
                raise
    finally:
        await browsers.close()
