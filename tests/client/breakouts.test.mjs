import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { spread } from "../../client_demo/breakouts.js";
import { SignalingError } from "../../client_demo/protocol.js";
import { isolate, joined, make, person, seat, settle, types } from "./fake_meeting.mjs";
import { WELCOME } from "./fake_socket.mjs";

isolate();

const ROOMS = [{ breakout_id: "blue", title: "Blue", participants: 1 }, { breakout_id: "red", title: "Red", participants: 0 }];
const inRoom = (breakout_id, moves) => ({
  ...joined("participant").snapshot, participants: [{ ...person("me", "participant"), breakout_id }], breakouts: ROOMS, breakout_id, moves,
});
const entered = (breakout_id, moves) => ({ type: "breakout.entered", breakout_id, snapshot: inRoom(breakout_id, moves) });

test("people are spread evenly, each into one room", () => {
  const people = Array.from({ length: 11 }, (_, index) => `p${index}`);
  const places = spread(people, ["a", "b", "c"], () => 0.3);
  assert.deepEqual(places.map(([id]) => id).sort(), [...people].sort());
  const sizes = ["a", "b", "c"].map((room) => places.filter(([, place]) => place === room).length);
  assert.deepEqual(sizes, [4, 4, 3]);
  assert.deepEqual(spread(people, []), []);
});

test("who is moved says so first and publishes anew, and shows the new room", async () => {
  const { signaling, store } = await seat();
  signaling.sent.length = 0;
  signaling.tell("event", entered("blue", 1));
  await settle();
  assert.deepEqual(types(signaling), ["breakout.ready", "audio.publish", "video.publish", "publisher.offer"]);
  assert.equal(signaling.sent[0].moves, 1);
  assert.equal(store.get().place.breakout_id, "blue");
  assert.deepEqual(Object.keys(store.get().tracks).sort(), ["a", "v"]);
});

test("a muted microphone stays muted in the next room", async () => {
  const { signaling, call, store } = await make();
  await call.join("Bob", { muted: true });
  await settle();
  signaling.sent.length = 0;
  signaling.tell("event", entered("blue", 1));
  await settle();
  assert.deepEqual(signaling.sent.at(-1), { type: "audio.mute", track_id: "a", muted: true });
  assert.equal(store.get().local.microphone, "muted");
});

test("who is moved twice publishes only in the second room", async () => {
  const { signaling } = await seat();
  signaling.sent.length = 0;
  signaling.answers["breakout.ready"] = new SignalingError("conflict", "moved again");
  signaling.tell("event", entered("blue", 1));
  await settle();
  assert.deepEqual(types(signaling), ["breakout.ready"]);
  signaling.answers["breakout.ready"] = {};
  signaling.tell("event", entered("red", 2));
  await settle();
  assert.deepEqual(types(signaling), ["breakout.ready", "breakout.ready", "audio.publish", "video.publish", "publisher.offer"]);
});

test("who was moved while the connection was lost notices after the resume", async () => {
  const { signaling, store, notices } = await seat();
  signaling.sent.length = 0;
  signaling.tell("resumed", { ...WELCOME, resumed: true, snapshot: inRoom("red", 1) });
  await settle();
  assert.equal(notices.at(-1).title, "You are in Red");
  assert.equal(signaling.sent[0].type, "breakout.ready");
  assert.equal(store.get().place.breakout_id, "red");
});

test("who lost the connection before the move was answered answers it after the resume", async () => {
  const { signaling } = await seat();
  signaling.answers["breakout.ready"] = new SignalingError("connection_lost", "");
  signaling.tell("event", entered("blue", 1));
  await settle();
  signaling.answers["breakout.ready"] = {};
  signaling.sent.length = 0;
  signaling.tell("resumed", { ...WELCOME, resumed: true, snapshot: inRoom("blue", 1) });
  await settle();
  assert.deepEqual(types(signaling), ["breakout.ready", "audio.publish", "video.publish", "publisher.offer"]);
});

test("a request that a move overtook is no news, another refusal is", async () => {
  const { signaling, call, notices } = await seat();
  let refuse;
  signaling.answers["hand.raise"] = { then: (_, reject) => (refuse = reject) };
  const raised = call.raiseHand(true);
  await settle();
  signaling.tell("event", entered("blue", 1));
  await settle();
  refuse(new SignalingError("conflict", "media are not ready"));
  await raised;
  assert.deepEqual(notices.map(({ tone }) => tone), ["info"]);
  signaling.answers["breakout.enter"] = new SignalingError("forbidden", "not assigned");
  assert.equal(await call.breakouts.enter("red"), false);
  assert.equal(notices.at(-1).tone, "error");
});

test("the server is told again that one has arrived when it had no time to listen", async () => {
  const { signaling, notices } = await seat();
  signaling.sent.length = 0;
  signaling.answers["breakout.ready"] = new SignalingError("rate_limited", "slower");
  signaling.tell("event", entered("blue", 1));
  await settle();
  signaling.answers["breakout.ready"] = {};
  mock.timers.tick(2_000);
  await settle();
  assert.deepEqual(types(signaling), ["breakout.ready", "breakout.ready", "audio.publish", "video.publish", "publisher.offer"]);
  assert.deepEqual(notices.filter(({ tone }) => tone === "error"), []);
});

test("the server is not told of a room that one has left meanwhile", async () => {
  const { signaling } = await seat();
  signaling.sent.length = 0;
  signaling.answers["breakout.ready"] = ({ moves }) => (moves === 1 ? new SignalingError("timeout", "") : {});
  signaling.tell("event", entered("blue", 1));
  await settle();
  signaling.tell("event", entered("red", 2));
  await settle();
  mock.timers.tick(2_000);
  await settle();
  assert.deepEqual(signaling.sent.filter(({ type }) => type === "breakout.ready").map(({ moves }) => moves), [1, 2]);
});

test("who has gone or cannot change the room keeps nobody else from being moved", async () => {
  const { signaling, call, notices } = await seat({}, "host");
  const refusals = { gone: new SignalingError("not_found", "no such participant"), encoder: new SignalingError("forbidden", "a client without signaling cannot change the room") };
  signaling.answers["breakout.manage"] = ({ participant_id }) => refusals[participant_id] ?? {};
  const done = [];
  assert.equal(await call.breakouts.moveAll(["gone", "encoder", "bob"].map((id) => [id, "blue"]), (count) => done.push(count)), true);
  assert.deepEqual([done, notices], [[1, 2, 3], []]);
});

test("many moves are paced, and the first refusal stops them", async () => {
  const { signaling, call } = await seat({}, "host");
  signaling.sent.length = 0;
  const progress = [];
  const all = call.breakouts.moveAll(Array.from({ length: 12 }, (_, index) => [`p${index}`, "blue"]), (done) => progress.push(done));
  await settle();
  assert.equal(signaling.sent.length, 10);
  mock.timers.tick(250);
  await settle();
  signaling.answers["breakout.manage"] = new SignalingError("forbidden", "the breakout rooms are closing");
  mock.timers.tick(250);
  assert.equal(await all, false);
  assert.equal(progress.at(-1), 11);
});
