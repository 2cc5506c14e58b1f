/** Puts the parts together; the only file that knows all of them. */

import { Accounts } from "./accounts.js";
import { Call } from "./call.js";
import { deviceId } from "./device_id.js";
import { Devices, loadSettings } from "./devices.js";
import { keptToken, takeFromAddress } from "./invitation.js";
import { CODECS, Signaling } from "./protocol.js";
import { storageOf } from "./storage.js";
import { INITIAL_STATE, createStore, reduce } from "./store.js";
import { App } from "./ui/app.js";
import { unsupportedWords } from "./words.js";

/** A server that is slow to say who is signed in keeps nobody from the first page for longer; the dashboard follows. */
const PATIENCE_MS = 3_000;

const { token, registration, codec } = takeFromAddress();

function codecByChoice() {
  const chosen = codec ?? storageOf("localStorage").getItem("conclave.codec");
  return CODECS[chosen] ?? CODECS.msgpack;
}

const store = createStore(reduce, INITIAL_STATE);
const devices = new Devices(loadSettings());
const accounts = new Accounts();
const signaling = new Signaling({
  url: `wss://${location.host}/api/v1/signaling`,
  codec: codecByChoice(),
  identify: async () => ({ device_id: deviceId(), ...(await accounts.identity()) }),
});
const call = new Call({ signaling, store, devices });
const app = new App(document.querySelector("#app"), { store, call, devices, accounts });

addEventListener("pagehide", () => call.abandon());
addEventListener("pageshow", ({ persisted }) => persisted && location.reload());
addEventListener("storage", ({ key }) => accounts.storageChanged(key));
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
  else if (pasted.registration) app.invitedToRegister(pasted.registration);
});

const obstacle = unsupportedWords(window);
if (obstacle) app.showUnsupported(obstacle);
else if (token) app.invited(token);
else {
  if (registration) app.invitedToRegister(registration);
  const kept = keptToken();
  if (!kept) await Promise.race([accounts.begin(), new Promise((done) => setTimeout(done, PATIENCE_MS))]);
  app.start(kept);
}
