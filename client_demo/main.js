/** Puts the parts together; the only file that knows all of them. */

import { Call } from "./call.js";
import { Devices, loadSettings } from "./devices.js";
import { keptToken, takeFromAddress } from "./invitation.js";
import { CODECS, Signaling } from "./protocol.js";
import { INITIAL_STATE, createStore, reduce } from "./store.js";
import { App } from "./ui/app.js";
import { unsupportedWords } from "./words.js";

const { token, codec } = takeFromAddress();

function codecByChoice() {
  const chosen = codec ?? localStorage.getItem("conclave.codec");
  return CODECS[chosen] ?? CODECS.msgpack;
}

const store = createStore(reduce, INITIAL_STATE);
const devices = new Devices(loadSettings());
const signaling = new Signaling({ url: `wss://${location.host}/api/v1/signaling`, codec: codecByChoice() });
const call = new Call({ signaling, store, devices });
const app = new App(document.querySelector("#app"), { store, call, devices });

addEventListener("pagehide", () => call.abandon());
addEventListener("pageshow", ({ persisted }) => persisted && location.reload());
addEventListener("online", () => call.networkChanged());
navigator.connection?.addEventListener?.("change", () => call.networkChanged());

/** For tests and the curious; holds no secrets. Described in README.md. */
window.conclave = Object.freeze({
  state: () => structuredClone(store.get()),
  stats: () => call.stats(),
  leave: () => call.leave(),
});

/* A link that is pasted into the address bar of this page changes the fragment only. */
addEventListener("hashchange", () => {
  const pasted = takeFromAddress();
  if (pasted.token) app.invited(pasted.token);
});

const obstacle = unsupportedWords(window);
if (obstacle) app.showUnsupported(obstacle);
else if (token) app.invited(token);
else app.start(keptToken());
