import assert from "node:assert/strict";
import test from "node:test";
import { Recording } from "../../client_demo/recording.js";

function recording() {
  const sent = [];
  const requests = { attempt: (send) => send(), send: (type, fields) => sent.push([type, fields]) };
  return { recording: new Recording(requests), sent };
}

test("one agrees to the recording that one was asked about", () => {
  const { recording: one, sent } = recording();
  let asked = 0;
  one.addEventListener("consent", () => (asked += 1));
  one.received({ type: "recording.consent_requested", recording_id: "first" });
  one.received({ type: "recording.changed", recording: {} });
  one.consent(true);
  assert.deepEqual([asked, sent], [1, [["recording.consent", { granted: true, recording_id: "first" }]]]);
});

test("who starts a recording was not asked about it", () => {
  const { recording: one, sent } = recording();
  one.received({ type: "recording.consent_requested", recording_id: "first" });
  one.start();
  one.consent(false);
  assert.deepEqual(sent.at(-1), ["recording.consent", { granted: false }]);
});
