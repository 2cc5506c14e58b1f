import assert from "node:assert/strict";
import { test } from "node:test";

import { askedWords, deviceWords, endedWords, heldWords, joinWords, mutedWords, recordingWords, refusalWords, unsupportedWords } from "../../client_demo/words.js";

const CODES = ["unauthorized", "forbidden", "invalid", "not_found", "conflict", "rate_limited", "too_large", "unavailable"];
const DEVICE_ERRORS = ["NotAllowedError", "NotFoundError", "NotReadableError", "OverconstrainedError", "SecurityError", "AbortError", "TypeError"];

test("every stable code has words for requests and for joining", () => {
  for (const code of CODES) {
    for (const words of [refusalWords({ code, detail: "because" }), joinWords({ code, detail: "because" })]) {
      assert.ok(words.title.length > 3 && words.text.length > 3, code);
    }
  }
});

test("the server's reason is told", () => {
  assert.match(refusalWords({ code: "forbidden", detail: "not the day" }).text, /not the day/);
  assert.match(refusalWords({ code: "unavailable", detail: "x", incident: "abc" }).text, /Incident abc/);
});

test("every device error has words that name the device", () => {
  for (const name of DEVICE_ERRORS) {
    assert.match(deviceWords({ name, message: "m" }, "audio").title, /icrophone/, name);
    assert.match(deviceWords({ name, message: "m" }, "video").title, /amera/, name);
  }
});

test("a full meeting, an expired invitation and a meeting that is not open are told apart", () => {
  assert.match(joinWords({ code: "conflict", detail: "the meeting is full" }).title, /full/);
  assert.match(joinWords({ code: "unauthorized", detail: "the invitation has expired" }).title, /expired/);
  assert.match(joinWords({ code: "unauthorized", detail: "bad signature" }).title, /not valid/);
  assert.match(joinWords({ code: "not_found", detail: "" }).title, /not started/);
});

test("every end has words", () => {
  for (const code of ["left", "meeting_ended", "ended", "replaced", "shutdown", "rate_limited", "lost", "resume_refused"]) {
    const words = endedWords({ code, detail: "" });
    assert.ok(words.title && words.text, code);
  }
});

test("an insecure page and a browser without WebRTC are told", () => {
  const able = { isSecureContext: true, RTCPeerConnection: class {}, WebSocket: class {} };
  assert.equal(unsupportedWords(able), null);
  assert.match(unsupportedWords({ ...able, isSecureContext: false }).title, /not secure/);
  assert.match(unsupportedWords({ ...able, RTCPeerConnection: undefined }).title, /cannot join/);
});

test("the refusals people meet have words of their own, in a meeting and at its door", () => {
  const told = (detail) => [refusalWords({ code: "forbidden", detail }).title, joinWords({ code: "forbidden", detail }).title];
  for (const detail of ["the meeting is locked", "the meeting is suspended", "a host removed you from this meeting", "a host has muted you"]) {
    const [inside, door] = told(detail);
    assert.equal(inside, door);
    assert.notEqual(inside, "Not possible right now");
  }
});

test("every source that can be held or asked for has words", () => {
  for (const source of ["microphone", "camera", "screen", "screen_audio"]) {
    assert.ok(heldWords(source).title && askedWords(source).action && mutedWords(source).title);
  }
});

test("who is sent out for want of a right is not told of the network", () => {
  for (const detail of ["access was revoked", "the meeting is not shared with you any more", "the meeting was deleted", "the invitation was revoked", "x"]) {
    assert.doesNotMatch(JSON.stringify(endedWords({ code: "unauthorized", detail })), /network|Connection lost/);
  }
  assert.match(endedWords({ code: "resume_refused", detail: "" }).text, /network/);
});

test("the mark of a recording says whether one is in it, and in a breakout room that nothing there is", () => {
  const mark = (fields, breakout_id = null) => recordingWords({ recording: { state: "recording", recorded: ["me"], ...fields }, self: { participant_id: "me" }, place: { breakout_id } });
  assert.equal(mark({}).text, "Recording, with you");
  assert.equal(mark({ recorded: [] }).text, "Recording, without you");
  assert.equal(mark({ state: "paused" }).text, "Recording paused");
  assert.match(mark({}, "blue").title, /main room is being recorded; breakout rooms never are/);
  assert.doesNotMatch(mark({}, "blue").text, /with/);
});
