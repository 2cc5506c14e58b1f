"""Accounts, dashboard and invitations in the web client, against the real server with a store of its own."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from tests.browser.test_client_access import keep_out, needs_axe, tab_to
from tests.support.account_client import COOKIE, PASSWORD
from tests.support.client_page import ClientPage, ClientTabs, client_tabs, shown_on_failure
from tests.support.netns import NetworkNamespace
from tests.support.pages import chromium_obstacle

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(120),
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(chromium_obstacle() is not None, reason=str(chromium_obstacle())),
]

REUSED = "Somebody tried to use Bob’s personal link from another device"
SETTINGS = {
    "accounts.registration": "open",
    "accounts.registrations_per_hour_per_source": "1000",
    "accounts.requests_per_s_per_source": "1000",
    "meetings.open_creation": "false",
}
KEPT = """JSON.stringify([Object.entries(localStorage), Object.entries(sessionStorage), location.href, document.cookie])"""
WRONG_PASSWORD_ERROR = "Failed to load resource: the server responded with a status of 401 (Unauthorized)"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def running(network: NetworkNamespace | None, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ClientTabs]:
    directory = tmp_path_factory.mktemp("accounts")
    async with client_tabs(directory, SETTINGS) as opened:
        secret = directory / "password"
        secret.touch(mode=0o600)
        secret.write_text(PASSWORD)
        await opened.server.command("admin", "create", "root", "--password-file", str(secret))
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def tabs(running: ClientTabs, request: pytest.FixtureRequest) -> AsyncIterator[ClientTabs]:
    async with shown_on_failure(running, request) as shown:
        yield shown


async def registered(tabs: ClientTabs, name: str, **context: Any) -> ClientPage:
    """Somebody who has made an account and sees the dashboard."""
    tab = await tabs.open(**context)
    await tab.page.goto(tabs.server.url)
    await tab.page.click("#to-sign-in")
    await tab.page.click("#to-register")
    await tab.page.fill("#username", name)
    await tab.page.fill("#password", PASSWORD)
    await tab.page.click("#register")
    await tab.page.wait_for_selector("#new-title")
    return tab


async def signed_in(tabs: ClientTabs, name: str, password: str = PASSWORD) -> ClientPage:
    tab = await tabs.open()
    await tab.page.goto(tabs.server.url)
    await tab.page.click("#to-sign-in")
    await sign_in(tab, name, password)
    await tab.page.wait_for_selector("#new-title")
    return tab


async def sign_in(tab: ClientPage, name: str, password: str) -> None:
    await tab.page.fill("#username", name)
    await tab.page.fill("#password", password)
    await tab.page.click("#sign-in")


async def create(tab: ClientPage, title: str) -> None:
    await tab.page.fill("#new-title", title)
    await tab.page.click("#create-meeting")
    await tab.page.get_by_role("heading", name=title).wait_for()


async def account_menu(tab: ClientPage, item: str) -> None:
    await tab.page.click("#account")
    await tab.page.get_by_role("menuitem", name=item, exact=True).click()


async def personal_link(tab: ClientPage, label: str) -> str:
    """Make a personal link in the dialog that is open, close it, and return the link's token."""
    await tab.page.fill("#invitation-label", label)
    await tab.page.click("#create-invitation")
    link = await tab.page.input_value("dialog .copy-row input")
    await tab.page.get_by_role("list", name="Invitations").get_by_text(label).wait_for()
    await tab.page.keyboard.press("Escape")
    await tab.page.wait_for_selector("dialog", state="detached")
    return link.rpartition("#")[2]


async def started(tab: ClientPage, title: str) -> str:
    await tab.page.get_by_role("button", name=f"Start {title}").click()
    await tab.page.wait_for_selector("#join")
    await tab.page.get_by_role("heading", name=title).wait_for()
    await tab.holds("document.querySelector('#join').getAttribute('aria-disabled') !== 'true'", "the preview is ready")
    await tab.page.click("#join")
    return await tab.seated()


async def test_an_administrator_of_the_command_line_signs_in_and_out_without_a_trace(tabs: ClientTabs) -> None:
    root = await signed_in(tabs, "root")
    cookie = next(one for one in await root.page.context.cookies() if one["name"] == COOKIE)
    assert (cookie["httpOnly"], cookie["secure"], cookie["sameSite"]) == (True, True, "Strict")
    kept = str(await root.page.evaluate(KEPT))
    assert cookie["value"] not in kept
    assert "eyJ" not in kept
    await root.page.reload()
    await root.page.get_by_role("heading", name="Your meetings").wait_for()
    await account_menu(root, "Sign out")
    await root.page.get_by_role("heading", name="Meet behind a locked door.").wait_for()
    assert [one for one in await root.page.context.cookies() if one["name"] == COOKIE] == []
    await root.page.reload()
    await root.page.wait_for_selector("#to-sign-in")
    assert root.errors == []


async def test_a_wrong_password_is_told_and_after_five_until_when_the_name_is_locked(tabs: ClientTabs) -> None:
    await registered(tabs, "grace")
    eve = await tabs.open()
    await eve.page.goto(tabs.server.url)
    await eve.page.click("#to-sign-in")
    for _ in range(4):
        await sign_in(eve, "grace", "not the password")
        await eve.page.get_by_text("After 5 wrong attempts a name is locked for 15 minutes").wait_for()
        await eve.holds("document.querySelector('#password').value === '' && document.activeElement.id === 'password'", "anew")
    await sign_in(eve, "grace", "not the password")
    await eve.page.get_by_text("This name is locked until").wait_for()
    await sign_in(eve, "grace", PASSWORD)
    await eve.holds(
        "document.querySelector('#sign-in').getAttribute('aria-disabled') === 'false'", "the right one is refused too"
    )
    await eve.page.get_by_text("even the right password is refused").wait_for()
    assert set(eve.errors) == {WRONG_PASSWORD_ERROR}


async def test_a_server_that_cannot_be_reached_is_said(tabs: ClientTabs) -> None:
    ada = await tabs.open()
    await ada.page.goto(tabs.server.url)
    await ada.page.click("#to-sign-in")
    await ada.page.context.set_offline(True)
    await sign_in(ada, "ada", PASSWORD)
    await ada.page.get_by_text("The server cannot be reached").wait_for()


async def test_a_meeting_is_created_started_and_a_personal_link_is_for_one_device(tabs: ClientTabs) -> None:
    ada = await registered(tabs, "ada")
    await ada.page.get_by_role("heading", name="No meetings yet").wait_for()
    await create(ada, "Interview")
    await ada.page.get_by_role("button", name="Invite to Interview").click()
    token = await personal_link(ada, "Bob")
    await started(ada, "Interview")
    bob = await tabs.open()
    await bob.preview(tabs.server.url, token)
    assert await bob.page.input_value("#display-name") == "Bob"
    await bob.page.click("#join")
    bob_id = await bob.seated()
    eve = await tabs.open()
    await eve.preview(tabs.server.url, token)
    await eve.page.fill("#display-name", "Eve")
    await eve.page.click("#join")
    await ada.page.get_by_text(REUSED).first.wait_for()
    await eve.page.wait_for_selector(".notice.error")
    assert (await eve.state())["phase"] == "preview"
    await ada.page.get_by_role("button", name="Revoke the link").click()
    await ada.page.check("#revoke-remove")
    await ada.page.click("#revoke-invitation")
    await bob.page.get_by_role("heading", name="You were removed").wait_for()
    await ada.holds(f"!window.conclave.state().participants['{bob_id}']", "Bob is gone")
    await ada.choose("more", "Invite people")
    row = ada.page.locator("li.invitation.idle")
    await row.get_by_text("Revoked").wait_for()
    assert "Personal · used once" in await row.inner_text()
    await bob.page.goto(f"{tabs.server.url}/#{token}")
    await bob.page.wait_for_selector(".notice.error")
    assert ada.errors == []


async def test_a_shareable_link_is_an_explicit_choice_with_a_warning(tabs: ClientTabs) -> None:
    ada = await registered(tabs, "katherine")
    await create(ada, "Colloquium")
    await ada.page.get_by_role("button", name="Invite to Colloquium").click()
    assert await ada.page.is_checked("input[value=personal]")
    warning = ada.page.get_by_text("Whoever gets hold of a shareable link can join")
    assert not await warning.is_visible()
    await ada.page.check("input[value=shared]")
    await warning.wait_for()
    await ada.page.select_option("#invitation-role", "viewer")
    token = await personal_link(ada, "Mailing list")
    await started(ada, "Colloquium")
    for name in ("Bob", "Carol"):
        guest = await tabs.open()
        await guest.join(tabs.server.url, token, name)
    await ada.choose("more", "Invite people")
    await ada.page.get_by_text("Shareable · 2 here now · used 2 times").wait_for()


async def test_signing_out_everywhere_ends_every_session_and_the_seat(tabs: ClientTabs) -> None:
    ada = await registered(tabs, "hedy")
    await create(ada, "Patents")
    await started(ada, "Patents")
    second, third = await signed_in(tabs, "hedy"), await signed_in(tabs, "hedy")
    await second.page.get_by_text("One person is in").wait_for()
    await account_menu(second, "Sign out everywhere")
    await second.page.get_by_role("button", name="Sign out everywhere").click()
    await second.page.wait_for_selector("#to-sign-in")
    await ada.holds("window.conclave.state().phase === 'ended'", "the seat is gone")
    await third.page.fill("#new-title", "Too late")
    await third.page.click("#create-meeting")
    await third.page.get_by_text("Your session is over. Sign in again.").wait_for()
    await ada.page.reload()
    await ada.page.wait_for_selector("h1")
    assert await ada.page.evaluate("localStorage.getItem('conclave.account')") is None


async def test_a_meeting_is_shared_by_name_joined_and_withdrawn(tabs: ClientTabs) -> None:
    ada, bob = await registered(tabs, "emmy"), await registered(tabs, "david")
    await create(ada, "Invariants")
    await ada.page.get_by_role("button", name="More about Invariants").click()
    await ada.page.get_by_role("menuitem", name="Share with an account").click()
    await ada.page.fill("#share-username", "nobody-here")
    await ada.page.click("#share")
    await ada.page.get_by_text("No such account").wait_for()
    await ada.page.fill("#share-username", "David")
    await ada.page.select_option("#share-role", "co-host")
    await ada.page.click("#share")
    withdraw = ada.page.get_by_role("button", name="Stop sharing with david")
    await withdraw.wait_for()
    await bob.page.reload()
    await bob.page.get_by_text("Shared by emmy").wait_for()
    assert await bob.page.get_by_role("button", name="Invite to Invariants").is_hidden()
    await withdraw.click()
    await ada.page.get_by_text("Not shared with anybody yet.").wait_for()
    await bob.page.reload()
    await bob.page.get_by_role("heading", name="No meetings yet").wait_for()


async def test_a_meeting_is_deleted_only_after_a_question(tabs: ClientTabs) -> None:
    ada = await registered(tabs, "rosalind")
    await create(ada, "Photograph 51")
    for answer, rows in (("Cancel", 1), ("Delete the meeting", 0)):
        await ada.page.get_by_role("button", name="More about Photograph 51").click()
        await ada.page.get_by_role("menuitem", name="Delete").click()
        await ada.page.get_by_role("button", name=answer).click()
        await ada.holds(f"document.querySelectorAll('.meeting-card').length === {rows}", f"{answer}: {rows} left")
    await ada.page.get_by_role("heading", name="No meetings yet").wait_for()


async def test_a_new_password_ends_the_other_sign_ins_and_keeps_this_one(tabs: ClientTabs) -> None:
    ada = await registered(tabs, "barbara")
    other = await signed_in(tabs, "barbara")
    await account_menu(ada, "Change password")
    await ada.page.fill("#current-password", "not the password")
    await ada.page.fill("#new-password", "violet heron at dusk")
    await ada.page.click("#change-password")
    await ada.page.get_by_text("The current password is wrong").wait_for()
    await ada.page.fill("#current-password", PASSWORD)
    await ada.page.click("#change-password")
    await ada.page.get_by_text("Password changed").wait_for()
    await create(ada, "Still here")
    await other.page.reload()
    await other.page.wait_for_selector("#to-sign-in")
    await signed_in(tabs, "barbara", "violet heron at dusk")


async def test_an_administrators_link_opens_the_registration_and_leaves_the_address(tabs: ClientTabs) -> None:
    root = await signed_in(tabs, "root")
    await account_menu(root, "Invite somebody to register")
    await root.page.select_option("#account-role", "viewer")
    await root.page.click("#create-registration")
    link = await root.page.input_value("dialog .copy-row input")
    newcomer = await tabs.open()
    await newcomer.page.goto(link)
    await newcomer.page.get_by_text("An administrator invited you").wait_for()
    assert newcomer.page.url == f"{tabs.server.url}/"
    await newcomer.page.fill("#username", "newcomer")
    await newcomer.page.fill("#password", PASSWORD)
    await newcomer.page.click("#register")
    await newcomer.page.get_by_text("Meetings that somebody shares with you appear here.").wait_for()
    assert await newcomer.page.locator("#new-title").count() == 0


@needs_axe
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_no_page_or_dialog_of_accounts_breaks_a_rule_of_wcag(tabs: ClientTabs, scheme: str) -> None:
    ada = await tabs.open(color_scheme=scheme)
    await ada.page.goto(tabs.server.url)
    await ada.page.click("#to-sign-in")
    found = await keep_out(ada, "sign in")
    await ada.page.click("#to-register")
    found += await keep_out(ada, "register")
    await ada.page.fill("#username", f"access-{scheme}")
    await ada.page.fill("#password", PASSWORD)
    await ada.page.click("#register")
    await ada.page.get_by_role("heading", name="No meetings yet").wait_for()
    found += await keep_out(ada, "empty dashboard")
    await create(ada, "Weekly")
    found += await keep_out(ada, "dashboard")
    await ada.page.get_by_role("button", name="Invite to Weekly").click()
    await ada.page.check("input[value=shared]")
    await ada.page.click("#create-invitation")
    await ada.page.wait_for_selector("li.invitation")
    found += await keep_out(ada, "invitations")
    await ada.page.get_by_role("button", name="Revoke Shareable link").click()
    found += await keep_out(ada, "revoke")
    for _ in range(2):
        await ada.page.keyboard.press("Escape")
    for item in ("Change password", "Where you are signed in"):
        await account_menu(ada, item)
        await ada.page.wait_for_selector("dialog[open]")
        found += await keep_out(ada, item)
        await ada.page.keyboard.press("Escape")
    assert found == [], "\n".join(found)


async def test_signing_in_and_making_a_meeting_is_possible_with_the_keyboard_alone(tabs: ClientTabs) -> None:
    await registered(tabs, "sophie")
    ada = await tabs.open()
    keyboard = ada.page.keyboard
    await ada.page.goto(tabs.server.url)
    await ada.page.wait_for_selector("h1")
    await tab_to(ada, "Sign in")
    await keyboard.press("Enter")
    await ada.holds("document.activeElement.id === 'username'", "the name has focus")
    await keyboard.type("sophie")
    await tab_to(ada, "Password")
    await keyboard.type(PASSWORD)
    await keyboard.press("Enter")
    await ada.page.wait_for_selector("#new-title")
    await tab_to(ada, "What is it about?")
    await keyboard.type("By keyboard")
    await keyboard.press("Enter")
    await ada.holds("document.activeElement.textContent === 'By keyboard'", "focus is on the new meeting")
    await tab_to(ada, "Start By keyboard")
    await keyboard.press("Enter")
    await ada.holds("window.conclave.state().phase === 'preview'", "the preview")


@pytest.mark.parametrize(
    ("name", "title"),
    [("ida", "A meeting whose title is long enough to need more than one line"), ("W" * 32, f"A meeting{'W' * 150}")],
    ids=["usual", "without a space"],
)
async def test_dashboard_and_dialogs_fit_a_screen_of_360_pixels(tabs: ClientTabs, name: str, title: str) -> None:
    ada = await registered(tabs, name, viewport={"width": 360, "height": 640}, has_touch=True)
    await create(ada, title)
    width = "document.documentElement.scrollWidth"
    assert await ada.page.evaluate(width) <= 360
    await ada.page.get_by_role("button", name="Invite to A meeting").click()
    await ada.page.click("#create-invitation")
    await ada.page.wait_for_selector("li.invitation")
    assert await ada.page.evaluate("document.querySelector('dialog').scrollWidth") <= 360
    assert await ada.page.evaluate(width) <= 360
    assert await ada.page.evaluate("document.querySelector('dialog h2').scrollWidth") <= 360
