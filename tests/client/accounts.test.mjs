import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { AccountError, Accounts } from "../../client_demo/accounts.js";

const USER = { user_id: "u".repeat(16), username: "ada", role: "user", permissions: ["read", "write"] };
const SIGNED_IN = { user: USER, sign_in_id: "s1", csrf_token: "csrf-1", access_token: "access-1", expires_in_s: 1_800 };
const ABOUT = { registration: "open", open_creation: false, lock_failures: 5, lock_s: 900 };

let kept;
let asked;
let answers;
let now;

const storage = {
  getItem: (key) => kept.get(key) ?? null,
  setItem: (key, value) => kept.set(key, value),
  removeItem: (key) => kept.delete(key),
};

const answer = (status, body) => ({ status, ok: status < 400, json: async () => body });
const refusal = (status, code, detail = "") => answer(status, { status, code, detail });

async function fetch(path, { method, headers, body }) {
  asked.push({ request: `${method} ${path.replace("/api/v1", "")}`, headers, body: body && JSON.parse(body) });
  const found = answers[asked.at(-1).request];
  if (found instanceof Error) throw found;
  return typeof found === "function" ? found() : (found ?? refusal(404, "not_found"));
}

beforeEach(() => {
  kept = new Map();
  asked = [];
  answers = {
    "GET /about": answer(200, ABOUT),
    "POST /auth/login": answer(200, SIGNED_IN),
    "POST /auth/logout": answer(204),
    "POST /auth/logout-all": answer(204),
    "GET /auth/session": answer(200, { user: USER, sign_in_id: "s1", csrf_token: "csrf-1" }),
    "POST /auth/token": answer(200, { access_token: "access-2", expires_in_s: 1_800 }),
  };
  now = 1_000_000;
});

const make = () => new Accounts({ fetch, storage, now: () => now });

function gather(accounts) {
  const reasons = [];
  accounts.addEventListener("changed", ({ detail }) => reasons.push([detail.reason, detail.user?.username ?? null]));
  return reasons;
}

async function signedIn() {
  const accounts = make();
  await accounts.signIn("ada", "secret");
  asked = [];
  return accounts;
}

test("signing in asks for a cookie, and nothing secret is kept where it lasts", async () => {
  const accounts = make();
  const reasons = gather(accounts);
  await accounts.signIn("ada", "secret");
  assert.deepEqual(asked[0].body, { username: "ada", password: "secret", browser: true });
  assert.equal(accounts.user.username, "ada");
  assert.deepEqual(reasons, [["signed_in", "ada"]]);
  assert.deepEqual([...kept.values()], ["s1"]);
});

test("a guest is not asked about", async () => {
  const accounts = make();
  await accounts.begin();
  assert.deepEqual(asked.map(({ request }) => request), ["GET /about"]);
  assert.deepEqual(accounts.about, ABOUT);
  assert.equal(accounts.user, null);
  assert.deepEqual(await accounts.identity(), {});
});

test("a page that is loaded anew takes the session up", async () => {
  kept.set("conclave.account", "s1");
  const accounts = make();
  const reasons = gather(accounts);
  await Promise.all([accounts.begin(), accounts.begin()]);
  assert.equal(asked.filter(({ request }) => request === "GET /auth/session").length, 1);
  assert.deepEqual(reasons, [["signed_in", "ada"]]);
  answers["POST /me/meetings"] = answer(201, { meeting_id: "m" });
  await accounts.createMeeting("Weekly");
  assert.equal(asked.at(-1).headers["X-CSRF-Token"], "csrf-1");
});

test("a session that is over leaves a guest without a trace", async () => {
  kept.set("conclave.account", "s1");
  answers["GET /auth/session"] = refusal(401, "unauthorized");
  const accounts = make();
  await accounts.begin();
  assert.equal(accounts.user, null);
  assert.equal(kept.size, 0);
});

test("a server that cannot be reached keeps the trace for later", async () => {
  kept.set("conclave.account", "s1");
  answers["GET /auth/session"] = answers["GET /about"] = new TypeError("network");
  const accounts = make();
  await accounts.begin();
  assert.equal(kept.get("conclave.account"), "s1");
  assert.equal(accounts.about, null);
});

test("what changes something carries the CSRF token, what reads does not", async () => {
  const accounts = await signedIn();
  answers["GET /me/meetings"] = answer(200, { meetings: [] });
  answers["DELETE /meetings/m"] = answer(204);
  await accounts.meetings();
  await accounts.deleteMeeting("m");
  assert.deepEqual(asked.map(({ headers }) => headers["X-CSRF-Token"]), [undefined, "csrf-1"]);
});

test("an access token is kept while it lasts and exchanged before it expires", async () => {
  const accounts = await signedIn();
  assert.deepEqual(await accounts.identity(), { access_token: "access-1" });
  assert.equal(asked.some(({ request }) => request === "POST /auth/token"), false);
  now += 1_750_000;
  assert.deepEqual(await accounts.identity(), { access_token: "access-2" });
});

test("whoever was signed out elsewhere joins as a guest", async () => {
  const accounts = await signedIn();
  const reasons = gather(accounts);
  now += 10_000_000;
  answers["POST /auth/token"] = refusal(401, "unauthorized");
  assert.deepEqual(await accounts.identity(), {});
  assert.deepEqual(reasons, [["expired", null]]);
});

test("a server that cannot say who one is keeps one from joining as a guest unnoticed", async () => {
  const accounts = await signedIn();
  now += 10_000_000;
  answers["POST /auth/token"] = refusal(503, "unavailable");
  await assert.rejects(accounts.identity(), { code: "unavailable" });
});

test("a wrong password tells its reason and signs nobody out", async () => {
  const accounts = await signedIn();
  answers["POST /auth/login"] = refusal(401, "unauthorized", "name or password is wrong");
  await assert.rejects(accounts.signIn("ada", "x"), (error) => error instanceof AccountError && error.status === 401);
  assert.equal(accounts.user.username, "ada");
});

for (const [all, path] of [[false, "POST /auth/logout"], [true, "POST /auth/logout-all"]]) {
  test(`signing out ${all ? "everywhere" : "here"} forgets everything, also when the session was over already`, async () => {
    for (const outcome of [answer(204), refusal(401, "unauthorized")]) {
      const accounts = await signedIn();
      const reasons = gather(accounts);
      answers[path] = outcome;
      await (all ? accounts.signOutEverywhere() : accounts.signOut());
      assert.equal(asked[0].request, path);
      assert.deepEqual(reasons, [["signed_out", null]]);
      assert.equal(kept.size, 0);
      assert.deepEqual(await accounts.identity(), {});
    }
  });
}

test("a sign-out that did not reach the server is told, and one stays signed in", async () => {
  const accounts = await signedIn();
  answers["POST /auth/logout"] = new TypeError("network");
  await assert.rejects(accounts.signOut(), { code: "connection_lost" });
  assert.equal(accounts.user.username, "ada");
});

test("registering signs in with the new account", async () => {
  answers["POST /auth/register"] = answer(201, USER);
  const accounts = make();
  await accounts.register({ username: "ada", password: "secret", registration: "a.b.c" });
  assert.deepEqual(asked.map(({ request }) => request), ["POST /auth/register", "POST /auth/login"]);
  assert.equal(asked[0].body.registration, "a.b.c");
});

test("a new password brings a new session without telling of another user", async () => {
  const accounts = await signedIn();
  const reasons = gather(accounts);
  answers["POST /auth/password"] = answer(200, { ...SIGNED_IN, sign_in_id: "s2", csrf_token: "csrf-2", access_token: "access-3" });
  answers["GET /auth/session"] = answer(200, { user: USER, sign_in_id: "s2", csrf_token: "csrf-2" });
  await accounts.changePassword("secret", "better");
  assert.deepEqual(reasons, []);
  assert.equal(kept.get("conclave.account"), "s2");
  assert.deepEqual(await accounts.identity(), { access_token: "access-3" });
});

test("another tab that signs in or out is followed", async () => {
  const accounts = await signedIn();
  const reasons = gather(accounts);
  await accounts.storageChanged("conclave.theme");
  await accounts.storageChanged("conclave.account");
  assert.deepEqual(asked, []);
  kept.delete("conclave.account");
  await accounts.storageChanged("conclave.account");
  assert.deepEqual(reasons, [["signed_out", null]]);
  kept.set("conclave.account", "s9");
  await accounts.storageChanged("conclave.account");
  assert.deepEqual(reasons.at(-1), ["signed_in", "ada"]);
});

test("what is no answer of the server's becomes a code as well", async () => {
  const accounts = await signedIn();
  answers["GET /me/meetings"] = { status: 502, ok: false, json: async () => { throw new SyntaxError("html"); } };
  await assert.rejects(accounts.meetings(), { code: "unavailable", status: 502 });
  answers["GET /me/meetings"] = Object.assign(new Error("slow"), { name: "TimeoutError" });
  await assert.rejects(accounts.meetings(), { code: "timeout", status: 0 });
});

test("what one may do follows the permissions of the account", async () => {
  const accounts = await signedIn();
  assert.equal(accounts.may("write"), true);
  assert.equal(accounts.may("admin"), false);
  assert.equal(make().may("read"), false);
});

test("a browser that keeps nothing is no obstacle", async () => {
  const deny = () => { throw new DOMException("denied", "SecurityError"); };
  const accounts = new Accounts({ fetch, storage: { getItem: deny, setItem: deny, removeItem: deny } });
  await accounts.begin();
  await accounts.signIn("ada", "secret");
  assert.equal(accounts.user.username, "ada");
});
