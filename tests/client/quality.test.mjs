import assert from "node:assert/strict";
import { test } from "node:test";

import { bars, describe, formatBitrate, perParticipant, reportedLoss, roundTripMs, streamFigures } from "../../client_demo/quality.js";

const inbound = (timestamp, fields) => ({ type: "inbound-rtp", kind: "video", timestamp, ...fields });

test("figures are rates between two samples", () => {
  const before = inbound(1_000, { bytesReceived: 0, packetsReceived: 0, packetsLost: 0, framesDecoded: 0 });
  const now = inbound(3_000, { bytesReceived: 250_000, packetsReceived: 196, packetsLost: 4, framesDecoded: 48, frameWidth: 640, frameHeight: 360, jitter: 0.012 });
  const figures = streamFigures(now, before);
  assert.equal(figures.bitrate_bps, 1_000_000);
  assert.equal(figures.fps, 24);
  assert.equal(figures.loss, 0.02);
  assert.equal(figures.jitter_ms, 12);
  assert.deepEqual([figures.width, figures.height], [640, 360]);
});

test("counters that go back, as after a remap, give no negative rates", () => {
  const figures = streamFigures(inbound(2_000, { bytesReceived: 10, packetsLost: 0 }), inbound(1_000, { bytesReceived: 500, packetsLost: 3 }));
  assert.equal(figures.bitrate_bps, 0);
  assert.equal(figures.loss, 0);
});

test("a first sample has no rates", () => {
  assert.equal(streamFigures(inbound(1_000, { bytesReceived: 10 }), undefined).bitrate_bps, 0);
});

test("the worst figure decides the bars", () => {
  assert.equal(bars({}), 4);
  assert.equal(bars({ loss: 0.03 }), 3);
  assert.equal(bars({ loss: 0.03, rtt_ms: 900 }), 1);
  assert.equal(bars({ freezes: 2 }), 2);
  assert.equal(bars({ flows: false }), 0);
});

test("the round trip is that of the nominated pair", () => {
  const report = new Map([
    ["a", { type: "candidate-pair", nominated: false, state: "succeeded", currentRoundTripTime: 1 }],
    ["b", { type: "candidate-pair", nominated: true, state: "succeeded", currentRoundTripTime: 0.042 }],
  ]);
  assert.equal(roundTripMs(report), 42);
  assert.equal(roundTripMs(new Map()), null);
});

test("what the far end lost is found by our stream", () => {
  const report = new Map([["r", { type: "remote-inbound-rtp", localId: "o1", fractionLost: 0.1 }]]);
  assert.deepEqual(reportedLoss(report), { o1: 0.1 });
});

test("streams of a participant are added up and the worst counts", () => {
  const figures = (fields) => ({ kind: "audio", bitrate_bps: 0, fps: null, width: null, height: null, loss: 0, freezes: 0, ...fields });
  const quality = perParticipant(
    [
      { participant_id: "a", figures: figures({ bitrate_bps: 30_000, loss: 0.1 }), expected: true },
      { participant_id: "a", figures: figures({ kind: "video", bitrate_bps: 500_000, fps: 24, width: 640, height: 360 }), expected: true },
      { participant_id: "b", figures: figures({}), expected: true },
      { participant_id: "c", figures: figures({}), expected: false },
    ],
    20,
  );
  assert.deepEqual([quality.a.bitrate_bps, quality.a.loss, quality.a.fps, quality.a.bars], [530_000, 0.1, 24, 2]);
  assert.equal(quality.b.bars, 0);
  assert.equal(quality.c.bars, 4);
});

test("figures read well", () => {
  assert.equal(formatBitrate(1_250_000), "1.3 Mbit/s");
  assert.equal(formatBitrate(48_300), "48 kbit/s");
  assert.equal(describe({ bars: 4, rtt_ms: 20, loss: 0.004, fps: 24, bitrate_bps: 500_000 }), "Very good: 20 ms round trip, 0.4 % loss, 24 fps, 500 kbit/s");
});
