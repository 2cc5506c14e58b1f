import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { SignalingError } from "../../client_demo/protocol.js";
import { isolate, joined, make, seat, settle, types } from "./fake_meeting.mjs";
import { WELCOME } from "./fake_socket.mjs";

isolate();

const lose = (signaling, code, detail = "x") => {
  signaling.state = "closed";
  signaling.tell("lost", { code, detail });
};
const atTheDoor = async (answers) => {
  const made = await make("participant", answers);
  made.store.dispatch({ type: "reset", phase: "preview" });
  return made;
};
const LOBBY = { join: { state: "lobby", participant_id: null, role: "participant", title: "", snapshot: null } };

test("joining sends seat, declarations and offer without a wait between", async () => {
  const { call, signaling, store } = await make();
  await call.join("Ada");
  assert.deepEqual(types(signaling).slice(0, 4), ["join", "audio.publish", "video.publish", "publisher.offer"]);
  assert.equal(store.get().phase, "meeting");
  assert.deepEqual(Object.keys(store.get().tracks).sort(), ["a", "v"]);
});

test("a host opens the meeting that is not open", async () => {
  const { call, signaling } = await make("host", { hello: { role: "host", meeting_open: false, title: null } });
  await call.join("Ada");
  assert.deepEqual(signaling.sent[0], { type: "meeting.create", title: "Weekly" });
});

test("a viewer declares and offers nothing", async () => {
  const { call, signaling } = await make("viewer");
  await call.join("Eve");
  assert.deepEqual(types(signaling), ["join"]);
});

test("a refused seat leaves no peer connection and no complaint about the offer", async () => {
  const { call, notices } = await make("participant", { join: new SignalingError("conflict", "full"), "publisher.offer": new SignalingError("forbidden", "not joined") });
  await assert.rejects(call.join("Ada"), { code: "conflict" });
  await settle();
  assert.deepEqual(notices, []);
});

test("a session that is gone is replaced by a new seat with the same invitation", async () => {
  const { call, signaling, store } = await make();
  await call.join("Ada");
  signaling.state = "closed";
  signaling.tell("lost", { code: "resume_refused", detail: "" });
  await settle();
  assert.deepEqual(signaling.tokens, ["a.b.c", "a.b.c"]);
  assert.equal(types(signaling).filter((type) => type === "join").length, 2);
  assert.equal(store.get().phase, "meeting");
});

test("it waits for a meeting that its host has yet to open again", async () => {
  const { call, signaling, store } = await make();
  await call.join("Ada");
  signaling.answers.join = new SignalingError("not_found", "the meeting is absent");
  signaling.tell("lost", { code: "shutdown", detail: "" });
  await settle();
  assert.equal(store.get().phase, "meeting");
  assert.equal(store.get().connection, "reconnecting");
  signaling.answers.join = joined("participant");
  mock.timers.tick(2_000);
  await settle();
  assert.equal(types(signaling).filter((type) => type === "join").length, 3);
});

for (const code of ["replaced", "rate_limited", "ended", "unauthorized"]) {
  test(`closing with ${code} ends it`, async () => {
    const { call, signaling, store, devices } = await make();
    await call.join("Ada");
    signaling.tell("lost", { code, detail: "" });
    await settle();
    assert.equal(store.get().phase, "ended");
    assert.equal(store.get().ended.code, code);
    assert.equal(devices.tracks.audio, null);
    assert.deepEqual(signaling.tokens, ["a.b.c"]);
  });
}

test("a refused action is told and changes nothing", async () => {
  const { call, store, notices } = await make("participant", { "hand.raise": new SignalingError("rate_limited", "slower") });
  await call.join("Ada");
  await call.raiseHand(true);
  assert.equal(notices.length, 1);
  assert.equal(store.get().participants.me.hand_raised, false);
});

test("the end of the meeting stops devices and closes everything", async () => {
  const { call, signaling, store, devices } = await make();
  await call.join("Ada");
  signaling.tell("event", { type: "meeting.ended", reason: "host" });
  assert.equal(store.get().phase, "ended");
  assert.equal(devices.tracks.video, null);
  assert.equal(signaling.state, "closed");
});

test("media connections that the server gave up are made anew, and a second time only after a pause", async () => {
  const { call, signaling } = await make();
  await call.join("Ada", { muted: true });
  await settle();
  const fail = (transport) => signaling.tell("event", { type: "transport.state", transport, state: "failed", reason: "ice_timeout" });
  signaling.sent.length = 0;
  fail("publisher");
  await settle();
  assert.deepEqual(types(signaling).slice(0, 4), ["audio.publish", "video.publish", "publisher.offer", "audio.mute"]);
  signaling.sent.length = 0;
  fail("publisher");
  await settle();
  assert.deepEqual(types(signaling), []);
  mock.timers.tick(4_000);
  await settle();
  assert.deepEqual(types(signaling).slice(0, 3), ["audio.publish", "video.publish", "publisher.offer"]);
  signaling.tell("event", { type: "subscriber.offer", revision: 1, sdp: "offer" });
  await settle();
  signaling.sent.length = 0;
  fail("subscriber");
  await settle();
  assert.deepEqual(types(signaling), ["subscriber.restart"]);
});

test("a guest whose meeting ends is told", async () => {
  const { signaling, store, call } = await atTheDoor(LOBBY);
  await call.join("Bob").catch(() => {});
  signaling.tell("event", { type: "meeting.ended", reason: "host" });
  signaling.tell("lost", { code: "ended", detail: "host" });
  await settle();
  assert.equal(store.get().phase, "ended");
});

test("a guest whose connection was lost greets anew, as often as it takes, and asks again", async () => {
  const { signaling, store, call } = await atTheDoor(LOBBY);
  await call.join("Bob").catch(() => {});
  signaling.answers.hello = new SignalingError("connection_lost", "");
  lose(signaling, "resume_refused");
  await settle();
  assert.deepEqual([store.get().phase, store.get().admitted, signaling.tokens.length], ["preview", false, 2]);
  signaling.state = "closed";
  signaling.answers.hello = { role: "participant" };
  mock.timers.tick(2_000);
  await settle();
  assert.deepEqual([store.get().admitted, signaling.tokens.length], [true, 3]);
});

test("who waits for the host greets anew after a lost connection and learns that the meeting is open", async () => {
  const { signaling, store } = await atTheDoor({ hello: { meeting_open: false } });
  signaling.answers.hello = { meeting_open: true };
  lose(signaling, "resume_refused");
  await settle();
  assert.deepEqual([store.get().meeting.open, store.get().admitted, signaling.tokens.length], [true, false, 2]);
});

test("who gave up before the meeting is not greeted again", async () => {
  const { signaling, call } = await atTheDoor({});
  signaling.answers.hello = new SignalingError("connection_lost", "");
  lose(signaling, "resume_refused");
  await settle();
  call.dismiss();
  mock.timers.tick(10_000);
  await settle();
  assert.equal(signaling.tokens.length, 2);
});

for (const [name, code, hello] of [["whose link was revoked", "unauthorized", {}], ["who is refused at the new greeting", "resume_refused", new SignalingError("unauthorized", "revoked")]]) {
  test(`somebody before the door ${name} is told`, async () => {
    const { signaling, store } = await atTheDoor({});
    signaling.answers.hello = hello;
    lose(signaling, code);
    await settle();
    assert.deepEqual([store.get().phase, store.get().ended.code], ["ended", "unauthorized"]);
  });
}

test("a changed title is shown", async () => {
  const { signaling, store } = await seat();
  signaling.tell("event", { type: "meeting.changed", title: "New", state: "locked", settings: {} });
  assert.equal(store.get().meeting.title, "New");
});

test("being asked to unmute is kept until it is answered or done", async () => {
  const { signaling, store, call } = await seat();
  await call.own.setMicrophone(false);
  signaling.tell("event", { type: "unmute.requested", source: "microphone" });
  assert.equal(store.get().asked, "microphone");
  assert.equal(store.get().local.microphone, "muted");
  await call.own.setMicrophone(true);
  assert.equal(store.get().asked, null);
});

test("a guest knocks with a reason, and may stop waiting", async () => {
  const { signaling, call } = await atTheDoor(LOBBY);
  await assert.rejects(call.join("Bob"), { code: "lobby" });
  assert.equal(await call.knock("Bob", "I bring cake"), true);
  await call.stopWaiting();
  assert.deepEqual(signaling.sent.slice(-2), [{ type: "knock", display_name: "Bob", reason: "I bring cake" }, { type: "leave" }]);
  signaling.tell("lost", { code: "denied", detail: "" });
});

test("`admitted` does not outlive the session", async () => {
  const { signaling, store, call } = await make();
  signaling.tell("event", { type: "lobby.admitted" });
  await call.open("a.b.c", "Weekly");
  assert.equal(store.get().admitted, false);
});

test("a denied guest is told", async () => {
  const { signaling, store, call } = await atTheDoor(LOBBY);
  await call.join("Bob").catch(() => {});
  signaling.tell("lost", { code: "denied", detail: "x" });
  await settle();
  assert.equal(store.get().ended.code, "denied");
});

test("who leaves or is removed while sharing captures no screen any longer", async () => {
  const stopped = [];
  const { signaling, call } = await seat({ "screen.publish": { track_ids: ["s"] } });
  Object.defineProperty(globalThis, "navigator", { configurable: true, value: { mediaDevices: { getDisplayMedia: async () => ({ getVideoTracks: () => [{ kind: "video", stop: () => stopped.push(1) }], getAudioTracks: () => [] }) } } });
  await call.own.setScreen(true); await settle();
  signaling.tell("lost", { code: "removed", detail: "x" });
  await settle();
  assert.equal(stopped.length, 1);
});

test("who did not hear that they have a seat gives it back before they ask for another", async () => {
  const { call, signaling, store } = await make("participant", { join: new SignalingError("connection_lost", "") });
  await assert.rejects(call.join("Ada"), { code: "connection_lost" });
  signaling.tell("resumed", { ...WELCOME, ...joined("participant"), resumed: true });
  signaling.sent.length = 0;
  signaling.answers.join = joined("participant");
  await call.join("Ada");
  assert.deepEqual(types(signaling).slice(0, 3), ["leave", "join", "audio.publish"]);
  assert.equal(store.get().phase, "meeting");
});
