"""Media through the real stack with the smallest possible client: when this fails, the fault is not in the web client."""

import pytest
from tests.support.pages import Browsers, chromium_obstacle
from tests.support.rooms import MEETING, TEST_PAGES, enter, sees_and_hears
from tests.support.server import ConclaveServer
from tests.support.wait import until

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(240),
    pytest.mark.skipif(chromium_obstacle() is not None, reason=str(chromium_obstacle())),
    pytest.mark.server_settings({"client.directory": TEST_PAGES}),
]


async def test_two_chromiums_see_and_hear_each_other(server: ConclaveServer, browsers: Browsers) -> None:
    ada = await browsers.open(await browsers.chromium(), "ada")
    bob = await browsers.open(await browsers.chromium(), "bob")
    host, guest = await server.invite(MEETING, "host"), await server.invite(MEETING, "participant")
    ada_id = await enter(ada, server, host, "Ada", create="Media")
    bob_id = await enter(bob, server, guest, "Bob")

    await sees_and_hears(ada, {bob_id})
    await sees_and_hears(bob, {ada_id})

    transports = await until(
        lambda: ada.evaluate("window.watch.transports()"), lambda seen: len(seen) == 2, "both transports of Ada have stats"
    )
    assert {transport["dtlsState"] for transport in transports} == {"connected"}
    assert {transport["srtpCipher"] for transport in transports} == {"SRTP_AEAD_AES_128_GCM"}
