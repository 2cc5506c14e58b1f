"""The web client against the real server, as people use it."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from tests.support.client_page import ClientPage, ClientTabs, client_tabs, shown_on_failure
from tests.support.netns import NetworkNamespace
from tests.support.pages import chromium_obstacle
from tests.support.wait import until

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(120),
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(chromium_obstacle() is not None, reason=str(chromium_obstacle())),
]

DENIED = """navigator.mediaDevices.getUserMedia = async () => { throw new DOMException("denied", "NotAllowedError"); };"""
NO_CAMERA = """(() => {
  const native = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (wish) => {
    if (wish.video) throw new DOMException("none", "NotFoundError");
    return native(wish);
  };
})();"""
BUSY_ASKED = """(() => {
  window.asked = 0;
  const native = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = (wish) => { window.asked += 1; return native(wish); };
})();"""
MUTED_BY_BROWSER = """(() => {
  window.clicked = false;
  document.addEventListener("click", (event) => { if (event.target.closest(".banner")) window.clicked = true; }, true);
  const native = HTMLAudioElement.prototype.play;
  HTMLMediaElement.prototype.play = function () {
    const refused = this instanceof HTMLAudioElement && !window.clicked;
    if (refused) return Promise.reject(new DOMException("click first", "NotAllowedError"));
    return native.call(this);
  };
})();"""
NO_WEBRTC = "delete window.RTCPeerConnection;"
CAMERAS_RECEIVED = """(({slots, tracks}) =>
  Object.values(slots).filter((id) => tracks[id]?.source === "camera").length)(window.conclave.state())"""
SCREENS = "Object.values(window.conclave.state().tracks).filter((track) => track.source === 'screen').length"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def running(network: NetworkNamespace | None, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ClientTabs]:
    async with client_tabs(tmp_path_factory.mktemp("client")) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def tabs(running: ClientTabs, request: pytest.FixtureRequest) -> AsyncIterator[ClientTabs]:
    async with shown_on_failure(running, request) as shown:
        yield shown


async def two(tabs: ClientTabs) -> tuple[ClientPage, str, ClientPage, str]:
    """Ada, the host, and Bob, a participant, in one meeting."""
    tokens = await tabs.new_meeting()
    ada, bob = await tabs.open(), await tabs.open()
    ada_id = await ada.join(tabs.server.url, tokens["host"], "Ada")
    bob_id = await bob.join(tabs.server.url, tokens["participant"], "Bob")
    await ada.tile_says(bob_id, "Bob")
    await bob.tile_says(ada_id, "Ada")
    return ada, ada_id, bob, bob_id


async def test_a_meeting_is_started_on_the_first_page_and_its_link_lets_another_in(tabs: ClientTabs) -> None:
    ada = await tabs.open()
    await ada.page.goto(tabs.server.url)
    await ada.page.fill("#meeting-title", "Quarterly planning")
    await ada.page.click("#start-meeting")
    await ada.page.fill("#display-name", "Ada")
    await ada.holds("document.querySelector('#join').getAttribute('aria-disabled') !== 'true'", "the preview is ready")
    await ada.page.click("#join")
    await ada.seated()
    assert await ada.page.inner_text("h1") == "Quarterly planning"
    link = await ada.page.input_value(".alone .copy-row input")

    bob = await tabs.open()
    await bob.page.goto(tabs.server.url)
    await bob.page.fill("#invitation-link", link)
    await bob.page.click("#use-invitation")
    await bob.page.fill("#display-name", "Bob")
    await bob.holds("document.querySelector('#join').getAttribute('aria-disabled') !== 'true'", "the preview is ready")
    await bob.page.click("#join")
    await bob.tile_says((await ada.state())["self"]["participant_id"], "Ada")
    await ada.holds("document.querySelector('.alone').hidden", "the card with the link is gone")
    assert ada.errors == []
    assert bob.errors == []


async def test_the_invitation_is_nowhere_to_be_seen_once_the_page_is_open(tabs: ClientTabs) -> None:
    token = (await tabs.new_meeting())["host"]
    ada = await tabs.open()
    await ada.preview(tabs.server.url, token)
    assert await ada.page.evaluate("location.href") == f"{tabs.server.url}/"
    await ada.page.fill("#display-name", "Ada")
    await ada.page.click("#join")
    await ada.seated()
    secret = token.rpartition(".")[2]
    assert secret not in await ada.page.evaluate("JSON.stringify(window.conclave.state())")
    assert secret not in await ada.page.evaluate("window.conclave.stats().then(JSON.stringify)")
    assert secret not in await ada.page.content()
    assert await ada.page.evaluate("localStorage.length") <= 2
    assert secret not in await ada.page.evaluate("JSON.stringify(localStorage)")


async def test_a_reload_of_the_tab_leads_back_to_the_preview(tabs: ClientTabs) -> None:
    ada = await tabs.open()
    await ada.join(tabs.server.url, (await tabs.new_meeting())["host"], "Ada")
    await ada.page.reload()
    await ada.holds("window.conclave.state().phase === 'preview'", "the preview")
    await ada.holds("document.querySelector('#join').getAttribute('aria-disabled') !== 'true'", "the preview is ready")
    assert await ada.page.input_value("#display-name") == "Ada"


async def test_one_can_join_where_the_browser_keeps_nothing_for_the_page(tabs: ClientTabs) -> None:
    blocked = "get() { throw new DOMException('blocked', 'SecurityError'); }"
    script = f"""for (const name of ["localStorage", "sessionStorage"])
      Object.defineProperty(window, name, {{{blocked}, configurable: true}});"""
    tokens = await tabs.new_meeting()
    page = await tabs.open(script)
    await page.join(tabs.server.url, tokens["host"], "Ada")
    assert page.errors == []


async def test_a_link_pasted_over_the_address_of_the_open_page_works_outside_of_meetings_only(tabs: ClientTabs) -> None:
    tokens = await tabs.new_meeting()
    ada = await tabs.open()
    await ada.page.goto(tabs.server.url)
    await ada.join(tabs.server.url, tokens["host"], "Ada")
    await ada.page.goto(f"{tabs.server.url}/#{tokens['participant']}")
    await ada.page.get_by_text("You are in a meeting").wait_for()
    assert await ada.page.evaluate("location.hash") == ""
    assert (await ada.state())["self"]["role"] == "host"


async def test_text_that_is_no_invitation_is_refused_with_a_reason(tabs: ClientTabs) -> None:
    ada = await tabs.open()
    await ada.page.goto(tabs.server.url)
    await ada.page.fill("#invitation-link", "hello")
    await ada.page.click("#use-invitation")
    assert "not an invitation" in await ada.page.inner_text("#link-error")
    assert await ada.page.evaluate("document.activeElement.id") == "invitation-link"


async def test_the_preview_shows_picture_level_and_devices(tabs: ClientTabs) -> None:
    ada = await tabs.open()
    await ada.preview(tabs.server.url, (await tabs.new_meeting())["host"])
    await ada.holds("document.querySelector('.preview-picture video').videoWidth > 0", "a picture")
    await ada.holds("Number(document.querySelector('[role=meter]').getAttribute('aria-valuenow')) > 0", "the beep is measured")
    await ada.page.click("details.devices > summary")
    options = await ada.page.locator("details.devices select").evaluate_all("(all) => all.map((one) => one.options.length)")
    assert len(options) == 4
    assert min(options) >= 1
    await ada.page.click("#preview-camera")
    await ada.holds("document.querySelector('.preview-picture video').hidden", "the camera is off")
    await ada.page.click("#preview-microphone")
    await ada.page.fill("#display-name", "Ada")
    await ada.page.click("#join")
    ada_id = await ada.seated()
    await ada.tile_says(ada_id, "microphone muted, camera off")


async def test_pictures_and_sound_flow_both_ways(tabs: ClientTabs) -> None:
    ada, _, bob, _ = await two(tabs)
    for page in (ada, bob):
        await until(
            lambda page=page: page.page.evaluate("window.conclave.stats()"),
            lambda stats: (
                {
                    stream["source"]
                    for stream in stats["subscriber"]["received"]
                    if (stream["frames_decoded"] or 0) > 5 or (stream["total_audio_energy"] or 0) > 0
                }
                == {"camera", "microphone"}
            ),
            "frames are decoded and sound is heard",
        )
    assert await bob.page.locator(".tile.has-picture").count() == 2
    assert ada.errors == []
    assert bob.errors == []


async def test_mute_camera_and_hand_are_seen_on_the_other_side(tabs: ClientTabs) -> None:
    ada, ada_id, bob, bob_id = await two(tabs)
    await ada.tile_says(bob_id, "microphone on, camera on")
    await bob.control("microphone")
    await ada.tile_says(bob_id, "microphone muted, camera on")
    await bob.control("camera")
    await ada.tile_says(bob_id, "camera off")
    await bob.page.keyboard.press("h")
    await ada.tile_says(bob_id, "hand raised")
    await ada.control("people")
    row = ada.page.locator(f"li[data-participant='{bob_id}']")
    assert "Microphone muted" in await row.inner_text()
    await bob.control("microphone")
    await bob.control("camera")
    await bob.control("hand")
    await ada.tile_says(bob_id, "Bob, microphone on, camera on")
    await until(lambda: row.inner_text(), lambda text: "Microphone on" in text, "the roster follows")
    await bob.tile_says(ada_id, "microphone on")


async def test_a_reaction_rises_for_everybody(tabs: ClientTabs) -> None:
    ada, _, bob, bob_id = await two(tabs)
    await bob.control("reactions")
    await bob.page.get_by_role("menuitem", name="Clapping").click()
    for page in (ada, bob):
        await page.page.wait_for_selector(f".tile[data-participant='{bob_id}'] .reaction", state="attached")
    await ada.holds("document.querySelector('[aria-label=Announcements]').textContent.includes('Bob reacts')", "it is said, too")


async def test_the_host_passes_on_and_becomes_co_host(tabs: ClientTabs) -> None:
    ada, ada_id, bob, bob_id = await two(tabs)
    await ada.control("people")
    await ada.page.get_by_role("button", name="Actions for Bob").click()
    await ada.page.get_by_role("menuitem", name="Hand over as host").click()
    await ada.page.get_by_role("button", name="Hand over").click()
    await bob.holds("window.conclave.state().self.role === 'host'", "Bob is the host")
    await ada.holds("window.conclave.state().self.role === 'co-host'", "Ada is co-host")
    await bob.page.get_by_text("You are the host now").wait_for()
    roles = await ada.page.locator(".person-role").all_inner_texts()
    assert sorted(roles) == ["Co-host", "Host"]
    assert {ada_id, bob_id} == set((await bob.state())["participants"])


async def test_a_screen_is_shared_stopped_and_shared_again(tabs: ClientTabs) -> None:
    ada, _, bob, _ = await two(tabs)
    for _ in range(2):
        await ada.control("screen")
        await bob.page.wait_for_selector(".tile.screen.has-picture")
        await ada.page.wait_for_selector(".mine-screen")
        assert await bob.page.evaluate(SCREENS) == 1
        await ada.page.get_by_role("button", name="Stop sharing", exact=True).click()
        await bob.page.wait_for_selector(".tile.screen", state="detached")
        await bob.holds(f"{SCREENS} === 0", "the track is gone")
    assert ada.errors == []


async def test_an_invitation_for_a_viewer_opens_a_meeting_without_media_controls(tabs: ClientTabs) -> None:
    ada, _, _, _ = await two(tabs)
    await ada.choose("more", "Invite people")
    await ada.page.select_option("#invitation-role", "viewer")
    await ada.page.click("text=Create link")
    link = await ada.page.input_value("dialog .copy-row input")
    eve = await tabs.open(BUSY_ASKED)
    await eve.join(tabs.server.url, link.rpartition("#")[2], "Eve")
    assert await eve.page.evaluate("window.asked") == 0
    for name in ("microphone", "camera", "screen"):
        assert not await eve.page.is_visible(f"#control-{name}")
    await eve.page.wait_for_selector(".tile.has-picture")
    await eve.control("hand")
    await ada.tile_says((await eve.state())["self"]["participant_id"], "viewer, hand raised")
    assert eve.errors == []


async def test_who_comes_before_the_host_is_let_in_when_the_meeting_opens(tabs: ClientTabs) -> None:
    tokens = await tabs.new_meeting()
    bob = await tabs.open()
    await bob.preview(tabs.server.url, tokens["participant"])
    await bob.page.fill("#display-name", "Bob")
    await bob.page.click("#join")
    await bob.page.get_by_text("Waiting for the host").wait_for()
    ada = await tabs.open()
    await ada.join(tabs.server.url, tokens["host"], "Ada")
    bob_id = await bob.seated()
    await ada.tile_says(bob_id, "Bob")


async def test_one_who_leaves_can_come_back_and_the_end_is_told_to_all(tabs: ClientTabs) -> None:
    ada, _, bob, bob_id = await two(tabs)
    await bob.control("leave")
    await bob.page.get_by_text("You left the meeting").wait_for()
    await ada.holds(f"!('{bob_id}' in window.conclave.state().participants)", "Bob is gone")
    assert await bob.page.evaluate("window.watch.summary().every((one) => one.connectionState === 'closed')")
    await bob.page.click("#rejoin")
    await bob.holds("document.querySelector('#join')?.getAttribute('aria-disabled') === 'false'", "the preview is ready")
    await bob.page.click("#join")
    await bob.seated()
    await ada.choose("leave", "End it for everybody")
    await ada.page.get_by_role("button", name="End the meeting").click()
    for page in (ada, bob):
        await page.page.get_by_text("The meeting has ended").wait_for()


LOSE_THE_ANSWER = """(() => {
  const Native = window.WebSocket;
  let lost = false;
  window.WebSocket = class extends Native {
    constructor(...parameters) {
      super(...parameters);
      this.addEventListener("message", (event) => {
        const text = typeof event.data === "string" ? event.data : new TextDecoder().decode(event.data);
        if (lost || !text.includes("a=recvonly")) return;
        lost = true;
        event.stopImmediatePropagation();
        this.close(4000);
      });
    }
  };
})();"""
"""The connection goes just before the answer to the first offer is heard."""


async def test_one_whose_connection_is_cut_before_the_answer_is_seen_and_heard(tabs: ClientTabs) -> None:
    tokens = await tabs.new_meeting()
    ada, bob = await tabs.open(), await tabs.open(LOSE_THE_ANSWER)
    await ada.join(tabs.server.url, tokens["host"], "Ada")
    await bob.join(tabs.server.url, tokens["participant"], "Bob")
    received = "window.conclave.stats().then((all) => all.subscriber.received)"
    await ada.holds(f"{received}.then((them) => them.some((one) => one.frames_decoded > 0))", "Ada sees Bob")
    await bob.holds(f"{received}.then((them) => them.some((one) => one.frames_decoded > 0))", "Bob sees Ada")


async def test_a_cut_connection_comes_back_while_the_media_goes_on(tabs: ClientTabs) -> None:
    ada, _, bob, bob_id = await two(tabs)
    await bob.page.evaluate("window.sockets.at(-1).close(4000)")
    await bob.holds("window.sockets.length > 1 && window.conclave.state().connection === 'online'", "resumed")
    assert (await bob.state())["self"]["participant_id"] == bob_id
    await bob.control("hand")
    await ada.tile_says(bob_id, "hand raised")
    await bob.holds("window.watch.summary().every((one) => one.connectionState === 'connected')", "the media goes on")


async def test_a_server_that_went_away_is_said_and_the_way_back_is_found(tabs: ClientTabs) -> None:
    ada, ada_id, bob, _ = await two(tabs)
    bob_id = (await bob.state())["self"]["participant_id"]
    await bob.page.evaluate("window.unreachable = true; window.sockets.at(-1).close(4000)")
    await bob.page.get_by_text("Connection lost. Reconnecting").wait_for()
    await ada.tile_says(bob_id, "reconnecting")
    await bob.control("hand")
    await bob.page.locator(".toast").get_by_text("Connection lost").wait_for()
    await bob.page.evaluate("window.unreachable = false; window.dispatchEvent(new Event('online'))")
    await bob.holds("window.conclave.state().connection === 'online'", "online again")
    await ada.tile_says(bob_id, "Bob, microphone on")
    await bob.tile_says(ada_id, "Ada")


async def test_blocked_devices_are_told_and_one_can_join_without(tabs: ClientTabs) -> None:
    ada = await tabs.open(DENIED)
    await ada.preview(tabs.server.url, (await tabs.new_meeting())["host"])
    await ada.page.get_by_text("Camera is blocked").wait_for()
    await ada.page.get_by_text("Microphone is blocked").wait_for()
    await ada.page.fill("#display-name", "Ada")
    await ada.page.click("#join")
    ada_id = await ada.seated()
    await ada.tile_says(ada_id, "microphone muted, camera off")
    await ada.control("microphone")
    await ada.page.locator(".toast").get_by_text("Microphone is blocked").wait_for()


async def test_a_missing_camera_is_told_and_the_microphone_still_works(tabs: ClientTabs) -> None:
    ada = await tabs.open(NO_CAMERA)
    await ada.preview(tabs.server.url, (await tabs.new_meeting())["host"])
    await ada.page.get_by_text("No camera found").wait_for()
    await ada.page.fill("#display-name", "Ada")
    await ada.page.click("#join")
    await ada.tile_says(await ada.seated(), "microphone on, camera off")


async def test_an_invitation_that_is_not_valid_is_told(tabs: ClientTabs) -> None:
    head, claims, _ = (await tabs.new_meeting())["participant"].split(".")
    ada = await tabs.open()
    await ada.page.goto(f"{tabs.server.url}/#{head}.{claims}.{'A' * 86}")
    await ada.page.get_by_text("This invitation is not valid").wait_for()


async def test_a_browser_without_webrtc_is_told(tabs: ClientTabs) -> None:
    ada = await tabs.open(NO_WEBRTC)
    await ada.page.goto(tabs.server.url)
    await ada.page.get_by_text("This browser cannot join meetings").wait_for()


async def test_the_json_subprotocol_can_be_chosen_for_looking_at_frames(tabs: ClientTabs) -> None:
    ada = await tabs.open()
    token = (await tabs.new_meeting())["host"]
    await ada.join(tabs.server.url, f"{token}&codec=json", "Ada")
    assert await ada.page.evaluate("window.sockets.at(-1).protocol") == "conclave.v1.json"
    await ada.control("hand")
    await ada.tile_says((await ada.state())["self"]["participant_id"], "hand raised")


async def test_five_in_a_meeting_all_get_tiles_that_do_not_overlap(tabs: ClientTabs) -> None:
    tokens = await tabs.new_meeting()
    pages = [await tabs.open() for _ in range(4)]
    await pages[0].join(tabs.server.url, tokens["host"], "P0")
    await asyncio.gather(*(page.join(tabs.server.url, tokens["participant"], f"P{n}") for n, page in enumerate(pages[1:], 1)))
    for page in pages:
        await page.holds("document.querySelectorAll('.tile').length === 4", "four tiles", 20)
    await pages[0].holds("document.querySelectorAll('.tile.has-picture').length === 4", "four pictures", 30)


async def test_a_browser_that_plays_no_sound_unasked_gets_a_button_to_hear(tabs: ClientTabs) -> None:
    tokens = await tabs.new_meeting()
    ada, bob = await tabs.open(), await tabs.open(MUTED_BY_BROWSER)
    await ada.join(tabs.server.url, tokens["host"], "Ada")
    await bob.join(tabs.server.url, tokens["participant"], "Bob")
    await bob.page.get_by_role("button", name="Click to hear").click()
    await bob.page.get_by_role("button", name="Click to hear").wait_for(state="hidden")


async def test_a_closed_page_gives_its_seat_up_at_once(tabs: ClientTabs) -> None:
    ada, _, bob, bob_id = await two(tabs)
    await bob.page.goto("about:blank")
    await ada.holds(f"!('{bob_id}' in window.conclave.state().participants)", "Bob is gone", 10)


async def test_with_more_people_than_tiles_only_the_pictures_of_the_page_are_received(tabs: ClientTabs) -> None:
    tokens = await tabs.new_meeting()
    ada = await tabs.open(viewport={"width": 360, "height": 290})
    others = [await tabs.open() for _ in range(4)]
    await ada.join(tabs.server.url, tokens["host"], "Ada")
    for number, page in enumerate(others):
        await page.join(tabs.server.url, tokens["participant"], f"P{number}")
    await ada.page.get_by_role("button", name="Next page of people").wait_for()
    assert await ada.page.locator(".tile").count() == 4
    await ada.holds(f"{CAMERAS_RECEIVED} === 3", "three pictures of others", 30)
    await ada.page.get_by_role("button", name="Next page of people").click()
    await ada.page.wait_for_selector(".tile.has-picture")
    assert await ada.page.locator(".tile").count() == 1
    await ada.holds(f"{CAMERAS_RECEIVED} === 1", "one picture of others", 30)
    await ada.page.get_by_role("button", name="Previous page of people").click()
    await ada.holds("document.querySelectorAll('.tile.has-picture').length === 4", "all pictures of the first page", 30)
