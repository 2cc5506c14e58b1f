import assert from "node:assert/strict";
import { test } from "node:test";

import { SignalingError } from "../../client_demo/protocol.js";
import { isolate, joined, make, mic, seat, settle } from "./fake_meeting.mjs";
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
