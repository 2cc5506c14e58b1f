"""Breakout rooms as people see them in the web client: opened and closed by the host, entered by participants, apart in media."""

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

PLAYING = """window.conclave.stats().then((all) =>
  all.subscriber.received.filter((one) => one.frames_decoded > 0).map((one) => one.display_name))"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(network: NetworkNamespace | None, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ClientTabs]:
    async with client_tabs(tmp_path_factory.mktemp("server"), {"meetings.waiting_room": "false"}) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def tabs(running: ClientTabs, request: pytest.FixtureRequest) -> AsyncIterator[ClientTabs]:
    async with shown_on_failure(running, request) as shown:
        yield shown


async def three(tabs: ClientTabs) -> tuple[ClientPage, ClientPage, ClientPage]:
    """Ada, the host, Bob and Cleo, who see each other."""
    tokens = await tabs.new_meeting()
    pages = [await tabs.open(), await tabs.open(), await tabs.open()]
    ada, bob, cleo = pages
    await ada.join(tabs.server.url, tokens["host"], "Ada")
    await bob.join(tabs.server.url, tokens["participant"], "Bob")
    await cleo.join(tabs.server.url, tokens["participant"], "Cleo")
    for page, others in ((ada, {"Bob", "Cleo"}), (bob, {"Ada", "Cleo"}), (cleo, {"Ada", "Bob"})):
        await sees(page, others)
    return ada, bob, cleo


async def sees(page: ClientPage, names: set[str]) -> None:
    """Wait until pictures of exactly these people are decoded."""
    wanted = str(sorted(names))
    await page.holds(
        f"{PLAYING}.then((names) => JSON.stringify([...new Set(names)].sort()) === JSON.stringify({wanted}))", f"sees {wanted}"
    )


async def open_rooms(ada: ClientPage, *, evenly: bool, choose: bool) -> None:
    await ada.choose("more", "Breakout rooms")
    await ada.page.click("#open-rooms")
    await ada.page.get_by_label("Name of room 1").fill("Blue")
    await ada.page.get_by_label("Name of room 2").fill("Red")
    await ada.page.get_by_label("Spread everybody").set_checked(evenly)
    await ada.page.get_by_label("People may change rooms").set_checked(choose)
    await ada.page.get_by_role("dialog").get_by_role("button", name="Open rooms").click()


async def picture(page: ClientPage, name: str) -> None:
    ARTIFACTS.mkdir(exist_ok=True)
    await page.page.screenshot(path=Path(ARTIFACTS) / f"breakout-{name}.png")


async def test_the_host_spreads_people_talks_to_all_rooms_and_calls_them_back(tabs: ClientTabs) -> None:
    ada, bob, cleo = await three(tabs)
    await open_rooms(ada, evenly=True, choose=False)
    for page in (bob, cleo):
        await page.page.get_by_text("Only those in this room hear and see you").wait_for()
        await sees(page, set())
    await ada.holds("Object.keys(window.conclave.state().elsewhere).length === 2", "the host knows who is where")
    await picture(ada, "host")
    await picture(bob, "participant")
    await ada.page.get_by_label("Message to all rooms").fill("Five more minutes")
    await ada.page.keyboard.press("Enter")
    for page in (bob, cleo):
        await page.page.get_by_text("Five more minutes").wait_for()
    await ada.page.get_by_label("When to close the rooms").select_option("Now")
    await ada.page.get_by_role("button", name="Close rooms", exact=True).click()
    for page, others in ((ada, {"Bob", "Cleo"}), (bob, {"Ada", "Cleo"}), (cleo, {"Ada", "Bob"})):
        await page.holds("window.conclave.state().breakouts.rooms.length === 0", "no room is left")
        await sees(page, others)


async def test_people_choose_a_room_meet_there_and_a_countdown_is_shown_to_all(tabs: ClientTabs) -> None:
    ada, bob, cleo = await three(tabs)
    await open_rooms(ada, evenly=False, choose=True)
    await bob.holds("window.conclave.state().local.microphone === 'on'", "Bob talks")
    await bob.control("microphone")
    for page in (bob, cleo):
        await page.page.locator("#place").click()
        await page.page.get_by_role("button", name="Enter Blue").click()
        await page.holds("window.conclave.state().place.breakout_id !== null", "is in a room")
    await sees(bob, {"Cleo"})
    await sees(cleo, {"Bob"})
    await sees(ada, set())
    assert (await bob.state())["local"]["microphone"] == "muted"
    await picture(cleo, "chosen")
    await ada.page.get_by_role("button", name="Move Bob").click()
    await ada.page.get_by_role("menuitem", name="Red").click()
    await sees(cleo, set())
    await ada.page.get_by_role("button", name="Close rooms", exact=True).click()
    for page in (ada, bob, cleo):
        await page.page.get_by_text("Rooms close in").first.wait_for()
    await picture(ada, "countdown")
    await bob.page.get_by_role("button", name="Back to the main room").click()
    await sees(bob, {"Ada"})


async def test_a_menu_stays_open_and_focus_stays_in_the_list_while_people_come_and_go(tabs: ClientTabs) -> None:
    ada, bob, _cleo = await three(tabs)
    await open_rooms(ada, evenly=False, choose=True)
    await bob.page.locator("#place").click()
    await ada.page.get_by_role("button", name="Move Cleo").focus()
    await ada.page.keyboard.press("Enter")
    await ada.page.get_by_role("menuitem", name="Blue").wait_for()
    await bob.page.get_by_role("button", name="Enter Red").click()
    await ada.holds("Object.keys(window.conclave.state().elsewhere).length === 1", "the host knows where Bob is")
    await ada.page.get_by_role("menuitem", name="Blue").click()
    await ada.holds("Object.keys(window.conclave.state().elsewhere).length === 2", "the host knows where Cleo is")
    blue, red = (ada.page.get_by_role("region", name=room, exact=True) for room in ("Blue", "Red"))
    await blue.get_by_text("Cleo").wait_for()
    await red.get_by_text("Bob").wait_for()
    await ada.holds("document.activeElement.getAttribute('aria-label') === 'Move Cleo'", "focus is on Cleo's button")
    await bob.page.get_by_role("button", name="Back to the main room").press("Enter")
    await bob.holds("document.activeElement.closest('aside') !== null", "focus stays in the panel")


async def test_long_names_of_people_and_rooms_push_nothing_off_a_screen_of_360_pixels(tabs: ClientTabs) -> None:
    tokens = await tabs.new_meeting()
    ada, bob = [await tabs.open(viewport={"width": 360, "height": 740}) for _ in range(2)]
    await ada.join(tabs.server.url, tokens["host"], "Ada")
    await bob.join(tabs.server.url, tokens["participant"], "W" * 64)
    await ada.choose("more", "Breakout rooms")
    await ada.page.click("#open-rooms")
    await ada.page.get_by_label("Name of room 1").fill("R" * 64)
    await ada.page.get_by_label("Number of rooms").fill("1")
    await ada.page.get_by_role("dialog").get_by_role("button", name="Open rooms").click()
    await bob.page.get_by_text("Only those in this room hear and see you").wait_for()
    await ada.page.get_by_label("Message to all rooms").fill("A" * 500)
    await ada.page.keyboard.press("Enter")
    await bob.page.get_by_text("Ada to all rooms").wait_for()
    outside = """[...document.querySelectorAll("button, .toast, .room")].filter((one) => one.offsetParent !== null)
      .filter((one) => { const box = one.getBoundingClientRect(); return box.left < 0 || box.right > innerWidth; })
      .map((one) => one.className + one.textContent.slice(0, 20))"""
    await bob.page.locator("#place").click()
    await picture(ada, "long-names-host")
    await picture(bob, "long-names-participant")
    assert await ada.page.evaluate(outside) == []
    assert await bob.page.evaluate(outside) == []
    while await ada.page.get_by_role("button", name="Dismiss").count():
        await ada.page.get_by_role("button", name="Dismiss").first.click()
    await ada.page.get_by_role("button", name="Move WWW").click()
    await ada.page.get_by_role("menuitem").first.wait_for()
    assert await ada.page.evaluate(outside) == []
