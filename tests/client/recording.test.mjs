import assert from "node:assert/strict";
import { afterEach, test } from "node:test";

import { isolate, seat } from "./fake_meeting.mjs";

isolate();
const realFetch = globalThis.fetch;
afterEach(() => {
  globalThis.fetch = realFetch;
});

const runs = (recording_id, recorded = []) => ({ type: "recording.changed", recording: { state: "recording", recorded, recording_id } });

test("one agrees to the recording that one was asked about, and the question is settled at once", async () => {
  const { call, signaling, store } = await seat();
  signaling.tell("event", { type: "recording.consent_requested", recording_id: "first" });
  signaling.tell("event", runs("second"));
  const answered = call.recording.consent(true);
  assert.equal(store.get().consent_asked, null);
  await answered;
  assert.deepEqual(signaling.sent.at(-1), { type: "recording.consent", granted: true, recording_id: "first" });
});

test("who changes their mind means the recording that they see; a no is for whatever runs", async () => {
  const { call, signaling } = await seat();
  signaling.tell("event", runs("second", ["me"]));
  await call.recording.consent(false);
  assert.deepEqual(signaling.sent.at(-1), { type: "recording.consent", granted: false });
  await call.recording.consent(true);
  assert.deepEqual(signaling.sent.at(-1), { type: "recording.consent", granted: true, recording_id: "second" });
});

test("start, pause and stop are sent as the protocol has them", async () => {
  const { call, signaling } = await seat({}, "host");
  signaling.sent.length = 0;
  await call.recording.start();
  await call.recording.pause(true);
  await call.recording.stop();
  assert.deepEqual(signaling.sent, [{ type: "recording.start" }, { type: "recording.pause", paused: true }, { type: "recording.stop" }]);
});

test("a recording is read with the invitation as bearer, which never stands in the address", async () => {
  const { call } = await seat({ "recording.download": { recording_id: "r", path: "/api/v1/recordings/r" } }, "host");
  const asked = [];
  globalThis.fetch = async (path, options) => {
    asked.push([path, options.headers.Authorization]);
    return new Response(JSON.stringify({ participants: { me: "Ada" }, files: [] }));
  };
  const contents = await call.recording.contents("r");
  assert.deepEqual(contents.participants, { me: "Ada" });
  await call.recording.file(contents.path, "me.webm");
  assert.deepEqual(asked, [["/api/v1/recordings/r", "Bearer a.b.c"], ["/api/v1/recordings/r/me.webm", "Bearer a.b.c"]]);
});

test("a refusal over HTTP is one of the protocol's", async () => {
  const { call } = await seat({ "recording.download": { recording_id: "r", path: "/api/v1/recordings/r" } }, "host");
  globalThis.fetch = async () => new Response(JSON.stringify({ code: "unauthorized", detail: "a participant cannot download recordings" }), { status: 403 });
  await assert.rejects(call.recording.contents("r"), { code: "unauthorized" });
  globalThis.fetch = async () => { throw new TypeError("network"); };
  await assert.rejects(call.recording.contents("r"), { code: "connection_lost" });
});
