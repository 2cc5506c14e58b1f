import assert from "node:assert/strict";
import { test } from "node:test";

import { describe, inOrder, phraseOf, spanWords } from "../../client_demo/invitation_list.js";

const NOW_S = 1_000_000;
const invitation = (changes = {}) => ({
  jti: "j", role: "viewer", seats: 1, max_uses: 0, uses: 0, present: 0, expires_at_s: NOW_S + 7_300, label: "Bob", revoked: false, ...changes,
});

test("a span is told in its largest unit", () => {
  const told = [[30, "less than a minute"], [60, "1 minute"], [7_300, "2 hours"], [86_400, "1 day"], [30 * 86_400, "30 days"]];
  for (const [seconds, words] of told) assert.equal(spanWords(seconds), words);
});

test("an invitation says whose it is, what it gives, how far it is used and how long it lasts", () => {
  const { name, kind, role, facts, state } = describe(invitation({ uses: 2, present: 1 }), NOW_S);
  assert.deepEqual([name, kind, role, state], ["Bob", "Personal", "Viewer", "good"]);
  assert.deepEqual(facts, ["1 here now", "used 2 times", "expires in 2 hours"]);
});

test("one without a label is called by its kind", () => {
  assert.equal(describe(invitation({ label: "" }), NOW_S).name, "Personal link");
  assert.equal(describe(invitation({ label: "", seats: 0 }), NOW_S).name, "Shareable link");
});

test("what cannot be used any more says why", () => {
  assert.equal(describe(invitation({ revoked: true }), NOW_S).state, "revoked");
  assert.equal(describe(invitation({ expires_at_s: NOW_S }), NOW_S).state, "expired");
  assert.equal(describe(invitation({ max_uses: 2, uses: 2 }), NOW_S).state, "spent");
  assert.deepEqual(describe(invitation({ max_uses: 2, uses: 1 }), NOW_S).facts[0], "used once of 2");
});

test("attempts from elsewhere are counted in words", () => {
  assert.match(describe(invitation(), NOW_S, 1).facts.at(-1), /^refused once on another device$/);
  assert.match(describe(invitation(), NOW_S, 3).facts.at(-1), /^refused 3 times/);
});

test("those one can act on come first, the newest at the top", () => {
  const list = [invitation({ jti: "old" }), invitation({ jti: "gone", revoked: true }), invitation({ jti: "new" })];
  assert.deepEqual(inOrder(list, NOW_S).map(({ jti }) => jti), ["new", "old", "gone"]);
});

test("a link has a name for a sentence", () => {
  assert.equal(phraseOf({ label: "Bob", seats: 1 }), "Bob’s personal link");
  assert.equal(phraseOf({ label: "", seats: 1 }), "a personal link");
  assert.equal(phraseOf({ label: "News", seats: 0 }), "the shareable link “News”");
});
