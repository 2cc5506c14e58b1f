import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { SignalingError } from "../../client_demo/protocol.js";
import { isolate, seat, settle } from "./fake_meeting.mjs";

isolate();

test("each method sends its request as the protocol has it", async () => {
  const { call, signaling } = await seat({}, "host");
  const { moderation } = call;
  signaling.sent.length = 0;
  await moderation.mute("bob", "microphone", true);
  await moderation.muteAll("camera");
  await moderation.allow("bob", "camera");
  await moderation.share("bob", false);
  await moderation.setRole("bob", "co-host");
  await moderation.passHost("bob");
  await moderation.remove("bob", true);
  await moderation.admit();
  await moderation.deny("guest", true);
  await moderation.lock(true);
  await moderation.suspend();
  await moderation.resume();
  await moderation.change({ chat: false });
  assert.deepEqual(signaling.sent, [
    { type: "participant.mute", participant_id: "bob", source: "microphone", hard: true },
    { type: "participants.mute", source: "camera", hard: false },
    { type: "participant.allow_unmute", participant_id: "bob", source: "camera" },
    { type: "screen_share.control", participant_id: "bob", allowed: false },
    { type: "participant.set_role", participant_id: "bob", role: "co-host" },
    { type: "host.pass", participant_id: "bob" },
    { type: "participant.remove", participant_id: "bob", ban: true },
    { type: "participant.admit", guest_id: null },
    { type: "lobby.deny", guest_id: "guest", block: true },
    { type: "meeting.lock", locked: true },
    { type: "meeting.suspend" },
    { type: "meeting.resume" },
    { type: "meeting.modify", chat: false },
  ]);
});

test("a refusal is told in words, and the method says that nothing was done", async () => {
  const { call, notices } = await seat({ "participant.mute": new SignalingError("forbidden", "only a host does that to a host") }, "host");
  assert.equal(await call.moderation.mute("ada", "microphone"), false);
  assert.equal(notices.at(-1).title, "Only a host can do that to a host");
});

test("many are allowed no faster than the server takes it, and no further after a refusal", async () => {
  const { call, signaling } = await seat({}, "host");
  signaling.sent.length = 0;
  const people = Array.from({ length: 12 }, (_, index) => `p${index}`);
  const done = call.moderation.allowAll(people, "microphone");
  await settle();
  assert.equal(signaling.sent.length, 10);
  mock.timers.tick(250);
  await settle();
  assert.equal(signaling.sent.length, 11);
  signaling.answers["participant.allow_unmute"] = new SignalingError("rate_limited", "");
  mock.timers.tick(250);
  assert.equal(await done, false);
});
