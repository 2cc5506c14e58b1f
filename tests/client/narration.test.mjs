import assert from "node:assert/strict";
import { test } from "node:test";

import { narrate } from "../../client_demo/narration.js";

const ada = { participant_id: "ada", display_name: "Ada", role: "participant", hand_raised: false, connected: true };
const me = { ...ada, participant_id: "me", display_name: "Me" };
const before = { self: { participant_id: "me" }, participants: { ada, me }, tracks: { s: { track_id: "s", participant_id: "ada", source: "screen" } } };
const changed = (participant) => narrate(before, { type: "participant.changed", participant });

test("what others do is said", () => {
  assert.equal(narrate(before, { type: "participant.joined", participant: { ...ada, participant_id: "bob", display_name: "Bob" } }).say, "Bob joined");
  assert.equal(narrate(before, { type: "participant.left", participant_id: "ada" }).say, "Ada left");
  assert.equal(changed({ ...ada, hand_raised: true }).say, "Ada raised a hand");
  assert.equal(changed({ ...ada, connected: false }).say, "Ada lost the connection");
  assert.equal(narrate(before, { type: "track.published", track: { participant_id: "ada", source: "screen" } }).say, "Ada shares the screen");
  assert.equal(narrate(before, { type: "track.unpublished", track_id: "s" }).say, "Ada stopped sharing");
  assert.equal(narrate(before, { type: "reaction", participant_id: "ada", reaction: "👍" }).say, "Ada reacts 👍");
});

test("a new host is shown to everybody", () => {
  assert.equal(changed({ ...ada, role: "host" }).notice.title, "Ada is the host now");
  assert.equal(changed({ ...me, role: "host" }).notice.title, "You are the host now");
});

test("what one did oneself, and what is not worth words, is not said", () => {
  assert.deepEqual(changed({ ...me, hand_raised: true }), {});
  assert.deepEqual(changed({ ...ada, role: "viewer" }), {});
  assert.deepEqual(narrate(before, { type: "track.published", track: { participant_id: "ada", source: "camera" } }), {});
  assert.deepEqual(narrate(before, { type: "speakers.active", participant_ids: ["ada"] }), {});
});
