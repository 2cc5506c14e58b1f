"""Real browsers as meeting participants: one interface over Chromium (Playwright) and Firefox (WebDriver BiDi)."""

import asyncio
import json
import os
import shutil
from collections import deque
from pathlib import Path
from typing import Any, Protocol, Self

from playwright.async_api import Browser, BrowserContext, Page, Playwright, async_playwright
from tests.support.lines import LineProcess

BROWSER_TESTS = Path(__file__).parents[1] / "browser"
WATCH_SCRIPT = (BROWSER_TESTS / "pages" / "watch.js").read_text()
ARTIFACTS = Path(__file__).parents[2] / "artifacts"
CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
FIREFOX = Path(os.environ.get("FIREFOX", "/usr/bin/firefox-esr"))
CHROMIUM_FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--ignore-certificate-errors", "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream=fps=20", "--autoplay-policy=no-user-gesture-required",
    "--allow-loopback-in-peer-connection", "--disable-backgrounding-occluded-windows", "--disable-renderer-backgrounding",
)  # fmt: skip


class BrowserPage(Protocol):
    """A page in some browser. Expressions may give promises; values travel as JSON."""

    name: str

    async def goto(self, url: str) -> None: ...
    async def evaluate(self, expression: str) -> Any: ...
    async def screenshot(self, file_name: str) -> None: ...
    async def console(self) -> str: ...
    async def close(self) -> None: ...


class ChromiumPage:
    """A tab with its own cookies and storage."""

    def __init__(self, name: str, context: BrowserContext, page: Page) -> None:
        self.name = name
        self.page = page
        self._context = context
        self._lines: deque[str] = deque(maxlen=200)
        page.on("console", lambda message: self._lines.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self._lines.append(f"error: {error.message}"))

    async def goto(self, url: str) -> None:
        await self.page.goto(url, wait_until="domcontentloaded", timeout=60_000)

    async def evaluate(self, expression: str) -> Any:
        return await asyncio.wait_for(self.page.evaluate(expression), 60)

    async def screenshot(self, file_name: str) -> None:
        ARTIFACTS.mkdir(exist_ok=True)
        await self.page.screenshot(path=ARTIFACTS / file_name)

    async def console(self) -> str:
        return "\n".join(f"  {self.name}| {line}" for line in self._lines)

    async def close(self) -> None:
        await self._context.close()


class ChromiumBrowser:
    """One Chromium process with fake devices."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser

    @classmethod
    async def launch(cls, playwright: Playwright) -> Self:
        return cls(await playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=list(CHROMIUM_FLAGS)))

    async def open(self, name: str) -> ChromiumPage:
        """Open a tab that records its peer connections from the start (pages/watch.js)."""
        context = await self._browser.new_context(ignore_https_errors=True, viewport={"width": 1280, "height": 800})
        await context.add_init_script(WATCH_SCRIPT)
        return ChromiumPage(name, context, await context.new_page())

    async def close(self) -> None:
        await self._browser.close()


class FirefoxPage:
    """A Firefox tab, reached through the node process that drives it."""

    def __init__(self, name: str, process: LineProcess, number: int) -> None:
        self.name = name
        self._process = process
        self._number = number

    async def _ask(self, do: str, **fields: Any) -> dict[str, Any]:
        return await self._process.ask({"do": do, "page": self._number, **fields}, 60)

    async def goto(self, url: str) -> None:
        await self._ask("goto", url=url)

    async def evaluate(self, expression: str) -> Any:
        return (await self._ask("evaluate", expression=expression))["value"]

    async def screenshot(self, file_name: str) -> None:
        ARTIFACTS.mkdir(exist_ok=True)
        await self._ask("screenshot", path=str(ARTIFACTS / file_name))

    async def console(self) -> str:
        return "\n".join(f"  {self.name}| {line}" for line in (await self._ask("console"))["lines"])

    async def close(self) -> None:
        await self._ask("close")


class FirefoxBrowser:
    """One Firefox process with fake devices."""

    def __init__(self, process: LineProcess) -> None:
        self._process = process

    @classmethod
    async def launch(cls) -> Self:
        command = ["node", str(BROWSER_TESTS / "firefox.mjs"), str(FIREFOX)]
        return cls(await LineProcess.start("firefox", command, cwd=str(BROWSER_TESTS), ready_within_s=60))

    async def open(self, name: str) -> FirefoxPage:
        answer = await self._process.ask({"do": "page", "preload": WATCH_SCRIPT}, 60)
        return FirefoxPage(name, self._process, answer["page"])

    async def close(self) -> None:
        await self._process.close()


class Browsers:
    """All browsers of one test; they are closed together."""

    def __init__(self) -> None:
        self._playwright: Playwright | None = None
        self._open: list[ChromiumBrowser | FirefoxBrowser] = []
        self.pages: list[BrowserPage] = []

    async def chromium(self) -> ChromiumBrowser:
        if self._playwright is None:
            self._playwright = await async_playwright().start()
        browser = await ChromiumBrowser.launch(self._playwright)
        self._open.append(browser)
        return browser

    async def firefox(self) -> FirefoxBrowser:
        browser = await FirefoxBrowser.launch()
        self._open.append(browser)
        return browser

    async def open(self, browser: ChromiumBrowser | FirefoxBrowser, name: str) -> BrowserPage:
        page: BrowserPage = await browser.open(name)
        self.pages.append(page)
        return page

    async def diagnose(self, label: str) -> str:
        """Return what every page logged and save a picture of each under artifacts/."""
        parts = []
        for page in self.pages:
            try:
                await page.screenshot(f"failed-{label}-{page.name}.png")
                parts.append(await page.console())
                parts.append(f"  {page.name}| {json.dumps(await page.evaluate('window.watch?.summary()'))}")
            except Exception as error:
                parts.append(f"  {page.name}| cannot be asked: {error}")
        return "\n".join(parts)

    async def close(self) -> None:
        for browser in reversed(self._open):
            await browser.close()
        if self._playwright is not None:
            await self._playwright.stop()


def chromium_obstacle() -> str | None:
    """Return why Chromium cannot run here, or None."""
    return None if CHROMIUM.exists() else f"{CHROMIUM} is not installed"


def firefox_obstacle() -> str | None:
    """Return why Firefox cannot run here, or None."""
    if not FIREFOX.exists():
        return f"{FIREFOX} is not installed"
    if shutil.which("node") is None:
        return "node is not installed"
    if not (BROWSER_TESTS / "node_modules" / "puppeteer-core").exists():
        return "puppeteer-core is not installed: run `npm ci` in tests/browser"
    return None
