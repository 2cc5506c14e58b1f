import assert from "node:assert/strict";
import { test } from "node:test";

import { personActions } from "../../client_demo/person_actions.js";
import { GRANTS, ROLES } from "../../client_demo/roles.js";
import { INITIAL_STATE } from "../../client_demo/store.js";

const NEEDS = { mute: "participant.mute", allow: "participant.mute", share: "screen_share.control", setRole: "meeting.modify", passHost: "meeting.modify", remove: "participant.remove" };

function state(mine, theirs, { held = [], tracks = [], phase = "active", sharing = "all" } = {}) {
  const person = (id, role, fields = {}) => ({ participant_id: id, display_name: id, role, held: [], ...fields });
  return {
    ...INITIAL_STATE,
    self: { participant_id: "me", role: mine },
    participants: { me: person("me", mine), bob: person("bob", theirs, { held }) },
    tracks: Object.fromEntries(tracks.map(([source, muted]) => [source, { track_id: source, participant_id: "bob", source, muted }])),
    meeting: { ...INITIAL_STATE.meeting, state: phase, settings: { ...INITIAL_STATE.meeting.settings, screen_share: sharing } },
  };
}

const labels = (...parts) => personActions(state(...parts), "bob").map((entry) => entry.label ?? entry.title);
const runs = (...parts) => personActions(state(...parts), "bob").filter((entry) => entry.run).map((entry) => entry.run);

test("nobody is offered what their role does not hold", () => {
  for (const mine of ROLES) {
    for (const theirs of ROLES) {
      for (const [method] of runs(mine, theirs, { held: ["screen"] })) assert.ok(GRANTS[mine].has(NEEDS[method]), `${mine} ${method}`);
    }
  }
  assert.deepEqual(labels("participant", "viewer"), []);
  assert.deepEqual(labels("viewer", "participant"), []);
});

test("a host is out of a co-host's reach, and nobody moderates themselves", () => {
  assert.deepEqual(labels("co-host", "host"), []);
  assert.deepEqual(personActions(state("host", "participant"), "me"), []);
  assert.deepEqual(personActions(state("host", "participant"), "gone"), []);
});

test("who talks can be muted, softly or for good", () => {
  const offered = labels("co-host", "participant", { tracks: [["microphone", false], ["camera", false]] });
  assert.deepEqual(offered, ["Mute", "Keep muted", "Stop video", "Keep video off", "Forbid screen share"]);
});

test("who is kept muted can be allowed, who is muted can be asked, and never is anybody unmuted", () => {
  const held = labels("co-host", "participant", { held: ["microphone", "camera"], tracks: [["microphone", true], ["camera", true]] });
  assert.deepEqual(held, ["Allow to unmute", "Allow video", "Forbid screen share"]);
  const muted = labels("co-host", "participant", { tracks: [["microphone", true]] });
  assert.deepEqual(muted.slice(0, 4), ["Keep muted", "Ask to unmute", "Keep video off", "Ask to start video"]);
});

test("a suspended meeting offers no asking, as the server takes none", () => {
  const offered = labels("co-host", "participant", { phase: "suspended", held: ["microphone"], tracks: [["camera", true]] });
  assert.deepEqual(offered, ["Keep video off", "Forbid screen share"]);
});

test("a screen share can be stopped, allowed again, and granted where only hosts share", () => {
  assert.ok(labels("co-host", "participant", { tracks: [["screen", false]] }).includes("Stop screen share"));
  assert.deepEqual(runs("co-host", "participant", { held: ["screen"] }).at(-1), ["share", "bob", true]);
  assert.ok(labels("co-host", "participant", { sharing: "hosts" }).includes("Let share the screen"));
  assert.ok(labels("co-host", "co-host", { sharing: "hosts" }).includes("Forbid screen share"));
});

test("a host moves others up and down the ladder, and hands over after a question", () => {
  const roles = (theirs) => labels("host", theirs).filter((label) => /^(Make|Hand)/.test(label));
  assert.deepEqual(roles("participant"), ["Make co-host", "Make viewer", "Make host too", "Hand over as host"]);
  assert.deepEqual(roles("co-host"), ["Make participant", "Make viewer", "Make host too", "Hand over as host"]);
  assert.deepEqual(roles("host"), ["Make co-host", "Make participant", "Make viewer"]);
  const grave = personActions(state("host", "participant"), "bob").filter((entry) => entry.confirm);
  assert.deepEqual(grave.map((entry) => entry.run[0]), ["setRole", "setRole", "passHost", "remove", "remove"]);
});
