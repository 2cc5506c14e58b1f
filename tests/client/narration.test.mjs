import assert from "node:assert/strict";
import { test } from "node:test";

import { narrate } from "../../client_demo/narration.js";
import { INITIAL_STATE } from "../../client_demo/store.js";

const ada = { participant_id: "ada", display_name: "Ada", role: "participant", hand_raised: false, connected: true };
const me = { ...ada, participant_id: "me", display_name: "Me" };
const before = {
  self: { participant_id: "me" }, participants: { ada, me }, tracks: { s: { track_id: "s", participant_id: "ada", source: "screen" } },
  lobby: [], meeting: { state: "active" }, recording: { state: "off" },
};
const changed = (participant) => narrate(before, { type: "participant.changed", participant });

test("what others do is said", () => {
  assert.equal(narrate(before, { type: "participant.joined", participant: { ...ada, participant_id: "bob", display_name: "Bob" } }).say, "Bob joined");
  assert.equal(narrate(before, { type: "participant.left", participant_id: "ada" }).say, "Ada left");
  assert.equal(narrate(before, { type: "participant.left", participant_id: "ada", reason: "hidden" }).say, undefined);
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

const guest = (id, reason = "") => ({ guest_id: id, display_name: id, reason });
const knocked = (lobby, guests) => narrate({ ...before, lobby }, { type: "lobby.changed", guests });

test("who knocks is said, and what they say; who has gone is not", () => {
  assert.equal(knocked([], [guest("Eve")]).say, "Eve waits to be let in");
  assert.equal(knocked([], [guest("Eve"), guest("Bob")]).say, "2 people wait to be let in");
  assert.equal(knocked([guest("Eve")], [guest("Eve", "cake")]).say, "Eve, who waits, says: cake");
  assert.deepEqual(knocked([guest("Eve")], []), {});
});

test("what becomes of the meeting and of its recording is said once", () => {
  const state = (old, now) => narrate({ ...before, meeting: { state: old } }, { type: "meeting.changed", state: now }).say;
  assert.match(state("active", "suspended"), /suspended/);
  assert.match(state("suspended", "locked"), /goes on/);
  assert.match(state("active", "locked"), /locked/);
  assert.equal(state("locked", "locked"), undefined);
  const course = (old, now) => narrate({ ...before, recording: { state: old } }, { type: "recording.changed", recording: { state: now } }).say;
  assert.deepEqual(
    [course("off", "recording"), course("recording", "paused"), course("paused", "recording"), course("recording", "off"), course("off", "off")],
    ["The meeting is being recorded", "The recording is paused", "The recording goes on", "The recording has ended", undefined],
  );
});

test("one's own new role, and the leave to share again, are shown to oneself", () => {
  assert.equal(changed({ ...me, role: "co-host" }).notice.title, "You are co-host now");
  const held = { ...before, participants: { me: { ...me, held: ["screen"] } } };
  assert.match(narrate(held, { type: "participant.changed", participant: { ...me, held: [] } }).notice.title, /share your screen again/);
});

test("breakout rooms are told: opening, moving, announcing, closing", () => {
  const rooms = [{ breakout_id: "blue", title: "Blue", participants: 0 }];
  const before = { ...INITIAL_STATE, self: { participant_id: "me" } };
  const opened = narrate(before, { type: "breakouts.changed", breakouts: rooms, self_choose: true, closes_in_s: null });
  assert.match(opened.notice.text, /Choose one/);
  const inside = { ...before, breakouts: { rooms, self_choose: true, closes_in_s: null } };
  assert.deepEqual(narrate(inside, { type: "breakouts.changed", breakouts: rooms, self_choose: true, closes_in_s: null }), {});
  assert.match(narrate(inside, { type: "breakouts.changed", breakouts: rooms, self_choose: true, closes_in_s: 60 }).say, /close in 60 seconds/);
  const host = { ...before, self: { participant_id: "me", role: "host" } };
  assert.deepEqual(narrate(host, { type: "breakouts.changed", breakouts: rooms, self_choose: true, closes_in_s: null }), {});
  assert.match(narrate(inside, { type: "breakouts.changed", breakouts: [], self_choose: false, closes_in_s: null }).notice.title, /closed/);
  assert.match(narrate(before, { type: "breakout.entered", breakout_id: "blue", snapshot: { breakouts: rooms } }).notice.title, /in Blue/);
  assert.match(narrate(before, { type: "breakout.entered", breakout_id: null, snapshot: { breakouts: rooms } }).notice.title, /main room/);
  assert.deepEqual(narrate(before, { type: "breakout.announced", text: "Five minutes", display_name: "Ada" }).notice, { title: "Ada to all rooms", text: "Five minutes" });
  assert.equal(narrate(before, { type: "participants.moved", participants: [{ participant_id: "b", display_name: "Bob" }] }).say, "Bob came in");
});

test("a personal link that somebody else tries is everybody's warning, with what to act on", () => {
  const { notice } = narrate(before, { type: "invitation.reused", jti: "j", role: "viewer", label: "Bob" });
  assert.deepEqual([notice.tone, notice.jti, notice.label], ["warning", "j", "Bob"]);
  assert.equal(notice.title, "Somebody tried to use Bob’s personal link from another device");
});
