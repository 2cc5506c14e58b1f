// Firefox over WebDriver BiDi for the Python tests: one JSON command a line on standard input, one JSON answer a line on
// standard output. {"do": "page", "preload": "<script>"} | {"do": "goto", "page": 0, "url": "..."} |
// {"do": "evaluate", "page": 0, "expression": "..."} | {"do": "screenshot", "page": 0, "path": "..."} | {"do": "console", "page": 0}
import { createInterface } from "node:readline";
import puppeteer from "puppeteer-core";

const CONSOLE_LINES = 200;
const executablePath = process.argv[2] ?? "/usr/bin/firefox-esr";

const browser = await puppeteer.launch({
  browser: "firefox",
  executablePath,
  headless: true,
  acceptInsecureCerts: true,
  extraPrefsFirefox: {
    "media.navigator.streams.fake": true,
    "media.navigator.permission.disabled": true,
    "media.peerconnection.ice.loopback": true,
    "media.peerconnection.ice.obfuscate_host_addresses": false,
    "media.autoplay.default": 0,
    "media.autoplay.block-webaudio": false,
    "network.captive-portal-service.enabled": false,
    "network.connectivity-service.enabled": false,
    "app.update.disabledForTesting": true,
    "datareporting.policy.dataSubmissionEnabled": false,
  },
});
const pages = [];

function remember(page) {
  const lines = [];
  const keep = (line) => {
    lines.push(line);
    if (lines.length > CONSOLE_LINES) lines.shift();
  };
  page.on("console", (message) => keep(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => keep(`error: ${error.message}`));
  return lines;
}

const COMMANDS = {
  async page({ preload }) {
    const page = await browser.newPage();
    await page.setViewport({ width: 1280, height: 800 });
    if (preload) await page.evaluateOnNewDocument(preload);
    pages.push({ page, lines: remember(page) });
    return { page: pages.length - 1, version: await browser.version() };
  },
  async goto({ page, url }) {
    await pages[page].page.goto(url, { waitUntil: "domcontentloaded" });
    return {};
  },
  async evaluate({ page, expression }) {
    const wrapped = `Promise.resolve(${expression}).then((value) => JSON.stringify(value ?? null))`;
    return { value: JSON.parse(await pages[page].page.evaluate(wrapped)) };
  },
  async screenshot({ page, path }) {
    await pages[page].page.screenshot({ path });
    return {};
  },
  async console({ page }) {
    return { lines: pages[page].lines };
  },
  async close({ page }) {
    await pages[page].page.close();
    return {};
  },
};

console.log(JSON.stringify({ ready: await browser.version() }));
for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  try {
    console.log(JSON.stringify(await COMMANDS[command.do](command)));
  } catch (error) {
    console.log(JSON.stringify({ error: String(error?.message ?? error) }));
  }
}
await browser.close();
