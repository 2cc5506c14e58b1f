"""The product's web client as a person uses it: through labels, keys and what is on the screen."""

import contextlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from playwright.async_api import Browser, Page, async_playwright
from tests.support.fixtures import failed
from tests.support.pages import ARTIFACTS, CHROMIUM, CHROMIUM_FLAGS, WATCH_SCRIPT
from tests.support.server import ConclaveServer, serving
from tests.support.wait import until

SMALL_PICTURES = """if (!localStorage.getItem("conclave.settings"))
  localStorage.setItem("conclave.settings", JSON.stringify({quality: "saver"}));"""
"""Several tabs encode on the same few cores."""

KEEP_SOCKETS = """(() => {
  window.sockets = [];
  const Native = window.WebSocket;
  window.WebSocket = class extends Native {
    constructor(...parameters) {
      if (window.unreachable) throw new Error("unreachable");
      super(...parameters);
      window.sockets.push(this);
    }
  };
})();"""


class ClientPage:
    """A tab with the web client. `errors` collects what the page logged as an error."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.errors: list[str] = []
        page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.errors.append(error.message))

    async def state(self) -> dict[str, Any]:
        found: dict[str, Any] = await self.page.evaluate("window.conclave.state()")
        return found

    async def holds(self, expression: str, what: str, within_s: float = 15) -> Any:
        """Wait until an expression of the page is truthy and return it."""
        return await until(lambda: self.page.evaluate(expression), bool, what, within_s, 0.1)

    async def preview(self, url: str, token: str) -> None:
        """Open an invitation link and wait until one can join."""
        await self.page.goto(f"{url}/#{token}")
        await self.page.wait_for_selector("#display-name")
        await self.holds("document.querySelector('#join').getAttribute('aria-disabled') !== 'true'", "the preview is ready")

    async def join(self, url: str, token: str, name: str) -> str:
        """Open an invitation link, give a name, join; return the participant's id."""
        await self.preview(url, token)
        await self.page.fill("#display-name", name)
        await self.page.click("#join")
        return await self.seated()

    async def seated(self) -> str:
        await self.holds("window.conclave.state().phase === 'meeting'", "in the meeting")
        return str((await self.state())["self"]["participant_id"])

    async def tile_says(self, participant_id: str, words: str, within_s: float = 15) -> None:
        """Wait until a tile's name for screen readers has these words."""
        selector = f".tile[data-participant='{participant_id}']"
        await until(
            lambda: self.page.evaluate(f'document.querySelector("{selector}")?.getAttribute("aria-label") ?? ""'),
            lambda label: words in label,
            f"the tile says {words!r}",
            within_s,
            0.1,
        )

    async def control(self, name: str) -> None:
        await self.page.click(f"#control-{name}")

    async def choose(self, menu: str, item: str) -> None:
        """Open a menu of the control bar and take an item."""
        await self.control(menu)
        await self.page.get_by_role("menuitem", name=item).click()


class ClientTabs:
    """One Chromium in which every participant has a tab of their own, with its own storage."""

    def __init__(self, browser: Browser, server: ConclaveServer) -> None:
        self._browser = browser
        self.server = server
        self.pages: list[ClientPage] = []

    async def open(self, script: str = "", **context: Any) -> ClientPage:
        opened = await self._browser.new_context(
            ignore_https_errors=True, **{"viewport": {"width": 1100, "height": 720}, **context}
        )
        for part in (WATCH_SCRIPT, SMALL_PICTURES, KEEP_SOCKETS, script):
            await opened.add_init_script(part)
        page = ClientPage(await opened.new_page())
        self.pages.append(page)
        return page

    async def close_all(self) -> None:
        for page in self.pages:
            await page.page.context.close()
        self.pages.clear()

    async def new_meeting(self) -> dict[str, str]:
        """Return invitation tokens by role to a meeting of its own."""
        connector = aiohttp.TCPConnector(ssl=self.server.tls)
        async with (
            aiohttp.ClientSession(connector=connector) as session,
            session.post(f"{self.server.url}/api/v1/meetings") as answer,
        ):
            assert answer.status == 201, await answer.text()
            body = await answer.json()
        return {invitation["role"]: invitation["token"] for invitation in body["invitations"]}


SETTINGS = {"meetings.open_creation": "true", "security.creations_per_min_per_source": "1000"}


@contextlib.asynccontextmanager
async def client_tabs(directory: Path, settings: Mapping[str, str] | None = None) -> AsyncIterator[ClientTabs]:
    """A server that lets anybody start meetings, and a Chromium, for the length of the block."""
    async with serving(directory, settings={**SETTINGS, **(settings or {})}) as server, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=list(CHROMIUM_FLAGS))
        try:
            yield ClientTabs(browser, server)
        finally:
            await browser.close()


@contextlib.asynccontextmanager
async def shown_on_failure(running: ClientTabs, request: pytest.FixtureRequest) -> AsyncIterator[ClientTabs]:
    """The tabs of one test: closed after it; when it failed, with pictures of them, their errors and the server's last lines."""
    yield running
    if failed(request):
        ARTIFACTS.mkdir(exist_ok=True)
        for index, page in enumerate(running.pages):
            await page.page.screenshot(path=Path(ARTIFACTS) / f"failed-{request.node.name}-{index}.png")
            print(f"tab {index}:", *page.errors, sep="\n  ")
        print(running.server.tail(40))
    await running.close_all()
