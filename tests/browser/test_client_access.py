"""The web client for those who use no mouse, no eyes, or a small screen."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tests.support.client_page import ClientPage, ClientTabs, client_tabs
from tests.support.netns import NetworkNamespace
from tests.support.pages import ARTIFACTS, BROWSER_TESTS, chromium_obstacle

AXE = BROWSER_TESTS / "node_modules" / "axe-core" / "axe.min.js"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(120),
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(chromium_obstacle() is not None, reason=str(chromium_obstacle())),
]
needs_axe = pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed: run `npm ci` in tests/browser")

FOCUSED = """(() => {
  const element = document.activeElement;
  return element.getAttribute("aria-label") || element.labels?.[0]?.textContent || element.textContent.trim();
})()"""


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def running(network: NetworkNamespace | None, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ClientTabs]:
    async with client_tabs(tmp_path_factory.mktemp("access")) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def tabs(running: ClientTabs) -> AsyncIterator[ClientTabs]:
    yield running
    await running.close_all()


async def keep_out(page: ClientPage, where: str) -> list[str]:
    """Return what axe finds wrong on the page now, as lines."""
    await page.page.evaluate(AXE.read_text() + "; 0")
    rules = "{runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']}"
    ending = "document.getAnimations().filter((one) => one.effect.getComputedTiming().endTime !== Infinity)"
    await page.page.evaluate(f"Promise.all({ending}.map((one) => one.finished.catch(() => {{}})))")
    found: dict[str, Any] = await page.page.evaluate(f"axe.run(document, {rules})")
    return [
        f"{where}: {violation['id']}: {node['target']} {node['failureSummary']}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]


async def tab_to(page: ClientPage, name: str) -> None:
    """Press Tab until the element of this name has focus."""
    for _ in range(40):
        await page.page.keyboard.press("Tab")
        if name in await page.page.evaluate(FOCUSED):
            return
    raise AssertionError(f"no way to {name!r} with the Tab key; stopped at {await page.page.evaluate(FOCUSED)!r}")


@needs_axe
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_no_page_or_dialog_breaks_a_rule_of_wcag(tabs: ClientTabs, scheme: str) -> None:
    tokens = await tabs.new_meeting()
    bob = await tabs.open(color_scheme=scheme)
    await bob.page.goto(tabs.server.url)
    await bob.page.wait_for_selector("h1")
    found = await keep_out(bob, "landing")
    ada = await tabs.open(color_scheme=scheme)
    await ada.preview(tabs.server.url, tokens["host"])
    await ada.page.click("details.devices > summary")
    found += await keep_out(ada, "preview")
    await ada.page.fill("#display-name", "Ada")
    await ada.page.click("#join")
    await ada.seated()
    found += await keep_out(ada, "alone in the meeting")
    bob_id = await bob.join(tabs.server.url, tokens["participant"], "Bob")
    await bob.control("hand")
    await bob.control("camera")
    await ada.tile_says(bob_id, "camera off, hand raised")
    await ada.control("people")
    found += await keep_out(ada, "meeting with people")
    for item in ("Settings", "Invite people", "Keyboard shortcuts", "Connection quality"):
        await ada.choose("more", item)
        await ada.page.wait_for_selector("dialog[open]")
        found += await keep_out(ada, item)
        await ada.page.keyboard.press("Escape")
        await ada.page.wait_for_selector("dialog", state="detached")
    await ada.control("more")
    found += await keep_out(ada, "menu")
    await ada.page.keyboard.press("Escape")
    await bob.control("leave")
    await bob.page.get_by_text("You left the meeting").wait_for()
    found += await keep_out(bob, "end")
    assert found == [], "\n".join(found)


@needs_axe
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_no_screen_of_moderation_or_recording_breaks_a_rule_of_wcag(tabs: ClientTabs, scheme: str) -> None:
    tokens = await tabs.new_meeting()
    ada, bob = await tabs.open(color_scheme=scheme), await tabs.open(color_scheme=scheme)
    await ada.join(tabs.server.url, tokens["host"], "Ada")
    await ada.control("host")
    await ada.page.get_by_role("switch", name="Waiting room").check()
    await ada.page.get_by_role("switch", name="Let personal links straight in").wait_for()
    found = await keep_out(ada, "host controls")
    await ada.page.click("#suspend")
    found += await keep_out(ada, "suspend, asked again")
    await bob.preview(tabs.server.url, tokens["participant"])
    await bob.page.fill("#display-name", "Bob")
    await bob.page.click("#join")
    await bob.page.wait_for_selector("#knock")
    found += await keep_out(bob, "waiting to be let in")
    await ada.page.get_by_role("button", name="Show", exact=True).click()
    found += await keep_out(ada, "who waits")
    await ada.page.get_by_role("button", name="Let in Bob", exact=True).click()
    bob_id = await bob.seated()
    await ada.tile_says(bob_id, "microphone on")
    await ada.page.get_by_role("button", name="Actions for Bob").click()
    found += await keep_out(ada, "menu of a person")
    await ada.page.get_by_role("menuitem", name="Keep muted").click()
    await ada.choose("more", "Record the meeting")
    await bob.page.wait_for_selector("dialog[open]")
    found += await keep_out(bob, "consent")
    await bob.page.keyboard.press("Escape")
    await bob.page.get_by_text("Recording, without you").wait_for()
    await ada.page.get_by_role("button", name="Actions for Bob").click()
    await ada.page.get_by_role("menuitem", name="Allow to unmute").click()
    await bob.page.get_by_role("alert").get_by_text("A host asks you to unmute").wait_for()
    found += await keep_out(bob, "asked to unmute, not recorded")
    await ada.page.click("#recording-mark")
    found += await keep_out(ada, "menu of the recording")
    await ada.page.get_by_role("menuitem", name="Pause recording").click()
    await ada.control("host")
    await ada.page.click("#suspend-now")
    await bob.page.get_by_role("heading", name="The meeting is suspended").wait_for()
    found += await keep_out(bob, "suspended")
    found += await keep_out(ada, "suspended, with host controls")
    assert found == [], "\n".join(found)


@needs_axe
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_no_screen_of_breakout_rooms_breaks_a_rule_of_wcag(tabs: ClientTabs, scheme: str) -> None:
    tokens = await tabs.new_meeting()
    ada, bob = await tabs.open(color_scheme=scheme), await tabs.open(color_scheme=scheme)
    await ada.join(tabs.server.url, tokens["host"], "Ada")
    await bob.join(tabs.server.url, tokens["participant"], "Bob")
    await ada.choose("more", "Record the meeting")
    await bob.page.get_by_role("button", name="I agree").click()
    await ada.choose("more", "Breakout rooms")
    found = await keep_out(ada, "no rooms yet")
    await ada.page.click("#open-rooms")
    found += await keep_out(ada, "opening rooms")
    await ada.page.get_by_role("dialog").get_by_role("button", name="Open rooms").click()
    await bob.page.get_by_text("Only those in this room hear and see you").wait_for()
    await bob.page.get_by_text("Recording, not here").wait_for()
    await bob.page.locator("#place").click()
    found += await keep_out(bob, "in a room")
    await ada.page.get_by_label("Message to all rooms").fill("Five more minutes")
    await ada.page.keyboard.press("Enter")
    await ada.page.get_by_text("Five more minutes").wait_for()
    await ada.page.get_by_role("button", name="Move Bob").press("Enter")
    await ada.page.get_by_role("menuitem", name="Main room").wait_for()
    found += await keep_out(ada, "moving somebody")
    await ada.page.keyboard.press("Escape")
    await ada.page.get_by_role("button", name="Close rooms", exact=True).click()
    await bob.page.get_by_text("Rooms close in").wait_for()
    found += await keep_out(bob, "countdown")
    assert found == [], "\n".join(found)


async def test_a_whole_meeting_is_possible_with_the_keyboard_alone(tabs: ClientTabs) -> None:
    ada = await tabs.open()
    keyboard = ada.page.keyboard
    await ada.page.goto(tabs.server.url)
    await ada.page.wait_for_selector("h1")
    await tab_to(ada, "What is it about?")
    await keyboard.type("By keyboard")
    await keyboard.press("Enter")
    await ada.holds("window.conclave.state().phase === 'preview'", "the preview")
    await ada.holds("document.activeElement.id === 'display-name'", "the name has focus")
    await ada.holds("document.querySelector('#join').getAttribute('aria-disabled') !== 'true'", "the preview is ready")
    await keyboard.type("Ada")
    await keyboard.press("Enter")
    ada_id = await ada.seated()
    await ada.tile_says(ada_id, "microphone on, camera on")
    await keyboard.press("m")
    await ada.tile_says(ada_id, "microphone muted")
    await keyboard.press("v")
    await ada.tile_says(ada_id, "camera off")
    await keyboard.press("h")
    await ada.tile_says(ada_id, "hand raised")
    await keyboard.press("r")
    await ada.holds("document.activeElement.getAttribute('role') === 'menuitem'", "focus is in the menu")
    await keyboard.press("ArrowRight")
    await keyboard.press("Enter")
    await ada.page.wait_for_selector(".reaction", state="attached")
    await keyboard.press("?")
    await ada.page.wait_for_selector("dialog[open]")
    await keyboard.press("Escape")
    await ada.page.wait_for_selector("dialog", state="detached")
    await keyboard.press("p")
    await ada.holds("document.activeElement.id === 'people-heading'", "focus is on the people")
    await tab_to(ada, "Actions for Ada")
    await keyboard.press("Enter")
    await ada.page.get_by_role("menuitem", name="Pin to the stage").wait_for()
    await keyboard.press("Escape")
    assert await ada.page.evaluate(FOCUSED) == "Actions for Ada"
    await tab_to(ada, "Leave")
    await keyboard.press("Enter")
    await ada.holds("document.activeElement.getAttribute('role') === 'menuitem'", "focus is in the menu")
    await keyboard.press("Enter")
    await ada.page.get_by_text("You left the meeting").wait_for()
    assert await ada.page.evaluate("document.activeElement.tagName") == "H1"


async def test_single_keys_can_be_switched_off_and_do_nothing_while_typing(tabs: ClientTabs) -> None:
    ada = await tabs.open()
    ada_id = await ada.join(tabs.server.url, (await tabs.new_meeting())["host"], "Ada")
    await ada.page.keyboard.press("?")
    await ada.page.uncheck("#shortcuts-on")
    await ada.page.keyboard.press("Escape")
    await ada.page.keyboard.press("h")
    await ada.choose("more", "Keyboard shortcuts")
    await ada.page.check("#shortcuts-on")
    await ada.page.keyboard.press("Escape")
    assert "hand raised" not in await ada.page.evaluate(
        f'document.querySelector(".tile[data-participant=\'{ada_id}\']").getAttribute("aria-label")'
    )
    await ada.page.keyboard.press("h")
    await ada.tile_says(ada_id, "hand raised")


async def test_every_button_has_a_name_and_every_state_is_said(tabs: ClientTabs) -> None:
    ada = await tabs.open()
    await ada.join(tabs.server.url, (await tabs.new_meeting())["host"], "Ada")
    nameless = await ada.page.locator("button").evaluate_all(
        "(all) => all.filter((one) => !(one.getAttribute('aria-label') || one.textContent.trim())).map((one) => one.outerHTML)"
    )
    assert nameless == []
    assert await ada.page.get_attribute("#control-microphone", "aria-label") == "Mute microphone"
    await ada.control("microphone")
    await ada.holds("document.querySelector('#control-microphone').ariaLabel === 'Unmute microphone'", "the label follows")
    await ada.holds("document.querySelector('[aria-label=Announcements]').textContent.includes('muted')", "it is announced")


async def test_all_controls_fit_a_screen_of_360_pixels(tabs: ClientTabs) -> None:
    ada = await tabs.open(viewport={"width": 360, "height": 640}, has_touch=True)
    await ada.page.goto(tabs.server.url)
    await ada.page.wait_for_selector("h1")
    assert await ada.page.evaluate("document.documentElement.scrollWidth") <= 360
    await ada.preview(tabs.server.url, (await tabs.new_meeting())["host"])
    assert await ada.page.evaluate("document.documentElement.scrollWidth") <= 360
    await ada.page.fill("#display-name", "Ada")
    await ada.page.click("#join")
    await ada.seated()
    boxes = await ada.page.locator(".controls button:visible").evaluate_all(
        "(all) => all.map((one) => one.getBoundingClientRect())"
    )
    assert len(boxes) == 7
    for box in boxes:
        assert box["left"] >= 0
        assert box["right"] <= 360
        assert min(box["width"], box["height"]) >= 44
    await ada.control("people")
    panel = await ada.page.evaluate("document.querySelector('.panel').getBoundingClientRect().width")
    assert panel == 360
    ARTIFACTS.mkdir(exist_ok=True)
    await ada.page.screenshot(path=Path(ARTIFACTS) / "client-360.png")
    await ada.page.get_by_role("button", name="Close people").click()
    await ada.control("more")
    menu = await ada.page.evaluate("document.querySelector('.menu').getBoundingClientRect()")
    assert menu["left"] >= 0
    assert menu["right"] <= 360
