import assert from "node:assert/strict";
import { test } from "node:test";

import { FailureCount, actionWords, passwordWords, registerWords, shareWords, signInWords } from "../../client_demo/account_words.js";

const ABOUT = { registration: "open", open_creation: false, lock_failures: 3, lock_s: 900 };
const refused = (code, detail = "", status = 403) => ({ code, detail, status });

test("a wrong password and a locked name are told apart as far as the page knows", () => {
  const wrong = signInWords(refused("unauthorized"), ABOUT);
  assert.equal(wrong.title, "Name or password is wrong");
  assert.match(wrong.text, /After 3 wrong attempts a name is locked for 15 minutes/);
  const locked = signInWords(refused("unauthorized"), ABOUT, Date.UTC(2027, 0, 1, 12, 30));
  assert.match(locked.title, /^This name is locked until \d{1,2}:\d\d/);
  assert.match(locked.text, /even the right password/);
  assert.doesNotMatch(signInWords(refused("unauthorized"), null).text, /undefined|null/);
});

test("no connection, too many attempts and a busy server have words of their own", () => {
  assert.match(signInWords(refused("connection_lost"), ABOUT).title, /cannot be reached/);
  assert.match(signInWords(refused("rate_limited"), ABOUT).text, /Wait 15 minutes/);
  assert.match(signInWords(refused("unavailable"), ABOUT).title, /cannot do this now/);
  assert.match(signInWords(refused("timeout"), ABOUT).title, /does not answer/);
});

test("what keeps one from registering says what to do", () => {
  assert.match(registerWords(refused("conflict")).title, /taken/);
  assert.match(registerWords(refused("forbidden")).text, /administrator/);
  assert.match(registerWords(refused("unauthorized")).title, /not good any more/);
  assert.equal(registerWords(refused("invalid", "a password has 12 to 128 characters")).text, "A password has 12 to 128 characters.");
});

test("a wrong current password is not a lack of rights", () => {
  assert.match(passwordWords(refused("forbidden"), ABOUT).title, /current password is wrong/);
  assert.match(actionWords(refused("forbidden", "nobody may")).title, /Not allowed/);
});

test("a session that is over is said for whatever one did", () => {
  assert.match(actionWords(refused("unauthorized", "", 401)).title, /signed out/);
  assert.match(passwordWords(refused("unauthorized", "", 401), ABOUT).title, /signed out/);
});

test("an account that nobody has is named", () => {
  assert.match(shareWords(refused("not_found"), "bob").text, /“bob”/);
  assert.match(shareWords(refused("conflict", "the meeting is the owner's already"), "ada").title, /Already/);
});

test("failures are counted per name as the server counts them", () => {
  let now = 0;
  const failures = new FailureCount(() => now);
  assert.equal(failures.fail("Ada", ABOUT), null);
  assert.equal(failures.fail("ada ", ABOUT), null);
  assert.equal(failures.fail("bob", ABOUT), null);
  assert.equal(failures.fail("ADA", ABOUT), 900_000);
  now = 500_000;
  assert.equal(failures.fail("ada", ABOUT), 900_000, "attempts during a lock do not prolong it");
  now = 900_001;
  assert.equal(failures.fail("ada", ABOUT), null);
});

test("a success, or enough time, begins the count anew", () => {
  let now = 0;
  const failures = new FailureCount(() => now);
  for (let times = 0; times < 2; times += 1) failures.fail("ada", ABOUT);
  failures.succeed("Ada");
  assert.equal(failures.fail("ada", ABOUT), null);
  failures.fail("ada", ABOUT);
  now = 900_000;
  assert.equal(failures.fail("ada", ABOUT), null);
  assert.equal(failures.fail("ada", null), null, "a server that does not say locks nobody here");
});
