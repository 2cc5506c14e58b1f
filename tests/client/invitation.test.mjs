import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { forget, guestNameOf, keep, keptTitle, keptToken, parseFragment, roleOf, takeFromAddress, tokenOf } from "../../client_demo/invitation.js";

const TOKEN = `eyJhbGciOiJFZERTQSJ9.${Buffer.from('{"role":"viewer"}').toString("base64url")}.c2ln`;

beforeEach(() => {
  const kept = new Map();
  globalThis.sessionStorage = {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => kept.set(key, value),
    removeItem: (key) => kept.delete(key),
  };
  globalThis.location = { hash: "", pathname: "/" };
  globalThis.history = { replaceState: (_state, _title, url) => (location.hash = url.split("#")[1] ?? "") };
});

test("the token leaves the address bar and can be kept in the tab", () => {
  location.hash = `#${TOKEN}`;
  assert.equal(takeFromAddress().token, TOKEN);
  assert.equal(location.hash, "");
  assert.equal(takeFromAddress().token, null);
  keep({ token: TOKEN });
  assert.equal(keptToken(), TOKEN);
  forget();
  assert.equal(keptToken(), null);
});

test("the codec can be chosen in the fragment, nothing else can", () => {
  assert.deepEqual(parseFragment(`#${TOKEN}&codec=json`), { token: TOKEN, registration: null, codec: "json" });
  assert.deepEqual(parseFragment("#codec=xml&theme=dark"), { token: null, registration: null, codec: null });
});

test("a link to register with is told apart from an invitation and leaves the address bar too", () => {
  location.hash = `#register=${TOKEN}`;
  assert.deepEqual(takeFromAddress(), { token: null, registration: TOKEN, codec: null });
  assert.equal(location.hash, "");
  assert.equal(parseFragment("#register=nonsense").registration, null);
});

test("a personal invitation suggests a name", () => {
  const named = `a.${Buffer.from('{"name":"Zoë"}').toString("base64url")}.c`;
  assert.equal(guestNameOf(named), "Zoë");
  assert.equal(guestNameOf(TOKEN), null);
  assert.equal(guestNameOf("a.b.c"), null);
});

test("a pasted link or a bare token is understood, other text is not", () => {
  assert.equal(tokenOf(` https://host.example/#${TOKEN} `), TOKEN);
  assert.equal(tokenOf(TOKEN), TOKEN);
  assert.equal(tokenOf("https://host.example/"), null);
  assert.equal(tokenOf("https://host.example/#<script>"), null);
  assert.equal(tokenOf("hello"), null);
});

test("the claimed role is read without trusting the form", () => {
  assert.equal(roleOf(TOKEN), "viewer");
  assert.equal(roleOf("a.b.c"), null);
  assert.equal(roleOf("nonsense"), null);
});

test("another invitation forgets the title of the one before", () => {
  keep({ token: TOKEN, title: "Weekly" });
  assert.equal(keptTitle(), "Weekly");
  keep({ token: TOKEN });
  assert.equal(keptTitle(), null);
});
