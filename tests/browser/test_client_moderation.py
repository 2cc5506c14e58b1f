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
    await ada.page.get_by_role("main").get_by_text("Bob waits to be let in").wait_for()
    await ada.control("people")
    return ada, bob, tokens["participant"]


async def admitted(tabs: ClientTabs) -> tuple[ClientPage, ClientPage, str, str]:
    ada, bob, token = await knocking(tabs)
    await ada.page.get_by_role("button", name="Let in Bob", exact=True).click()
    bob_id = await bob.seated()
    await ada.tile_says(bob_id, "Bob")
    return ada, bob, bob_id, token


async def act(host: ClientPage, item: str, confirm: str = "") -> None:
    """Take an entry of Bob's menu in the people panel, and answer the question behind it."""
    await host.page.get_by_role("button", name="Actions for Bob").click()
    await host.page.get_by_role("menuitem", name=item, exact=True).click()
    if confirm:
        await host.page.get_by_role("dialog").get_by_role("button", name=confirm, exact=True).click()


async def refused_at_the_door(tabs: ClientTabs, token: str, words: str, script: str = "") -> ClientPage:
    """A newcomer who tries to join and reads why not."""
    eve = await tabs.open(script)
    await eve.preview(tabs.server.url, token)
    await eve.page.fill("#display-name", "Eve")
    await eve.page.click("#join")
    await eve.page.get_by_text(words).wait_for()
    return eve


MICROPHONE = "window.conclave.state().local.microphone"
CAMERA = "window.conclave.state().local.camera"


def track_of(participant_id: str, source: str) -> str:
    """A track in the page's state, as an expression."""
    of = f"track.participant_id === '{participant_id}' && track.source === '{source}'"
    return f"Object.values(window.conclave.state().tracks).find((track) => {of})"


async def test_one_who_waits_tells_why_and_comes_in_when_admitted(tabs: ClientTabs) -> None:
    ada, bob, _ = await knocking(tabs)
    assert (await bob.state())["participants"] == {}
    assert (await bob.state())["tracks"] == {}
    await bob.page.fill("#knock-reason", "I bring the drafts")
    await bob.page.click("#knock")
    waiting = ada.page.get_by_role("region", name="Waiting to be let in (1)")
    await waiting.get_by_text("I bring the drafts").wait_for()
    heights = await waiting.get_by_role("button").evaluate_all("(all) => all.map((one) => one.offsetHeight)")
    assert min(heights) >= 44, "an answer is easy to hit"
    assert "1 waits to be let in" in str(await ada.page.get_attribute("#control-people", "aria-label"))
    ARTIFACTS.mkdir(exist_ok=True)
    await ada.page.screenshot(path=Path(ARTIFACTS) / "lobby-host.png")
    await bob.page.screenshot(path=Path(ARTIFACTS) / "lobby-guest.png")
    await ada.page.get_by_role("button", name="Let in Bob", exact=True).click()
    bob_id = await bob.seated()
    await ada.tile_says(bob_id, "Bob")
    await ada.holds("window.conclave.state().lobby.length === 0", "nobody waits any more")


async def test_one_whose_connection_breaks_at_the_door_asks_again_by_itself(tabs: ClientTabs) -> None:
    ada, bob, _ = await knocking(tabs)
    await bob.page.fill("#knock-reason", "I bring the drafts")
    await bob.page.click("#knock")
    await ada.holds("window.conclave.state().lobby[0]?.reason === 'I bring the drafts'", "the reason is told")
    first = (await ada.state())["lobby"][0]["guest_id"]
    await bob.page.evaluate("window.sockets.at(-1).close()")
    again = f"window.conclave.state().lobby.length === 1 && window.conclave.state().lobby[0].guest_id !== '{first}'"
    await ada.holds(f"{again} && window.conclave.state().lobby[0].reason === 'I bring the drafts'", "Bob asks again")
    await ada.page.get_by_role("button", name="Let in Bob", exact=True).click()
    await bob.seated()


async def test_focus_stays_on_the_answer_to_one_who_waits_when_another_comes(tabs: ClientTabs) -> None:
    ada, bob, token = await knocking(tabs)
    cleo = await tabs.open()
    await ada.page.get_by_role("button", name="Deny Bob", exact=True).focus()
    await cleo.preview(tabs.server.url, token)
    await cleo.page.fill("#display-name", "Cleo")
    await cleo.page.click("#join")
    await ada.page.get_by_role("button", name="Let in Cleo", exact=True).wait_for()
    await ada.holds("document.activeElement.getAttribute('aria-label') === 'Deny Bob'", "focus is where it was")
    await ada.page.keyboard.press("Enter")
    await bob.page.get_by_text("You were not let in").wait_for()
    await ada.holds("document.activeElement.id === 'waiting-heading'", "focus stays in the list")


async def test_a_long_name_at_the_door_hides_no_button_on_a_screen_of_360_pixels(tabs: ClientTabs) -> None:
    tokens = await tabs.new_meeting()
    ada, eve = [await tabs.open(viewport={"width": 360, "height": 740}) for _ in range(2)]
    await ada.join(tabs.server.url, tokens["host"], "Ada")
    await eve.preview(tabs.server.url, tokens["participant"])
    await eve.page.fill("#display-name", "W" * 64)
    await eve.page.click("#join")
    await eve.page.fill("#knock-reason", "R" * 200)
    await eve.page.click("#knock")
    await eve.page.get_by_text("The hosts read").wait_for()
    await ada.page.get_by_role("button", name="Show", exact=True).wait_for()
    outside = """[...document.querySelectorAll("button")].filter((one) => one.offsetParent !== null)
      .filter((one) => { const box = one.getBoundingClientRect(); return box.left < 0 || box.right > innerWidth; })
      .map((one) => one.textContent)"""
    assert await ada.page.evaluate(outside) == []
    assert await eve.page.evaluate(outside) == []


async def test_early_arrivals_wait_for_the_host_and_may_stop_waiting(tabs: ClientTabs) -> None:
    tokens = await tabs.new_meeting()
    ada, bob = await tabs.open(), await tabs.open()
    await bob.preview(tabs.server.url, tokens["participant"])
    await bob.page.fill("#display-name", "Bob")
    await bob.page.click("#join")
    await bob.page.get_by_role("heading", name="Waiting for the host").wait_for()
    await ada.join(tabs.server.url, tokens["host"], "Ada")
    await bob.page.get_by_role("heading", name="Waiting to be let in").wait_for()
    await ada.page.get_by_role("main").get_by_text("Bob waits to be let in").wait_for()
    await bob.page.click("#stop-waiting")
    await ada.holds("window.conclave.state().lobby.length === 0", "Bob waits no more")
    assert await bob.page.locator("#join").is_visible()


async def test_one_who_is_denied_may_ask_again_and_one_who_is_blocked_may_not(tabs: ClientTabs) -> None:
    ada, bob, _ = await knocking(tabs)
    await ada.page.get_by_role("button", name="Deny Bob").click()
    await bob.page.get_by_text("You were not let in").wait_for()
    await bob.page.click("#rejoin")
    await bob.page.click("#join")
    await ada.page.get_by_role("button", name="Deny and block Bob").click()
    await bob.page.get_by_text("You were not let in").wait_for()
    await bob.page.click("#rejoin")
    await bob.page.get_by_text("You cannot come back").wait_for()


async def test_a_hard_mute_is_undone_by_nobody_but_the_muted_one_when_a_host_allows_it(tabs: ClientTabs) -> None:
    ada, bob, bob_id, _ = await admitted(tabs)
    await bob.holds(f"{MICROPHONE} === 'on'", "Bob talks")
    await act(ada, "Mute")
    await bob.holds(f"{MICROPHONE} === 'muted'", "Bob is muted")
    await bob.page.get_by_text("A host muted you").wait_for()
    await bob.page.keyboard.press("m")
    await ada.holds(f"{track_of(bob_id, 'microphone')}?.muted === false", "Bob talks again by himself")
    await act(ada, "Keep muted")
    await bob.page.get_by_text("A host keeps you muted").wait_for()
    await ada.tile_says(bob_id, "kept muted by a host")
    await bob.page.keyboard.press("m")
    await bob.control("microphone")
    assert await bob.page.evaluate(MICROPHONE) == "muted"
    assert await ada.page.evaluate(f"{track_of(bob_id, 'microphone')}.muted")
    assert "A host keeps it off" in str(await bob.page.get_attribute("#control-microphone", "aria-label"))
    await act(ada, "Allow to unmute")
    asked = bob.page.get_by_role("alert").filter(has_text="A host asks you to unmute")
    await asked.wait_for()
    assert await bob.page.evaluate(MICROPHONE) == "muted", "nobody is unmuted by another"
    await asked.get_by_role("button", name="Unmute").click()
    await ada.holds(f"{track_of(bob_id, 'microphone')}?.muted === false", "Bob is heard again")
    assert await asked.count() == 0


async def test_a_host_stops_a_camera_and_keeps_it_off(tabs: ClientTabs) -> None:
    ada, bob, bob_id, _ = await admitted(tabs)
    await act(ada, "Stop video")
    await bob.holds(f"{CAMERA} === 'off'", "the camera is off")
    await bob.page.keyboard.press("v")
    await ada.holds(f"{track_of(bob_id, 'camera')}?.muted === false", "Bob shows himself again")
    await act(ada, "Keep video off")
    await bob.page.get_by_text("A host keeps your camera off").wait_for()
    await bob.page.keyboard.press("v")
    assert await bob.page.evaluate(CAMERA) == "off"
    await ada.tile_says(bob_id, "camera kept off by a host")


async def test_a_co_host_mutes_and_a_demoted_one_has_no_such_buttons(tabs: ClientTabs) -> None:
    ada, bob, _, token = await admitted(tabs)
    assert await bob.page.locator("#control-host").is_hidden()
    cat = await tabs.open()
    await cat.preview(tabs.server.url, token)
    await cat.page.fill("#display-name", "Cat")
    await cat.page.click("#join")
    await ada.page.get_by_role("button", name="Let in Cat", exact=True).click()
    cat_id = await cat.seated()
    await act(ada, "Make co-host")
    await bob.page.get_by_text("You are co-host now").wait_for()
    await bob.tile_says(cat_id, "microphone on")
    await bob.page.hover(f".tile[data-participant='{cat_id}']")
    await bob.page.get_by_role("button", name="More about Cat").click()
    await bob.page.get_by_role("menuitem", name="Mute", exact=True).click()
    await cat.holds(f"{MICROPHONE} === 'muted'", "Cat is muted")
    await bob.control("host")
    assert await bob.page.locator("#suspend").is_hidden(), "that is a host's"
    await act(ada, "Make participant")
    await bob.holds("window.conclave.state().self.role === 'participant'", "Bob is a participant again")
    assert await bob.page.locator("#control-host").is_hidden()
    assert await bob.page.get_by_role("button", name="More about Cat").is_hidden()


async def test_one_who_is_made_a_viewer_is_silent_and_talks_again_when_promoted_and_asked(tabs: ClientTabs) -> None:
    ada, bob, bob_id, _ = await admitted(tabs)
    await act(ada, "Make viewer", confirm="Make viewer")
    await ada.holds(f"{track_of(bob_id, 'microphone')} === undefined", "nothing is sent any more")
    assert await bob.page.evaluate(MICROPHONE) == "off"
    assert await bob.page.locator("#control-microphone").is_hidden()
    await act(ada, "Make participant")
    await bob.page.get_by_text("You are participant now").wait_for()
    await act(ada, "Ask to unmute")
    await bob.page.get_by_role("alert").get_by_role("button", name="Unmute").click()
    await ada.tile_says(bob_id, "microphone on")
    assert bob.errors == []


async def test_one_shares_at_a_time_a_host_takes_over_and_forbids(tabs: ClientTabs) -> None:
    ada, bob, bob_id, _ = await admitted(tabs)
    ada_id = (await ada.state())["self"]["participant_id"]
    await ada.control("host")
    await ada.page.select_option("#share-mode", "one")
    await bob.holds("window.conclave.state().meeting.settings.screen_share === 'one'", "one at a time")
    await bob.control("screen")
    await ada.holds(f"{track_of(bob_id, 'screen')} !== undefined", "Bob shares")
    await ada.control("screen")
    await ada.page.get_by_role("dialog").get_by_role("button", name="Take over").click()
    await bob.page.get_by_text("Somebody else shares now").wait_for()
    await bob.holds(f"{track_of(ada_id, 'screen')} !== undefined", "Ada shares")
    await bob.control("screen")
    await bob.page.get_by_text("Somebody shares already").wait_for()
    await ada.control("people")
    await act(ada, "Forbid screen share")
    await bob.holds("document.querySelector('#control-screen').classList.contains('barred')", "Bob sees why")
    await bob.control("screen")
    await bob.page.get_by_text("You may not share now").wait_for()
    await act(ada, "Allow screen share")
    await bob.page.get_by_text("You may share your screen again").wait_for()


async def test_one_who_is_removed_is_told_so_and_the_banned_link_is_refused(tabs: ClientTabs) -> None:
    ada, bob, bob_id, token = await admitted(tabs)
    await act(ada, "Remove and ban", confirm="Remove and ban")
    await bob.page.get_by_text("You were removed").wait_for()
    await ada.holds(f"!('{bob_id}' in window.conclave.state().participants)", "Bob is gone")
    again = await tabs.open()
    await again.page.goto(f"{tabs.server.url}/#{token}")
    await again.page.get_by_text("This invitation is not valid").wait_for()


async def test_one_who_is_removed_does_not_come_back_by_the_same_link(tabs: ClientTabs) -> None:
    ada, bob, _, _ = await admitted(tabs)
    await act(ada, "Remove from the meeting", confirm="Remove")
    await bob.page.get_by_text("You were removed").wait_for()
    await bob.page.click("#rejoin")
    await bob.page.get_by_text("You cannot come back").wait_for()


async def test_a_locked_meeting_refuses_a_newcomer_in_words_and_everybody_sees_the_lock(tabs: ClientTabs) -> None:
    ada, bob, _, token = await admitted(tabs)
    await ada.control("host")
    await ada.page.get_by_role("switch", name="Lock the meeting").check()
    await bob.page.get_by_text("Locked", exact=True).wait_for()
    eve = await refused_at_the_door(tabs, token, "The meeting is locked")
    await ada.page.get_by_role("switch", name="Lock the meeting").uncheck()
    await ada.holds("window.conclave.state().meeting.state === 'active'", "open again")
    await eve.page.click("#join")
    await eve.page.get_by_text("Waiting to be let in").wait_for()


async def test_a_suspension_is_shown_to_all_and_leaves_microphones_as_they_were(tabs: ClientTabs) -> None:
    ada, bob, bob_id, token = await admitted(tabs)
    ada_id = (await ada.state())["self"]["participant_id"]
    await ada.tile_says(bob_id, "microphone on")
    await ada.page.keyboard.press("m")
    await bob.holds(f"{track_of(ada_id, 'microphone')}?.muted === true", "Ada is muted by herself")
    await ada.control("host")
    await ada.page.click("#suspend")
    assert (await ada.state())["meeting"]["state"] == "active", "one press is not enough"
    await ada.page.click("#suspend-now")
    await bob.page.get_by_role("heading", name="The meeting is suspended").wait_for()
    await bob.holds(f"{track_of(bob_id, 'microphone')}.muted", "nothing is forwarded")
    assert await bob.page.evaluate(MICROPHONE) == "on", "the switch stays as it was"
    assert await bob.page.locator("#resume-meeting").is_hidden()
    assert "The meeting is suspended" in str(await bob.page.get_attribute("#control-microphone", "aria-label"))
    await refused_at_the_door(tabs, token, "The meeting is suspended")
    await ada.page.click("#resume-meeting")
    await ada.holds(f"{track_of(bob_id, 'microphone')}.muted === false", "Bob is heard again")
    await bob.holds(f"{track_of(ada_id, 'microphone')}.muted === true", "Ada is still muted")
    assert await ada.page.evaluate(MICROPHONE) == "muted"
    assert await bob.page.get_by_role("heading", name="The meeting is suspended").is_hidden()
    assert bob.errors == []


async def test_a_recording_holds_only_who_agreed_and_lets_everybody_change_their_mind(tabs: ClientTabs) -> None:
    ada, bob, bob_id, token = await admitted(tabs)
    await ada.choose("more", "Record the meeting")
    question = bob.page.get_by_role("dialog", name="This meeting is being recorded")
    await question.wait_for()
    await ada.page.get_by_text("Recording, with you").wait_for()
    await ada.tile_says(bob_id, "not recorded")
    await question.get_by_role("button", name="I agree").click()
    await bob.page.get_by_text("Recording, with you").wait_for()
    assert await question.count() == 0, "asked once"
    await ada.tile_says(bob_id, ", recorded")
    await bob.page.click("#recording-mark")
    await bob.page.get_by_role("menuitem", name="Stop recording me").click()
    await ada.tile_says(bob_id, "not recorded")
    cat = await tabs.open()
    await cat.preview(tabs.server.url, token)
    await cat.page.fill("#display-name", "Cat")
    await cat.page.click("#join")
    await ada.page.get_by_role("button", name="Let in Cat", exact=True).click()
    cat_id = await cat.seated()
    await cat.page.get_by_role("dialog").get_by_role("button", name="Do not record me").click()
    await cat.page.get_by_text("Recording, without you").wait_for()
    await bob.tile_says(cat_id, "not recorded")
    await ada.page.click("#recording-mark")
    await ada.page.get_by_role("menuitem", name="Pause recording").click()
    await cat.page.get_by_text("Recording paused").wait_for()
    await ada.choose("more", "Stop recording")
    await bob.holds("window.conclave.state().recording.state === 'off'", "nothing is recorded any more")
    assert await bob.page.locator("#recording-mark").is_hidden()


async def test_a_host_downloads_what_was_recorded_of_each_participant(tabs: ClientTabs) -> None:
    ada = await tabs.open(accept_downloads=True)
    await ada.join(tabs.server.url, (await tabs.new_meeting())["host"], "Ada")
    await ada.control("host")
    await ada.page.click("#record")
    await ada.holds("window.conclave.state().recording.state === 'recording'", "it is recorded")
    await ada.holds(
        "window.conclave.stats().then(({publisher}) => publisher.sent.some((one) => one.frames_encoded > 5))", "media flows"
    )
    await ada.page.get_by_role("button", name="Stop recording").click()
    await ada.page.click("#recordings")
    async with ada.page.expect_download() as download:
        await ada.page.get_by_role("button", name="Download Ada").click()
    kept = await download.value
    assert kept.suggested_filename == "Ada.webm"
    assert Path(await kept.path()).read_bytes()[:4] == bytes.fromhex("1a45dfa3"), "it is Matroska"
