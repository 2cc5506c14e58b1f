import assert from "node:assert/strict";
import { test } from "node:test";

import { SignalingError } from "../../client_demo/protocol.js";
import { isolate, joined, make, mic, person, seat, settle } from "./fake_meeting.mjs";
import { WELCOME } from "./fake_socket.mjs";

isolate();

test("who joins muted is muted on the wire as well", async () => {
  const { call, signaling, devices, store } = await make();
  await call.join("Ada", { muted: true });
  assert.equal(devices.tracks.audio.enabled, false);
  assert.deepEqual(signaling.sent.at(-1), { type: "audio.mute", track_id: "a", muted: true });
  assert.equal(store.get().tracks.a.muted, true);
});

test("after a resume one's own mute states are sent again", async () => {
  const { call, signaling } = await make();
  await call.join("Ada");
  await call.own.setMicrophone(false);
  signaling.sent.length = 0;
  const tracks = [
    { track_id: "a", participant_id: "me", source: "microphone", kind: "audio", muted: false },
    { track_id: "v", participant_id: "me", source: "camera", kind: "video", muted: false },
  ];
  signaling.tell("resumed", { ...WELCOME, resumed: true, snapshot: { ...joined("participant").snapshot, tracks } });
  await settle();
  assert.deepEqual(signaling.sent, [
    { type: "audio.mute", track_id: "a", muted: true },
    { type: "video.mute", track_id: "v", muted: false },
  ]);
});

test("a camera that a host stopped goes off", async () => {
  const { signaling, store, notices } = await seat();
  signaling.tell("event", { type: "track.changed", track: { track_id: "v", participant_id: "me", source: "camera", kind: "video", muted: true } });
  await settle();
  assert.equal(store.get().local.camera, "off");
  assert.equal(notices[0].title, "A host stopped your camera");
});

test("a screen share that a host stopped is no longer captured", async () => {
  const stopped = [];
  const { signaling, store, call } = await seat({ "screen.publish": { track_ids: ["s"] } });
  Object.defineProperty(globalThis, "navigator", { configurable: true, value: { mediaDevices: { getDisplayMedia: async () => ({ getVideoTracks: () => [{ kind: "video", stop: () => stopped.push(1) }], getAudioTracks: () => [] }) } } });
  await call.own.setScreen(true); await settle();
  assert.equal(store.get().local.screen, true, "precondition");
  signaling.tell("event", { type: "track.unpublished", track_id: "s" });
  signaling.tell("event", { type: "screen_share.stopped", reason: "stopped" });
  await settle();
  assert.equal(stopped.length, 1);
  assert.equal(store.get().local.screen, false);
});

test("a refused unmute leaves the button muted", async () => {
  const { signaling, store, call } = await seat();
  signaling.tell("event", { type: "track.changed", track: mic({ muted: true }) });
  await settle();
  signaling.answers["audio.mute"] = new SignalingError("forbidden", "a host muted this");
  await call.own.setMicrophone(true); await settle();
  assert.equal(store.get().local.microphone, "muted");
});

test("muting and unmuting at once stays unmuted", async () => {
  const { signaling, store, call, notices } = await seat();
  await call.own.setMicrophone(false);
  const request = signaling.request.bind(signaling);
  signaling.request = async (type, fields) => {
    if (type === "audio.mute") signaling.tell("event", { type: "track.changed", track: mic({ muted: true }) });
    return request(type, fields);
  };
  await call.own.setMicrophone(true); await settle();
  assert.equal(store.get().local.microphone, "on");
  assert.deepEqual(notices, []);
});

const OPEN = { screen_share: "all", chat: true, unmute: true, roster: true, waiting_room: false, admit_personal: true };
const meeting = (state) => ({ type: "meeting.changed", title: "Weekly", state, settings: OPEN });
const camera = (fields) => ({ track_id: "v", participant_id: "me", source: "camera", kind: "video", muted: false, ...fields });
const changed = (track) => ({ type: "track.changed", track });
const about = (fields) => ({ type: "participant.changed", participant: { ...person("me", "participant"), held: [], ...fields } });
const tellAll = (signaling, ...events) => events.forEach((event) => signaling.tell("event", event));

test("a suspension leaves microphone and camera as their owner left them, and sends nothing", async () => {
  const { signaling, store, devices, notices } = await seat();
  signaling.sent.length = 0;
  tellAll(signaling, meeting("suspended"), changed(mic({ muted: true })), changed(camera({ muted: true })));
  await settle();
  assert.deepEqual([store.get().local.microphone, store.get().local.camera], ["on", "on"]);
  assert.equal(devices.tracks.audio.enabled, true);
  assert.deepEqual(signaling.sent, []);
  tellAll(signaling, meeting("active"), changed(mic()), changed(camera()));
  await settle();
  assert.deepEqual([store.get().local.microphone, store.get().local.camera], ["on", "on"]);
  assert.deepEqual(signaling.sent, [{ type: "ping" }]);
  assert.deepEqual(notices, []);
});

test("what one turns off during a suspension is off at once, and the server learns it afterwards", async () => {
  const { signaling, store, devices, call } = await seat();
  tellAll(signaling, meeting("suspended"), changed(mic({ muted: true })));
  signaling.sent.length = 0;
  await call.own.setMicrophone(false);
  assert.equal(devices.tracks.audio.enabled, false);
  assert.deepEqual(signaling.sent, []);
  tellAll(signaling, meeting("active"), changed(mic()));
  await settle();
  assert.deepEqual(signaling.sent[0], { type: "audio.mute", track_id: "a", muted: true });
  assert.equal(store.get().local.microphone, "muted");
});

test("a host's mute during a suspension is followed when it ends", async () => {
  const { signaling, store, notices } = await seat();
  tellAll(signaling, meeting("suspended"), changed(mic({ muted: true })), changed(camera({ muted: true })), meeting("active"), changed(camera()));
  await settle();
  assert.deepEqual([store.get().local.microphone, store.get().local.camera], ["muted", "on"]);
  assert.equal(notices[0].title, "A host muted you");
});

test("no screen is shared while the meeting is suspended", async () => {
  const { signaling, store, call, notices } = await seat();
  tellAll(signaling, meeting("suspended"));
  await call.own.setScreen(true);
  assert.equal(store.get().local.screen, false);
  assert.equal(notices[0].title, "The meeting is suspended");
});

test("a hard mute turns the microphone off, says that it is kept, and asks the server for nothing", async () => {
  const { signaling, store, devices, call, notices } = await seat();
  signaling.sent.length = 0;
  tellAll(signaling, about({ held: ["microphone"] }), changed(mic({ muted: true })));
  await settle();
  assert.equal(store.get().local.microphone, "muted");
  assert.equal(devices.tracks.audio.enabled, false);
  assert.deepEqual(notices.map((notice) => notice.title), ["A host keeps you muted"]);
  await call.own.setMicrophone(true);
  assert.equal(store.get().local.microphone, "muted");
  assert.deepEqual(signaling.sent, []);
});

test("who is allowed again stays muted until they unmute themselves", async () => {
  const { signaling, store, call } = await seat();
  tellAll(signaling, about({ held: ["microphone"] }), changed(mic({ muted: true })), about({}), { type: "unmute.requested", source: "microphone" });
  await settle();
  assert.equal(store.get().local.microphone, "muted");
  await call.own.setMicrophone(true);
  assert.equal(store.get().local.microphone, "on");
  assert.deepEqual(signaling.sent.at(-1), { type: "audio.mute", track_id: "a", muted: false });
});

test("a camera that is held goes off and does not come back", async () => {
  const { signaling, store, devices, call } = await seat();
  tellAll(signaling, about({ held: ["camera"] }), changed(camera({ muted: true })));
  await call.own.setCamera(true);
  assert.equal(store.get().local.camera, "off");
  assert.equal(devices.tracks.video, null);
});

test("where nobody unmutes themselves, a microphone that begins muted is shown so", async () => {
  const { signaling, store } = await seat();
  tellAll(signaling, { type: "track.published", track: mic({ muted: true }) });
  await settle();
  assert.equal(store.get().local.microphone, "muted");
});

test("a viewer who is promoted can speak, and who is made a viewer sends nothing any more", async () => {
  const { signaling, store, devices, call } = await seat({}, "viewer");
  assert.equal(call.own.publisher, null);
  tellAll(signaling, about({ role: "participant" }));
  await call.own.setMicrophone(true);
  assert.deepEqual(signaling.sent.slice(-2).map(({ type }) => type), ["audio.publish", "publisher.offer"]);
  assert.equal(store.get().local.microphone, "on");
  tellAll(signaling, about({ role: "viewer" }));
  assert.equal(call.own.publisher, null);
  assert.equal(devices.tracks.audio, null);
});

test("a mute by a host that one missed while reconnecting is followed, one's own wish is told", async () => {
  const { signaling, store } = await seat();
  signaling.sent.length = 0;
  const snapshot = { ...joined("participant").snapshot, tracks: [mic({ muted: true }), camera()] };
  signaling.tell("resumed", { ...WELCOME, resumed: true, snapshot });
  await settle();
  assert.equal(store.get().local.microphone, "muted");
  assert.deepEqual(signaling.sent[0], { type: "audio.mute", track_id: "a", muted: true });
});

test("who was made a viewer before comes back as one, whatever the link says, and hears no complaint", async () => {
  const refused = new SignalingError("unauthorized", "your role does not hold audio.toggle");
  const answers = { join: joined("viewer"), "audio.publish": refused, "video.publish": refused, "publisher.offer": refused };
  const { call, store, notices } = await seat(answers);
  assert.equal(store.get().self.role, "viewer");
  assert.equal(call.own.publisher, null);
  assert.deepEqual(notices, []);
});

test("who comes back into a suspended meeting sends nothing until it goes on", async () => {
  const { signaling, store, call } = await seat();
  const snapshot = { ...joined("participant").snapshot, state: "suspended", tracks: [mic({ muted: true }), camera({ muted: true })] };
  tellAll(signaling, meeting("suspended"), changed(mic({ muted: true })), changed(camera({ muted: true })));
  signaling.sent.length = 0;
  signaling.tell("resumed", { ...WELCOME, resumed: true, snapshot });
  await settle();
  await call.own.setMicrophone(false);
  assert.deepEqual(signaling.sent, []);
  tellAll(signaling, meeting("active"), changed(mic()), changed(camera()));
  await settle();
  assert.deepEqual([store.get().local.microphone, store.get().local.camera], ["muted", "on"]);
  assert.deepEqual(signaling.sent[0], { type: "audio.mute", track_id: "a", muted: true });
  assert.deepEqual(signaling.sent.at(-1), { type: "ping" });
});

test("a share that one ends during a suspension is taken away when it goes on", async () => {
  const stopped = [];
  const { signaling, store, call } = await seat({ "screen.publish": { track_ids: ["s"] } });
  const screen = { getVideoTracks: () => [{ kind: "video", stop: () => stopped.push(1) }], getAudioTracks: () => [] };
  Object.defineProperty(globalThis, "navigator", { configurable: true, value: { mediaDevices: { getDisplayMedia: async () => screen } } });
  await call.own.setScreen(true);
  tellAll(signaling, meeting("suspended"));
  signaling.sent.length = 0;
  await call.own.setScreen(false);
  assert.deepEqual([stopped.length, store.get().local.screen, signaling.sent.length], [1, false, 0]);
  tellAll(signaling, meeting("active"));
  await settle();
  assert.deepEqual(signaling.sent[0], { type: "unpublish", track_id: "s" });
});

const picker = () => {
  const stopped = [];
  let choose;
  const chosen = new Promise((resolve) => (choose = resolve));
  const screen = { kind: "video", stop: () => stopped.push("screen") };
  Object.defineProperty(globalThis, "navigator", { configurable: true, value: { mediaDevices: { getDisplayMedia: () => chosen } } });
  return { stopped, choose: () => choose({ getVideoTracks: () => [screen], getAudioTracks: () => [] }) };
};

test("a screen that was chosen while one was moved is not shown to the new room", async () => {
  const { signaling, store, call, notices } = await seat({ "screen.publish": { track_ids: ["s"] } });
  const { stopped, choose } = picker();
  const sharing = call.own.setScreen(true);
  const snapshot = { ...joined("participant").snapshot, participants: [{ ...person("me", "participant"), breakout_id: "blue" }], breakouts: [], breakout_id: "blue", moves: 1 };
  signaling.tell("event", { type: "breakout.entered", breakout_id: "blue", snapshot });
  await settle();
  choose();
  await sharing;
  assert.deepEqual(stopped, ["screen"]);
  assert.equal(signaling.sent.some(({ type }) => type === "screen.publish"), false);
  assert.equal(store.get().local.screen, false);
  assert.equal(notices.at(-1).title, "Your screen is not shared");
});

test("a screen that was chosen after one left is not captured", async () => {
  const { call } = await seat();
  const { stopped, choose } = picker();
  const sharing = call.own.setScreen(true);
  await call.leave();
  choose();
  await sharing;
  assert.deepEqual(stopped, ["screen"]);
});

test("a device that was allowed after one had joined is published", async () => {
  const { call, signaling, devices, store } = await make();
  devices.stopAll();
  await call.join("Ada");
  signaling.sent.length = 0;
  devices.appear("audio");
  await settle();
  assert.deepEqual(signaling.sent.map(({ type }) => type), ["audio.publish", "publisher.offer"]);
  assert.equal(store.get().local.microphone, "on");
});

test("a camera turned on is published once", async () => {
  const { call, signaling, devices } = await make();
  devices.stop("video");
  await call.join("Ada");
  signaling.sent.length = 0;
  await call.own.setCamera(true);
  await settle();
  assert.deepEqual(signaling.sent.map(({ type }) => type), ["video.publish", "publisher.offer"]);
});

test("who became a viewer while the camera started sends and captures nothing", async () => {
  const { call, signaling, devices, notices } = await seat();
  devices.stop("video");
  let start;
  devices.start = () => new Promise((resolve) => (start = () => { devices.appear("video"); resolve(devices.tracks.video); }));
  const turned = call.own.setCamera(true);
  signaling.tell("event", { type: "participant.changed", participant: person("me", "viewer") });
  start();
  await turned;
  assert.equal(devices.tracks.video, null);
  assert.deepEqual(notices.filter(({ tone }) => tone === "error"), []);
});

for (const [before, after] of [["participant", "viewer"], ["viewer", "participant"]]) {
  test(`who became ${after} while the connection was lost learns it and follows`, async () => {
    const { signaling, store, devices, notices } = await seat({}, before);
    signaling.tell("resumed", { ...WELCOME, role: after, title: "Renamed", resumed: true, snapshot: { ...joined(after).snapshot } });
    await settle();
    assert.equal(store.get().self.role, after);
    assert.equal(store.get().meeting.title, "Renamed");
    assert.match(notices.at(-1).title, new RegExp(after));
    if (after === "viewer") assert.equal(devices.tracks.audio, null);
    assert.equal(signaling.sent.filter(({ type }) => type === "publisher.offer").length, before === "viewer" ? 0 : 1);
  });
}
