"""Waiting room, moderation and recording as people see them in the web client, from both sides."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from tests.support.client_page import ClientPage, ClientTabs, client_tabs, shown_on_failure
from tests.support.netns import NetworkNamespace
from tests.support.pages import ARTIFACTS, chromium_obstacle

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(120),
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(chromium_obstacle() is not None, reason=str(chromium_obstacle())),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(network: NetworkNamespace | None, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ClientTabs]:
    async with client_tabs(tmp_path_factory.mktemp("server"), {"meetings.waiting_room": "true"}) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def tabs(running: ClientTabs, request: pytest.FixtureRequest) -> AsyncIterator[ClientTabs]:
    async with shown_on_failure(running, request) as shown:
        yield shown


async def knocking(tabs: ClientTabs) -> tuple[ClientPage, ClientPage, str]:
    """Ada, the host, with the people panel open, and Bob, who waits to be let in; and Bob's token."""
    tokens = await tabs.new_meeting()
    ada, bob = await tabs.open(), await tabs.open()
    await ada.join(tabs.server.url, tokens["host"], "Ada")
    await bob.preview(tabs.server.url, tokens["participant"])
    await bob.page.fill("#display-name", "Bob")
    await bob.page.click("#join")
    await bob.page.get_by_text("Waiting to be let in").wait_for()
    await ada.page.get_by_text("Bob waits to be let in").wait_for()
    await ada.control("people")
    return ada, bob, tokens["participant"]


async def admitted(tabs: ClientTabs) -> tuple[ClientPage, ClientPage, str, str]:
    ada, bob, token = await knocking(tabs)
    await ada.page.get_by_role("button", name="Let Bob in", exact=True).click()
    bob_id = await bob.seated()
    await ada.tile_says(bob_id, "Bob")
    return ada, bob, bob_id, token


async def test_one_who_waits_sees_nothing_and_comes_in_when_admitted(tabs: ClientTabs) -> None:
    ada, bob, _ = await knocking(tabs)
    assert (await bob.state())["participants"] == {}
    assert (await bob.state())["tracks"] == {}
    ARTIFACTS.mkdir(exist_ok=True)
    await ada.page.screenshot(path=Path(ARTIFACTS) / "lobby-host.png")
    await bob.page.screenshot(path=Path(ARTIFACTS) / "lobby-guest.png")
    await ada.page.get_by_role("button", name="Let Bob in", exact=True).click()
    bob_id = await bob.seated()
    await ada.tile_says(bob_id, "Bob")
    await ada.holds("window.conclave.state().lobby.length === 0", "nobody waits any more")


async def test_one_who_is_denied_is_told_so(tabs: ClientTabs) -> None:
    ada, bob, _ = await knocking(tabs)
    await ada.page.get_by_role("button", name="Do not let Bob in").click()
    await bob.page.get_by_text("You were not let in").wait_for()


async def test_a_host_mutes_and_the_muted_one_sees_it(tabs: ClientTabs) -> None:
    ada, bob, _, _ = await admitted(tabs)
    await bob.holds("window.conclave.state().local.microphone === 'on'", "Bob talks")
    await ada.page.get_by_role("button", name="Actions for Bob").click()
    await ada.page.get_by_role("menuitem", name="Mute", exact=True).click()
    await bob.holds("window.conclave.state().local.microphone === 'muted'", "Bob is muted")
    await bob.page.get_by_text("A host muted you").wait_for()


async def test_one_who_is_removed_is_told_so_and_the_banned_link_is_refused(tabs: ClientTabs) -> None:
    ada, bob, bob_id, token = await admitted(tabs)
    await ada.page.get_by_role("button", name="Actions for Bob").click()
    await ada.page.get_by_role("menuitem", name="Remove and ban").click()
    await ada.page.get_by_role("button", name="Remove and ban").click()
    await bob.page.get_by_text("You were removed").wait_for()
    await ada.holds(f"!('{bob_id}' in window.conclave.state().participants)", "Bob is gone")
    again = await tabs.open()
    await again.page.goto(f"{tabs.server.url}/#{token}")
    await again.page.get_by_text("This invitation is not valid").wait_for()


async def test_a_recording_is_shown_to_all_and_holds_only_who_agreed(tabs: ClientTabs) -> None:
    ada, bob, bob_id, _ = await admitted(tabs)
    await ada.choose("more", "Record the meeting")
    await bob.page.get_by_role("heading", name="This meeting is being recorded").wait_for()
    await bob.page.get_by_text("Recording, without you").wait_for()
    await ada.page.get_by_text("Recording, with you").wait_for()
    await bob.page.screenshot(path=Path(ARTIFACTS) / "recording-consent.png")
    await bob.page.get_by_role("button", name="I agree").click()
    await bob.page.get_by_text("Recording, with you").wait_for()
    await ada.holds(f"window.conclave.state().recording.recorded.includes('{bob_id}')", "Bob is recorded")
    await ada.choose("more", "Stop recording")
    await bob.holds("window.conclave.state().recording.state === 'off'", "nothing is recorded any more")
