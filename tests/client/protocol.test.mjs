import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { CODECS, Signaling, SignalingError, backoffMs } from "../../client_demo/protocol.js";
import { FakeSocket, WELCOME } from "./fake_socket.mjs";

const settle = async () => {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
};
const latest = () => FakeSocket.opened.at(-1);

let now = 0;
let signaling = null;

beforeEach(() => {
  FakeSocket.opened = [];
  FakeSocket.refuse = false;
  now = 0;
  mock.timers.enable({ apis: ["setTimeout", "setInterval"] });
});

afterEach(() => {
  signaling?.close();
  mock.timers.reset();
});

function make(options = {}) {
  signaling = new Signaling({ url: "wss://test/api/v1/signaling", WebSocket: FakeSocket, now: () => now, ...options });
  return signaling;
}

async function connected(options = {}) {
  make(options);
  const welcome = signaling.connect("a.b.c");
  await settle();
  latest().answer(WELCOME);
  await welcome;
  return latest();
}

function gather(type) {
  const seen = [];
  signaling.addEventListener(type, ({ detail }) => seen.push(detail));
  return seen;
}

for (const codec of ["msgpack", "json"]) {
  test(`hello carries the invitation and the version over ${codec}`, async () => {
    const socket = await connected({ codec: CODECS[codec] });
    assert.equal(socket.subprotocol, `conclave.v1.${codec}`);
    assert.deepEqual(socket.sent[0], { type: "hello", id: 1, protocol: 1, client: "conclave-web", token: "a.b.c" });
    assert.equal(signaling.state, "online");
  });
}

test("hello says who comes beside the invitation, and a resume does not", async () => {
  const socket = await connected({ identify: async () => ({ device_id: "d".repeat(24), access_token: "x.y.z" }) });
  assert.deepEqual(socket.sent[0], { type: "hello", id: 1, protocol: 1, client: "conclave-web", device_id: "d".repeat(24), access_token: "x.y.z", token: "a.b.c" });
  socket.cut();
  mock.timers.tick(1_000);
  await settle();
  assert.deepEqual(Object.keys(latest().sent[0]), ["type", "id", "protocol", "client", "resume"]);
});

test("whoever cannot say who they are does not get in", async () => {
  make({ identify: async () => { throw new SignalingError("unavailable", "no token"); } });
  await assert.rejects(signaling.connect("a.b.c"), { code: "unavailable" });
  assert.equal(signaling.state, "closed");
});

test("a field that is undefined is not sent", async () => {
  const socket = await connected();
  signaling.post("screen.publish", { mid: "2", audio_mid: undefined });
  assert.deepEqual(socket.sent.at(-1), { type: "screen.publish", id: 2, mid: "2" });
});

test("pipelined requests get their own answers in any order", async () => {
  const socket = await connected();
  const audio = signaling.request("audio.publish", { mid: "0" });
  const video = signaling.request("video.publish", { mid: "1" });
  const [first, second] = socket.sent.slice(-2);
  socket.push({ type: "response", id: second.id, result: { track_ids: ["v"] } });
  socket.push({ type: "response", id: first.id, result: { track_ids: ["a"] } });
  assert.deepEqual(await audio, { track_ids: ["a"] });
  assert.deepEqual(await video, { track_ids: ["v"] });
});

test("a refusal rejects with its code, detail and incident", async () => {
  const socket = await connected();
  const answer = signaling.request("hand.raise", { raised: true });
  socket.push({ type: "error", id: socket.sent.at(-1).id, code: "unavailable", detail: "no", incident: "i1" });
  await assert.rejects(answer, { code: "unavailable", detail: "no", incident: "i1" });
});

test("a refused hello closes and tells why", async () => {
  make();
  const welcome = signaling.connect("a.b.c");
  await settle();
  latest().refuseLast("unauthorized", "the invitation has expired");
  await assert.rejects(welcome, { code: "unauthorized" });
  assert.equal(signaling.state, "closed");
});

test("a server that cannot be reached is connection_lost", async () => {
  FakeSocket.refuse = true;
  make();
  await assert.rejects(signaling.connect("a.b.c"), { code: "connection_lost" });
});

test("a request without an answer times out", async () => {
  await connected();
  const answer = signaling.request("join", {});
  mock.timers.tick(15_001);
  await assert.rejects(answer, { code: "timeout" });
});

test("events are handed on, frames that cannot be read are not", async () => {
  const socket = await connected();
  const seen = gather("event");
  socket.onmessage({ data: new Uint8Array([0xc1]).buffer });
  socket.push({ type: "speakers.active", participant_ids: ["p"] });
  assert.deepEqual(seen, [{ type: "speakers.active", participant_ids: ["p"] }]);
});

test("a lost connection is resumed with the token, which is used once", async () => {
  const socket = await connected();
  const resumed = gather("resumed");
  const pending = signaling.request("join", {});
  socket.cut();
  await assert.rejects(pending, { code: "connection_lost" });
  assert.equal(signaling.state, "reconnecting");
  mock.timers.tick(300);
  await settle();
  assert.deepEqual(latest().sent[0].resume, { session_id: WELCOME.session_id, resume_token: WELCOME.resume_token });
  assert.equal("token" in latest().sent[0], false);
  latest().answer({ ...WELCOME, resumed: true, resume_token: "second".padEnd(32, "-") });
  await settle();
  assert.equal(signaling.state, "online");
  assert.equal(resumed.length, 1);
  latest().cut();
  mock.timers.tick(300);
  await settle();
  assert.equal(latest().sent[0].resume.resume_token, "second".padEnd(32, "-"));
});

test("it tries again while the network is away, and later each time", async () => {
  const socket = await connected();
  FakeSocket.refuse = true;
  socket.cut();
  const before = FakeSocket.opened.length;
  for (let second = 0; second < 10; second += 1) {
    now += 1_000;
    mock.timers.tick(1_000);
    await settle();
  }
  const tries = FakeSocket.opened.length - before;
  assert.ok(tries >= 3 && tries <= 9, `${tries} tries`);
  FakeSocket.refuse = false;
  mock.timers.tick(5_000);
  await settle();
  latest().answer({ ...WELCOME, resumed: true });
  await settle();
  assert.equal(signaling.state, "online");
});

test("after the grace time the session is lost", async () => {
  const socket = await connected();
  const lost = gather("lost");
  FakeSocket.refuse = true;
  socket.cut();
  for (let second = 0; second < 40; second += 1) {
    now += 1_000;
    mock.timers.tick(1_000);
    await settle();
  }
  assert.deepEqual(lost.map((reason) => reason.code), ["resume_refused"]);
  assert.equal(signaling.state, "closed");
});

test("a refused resume is a lost session", async () => {
  const socket = await connected();
  const lost = gather("lost");
  socket.cut();
  mock.timers.tick(300);
  await settle();
  latest().refuseLast("unauthorized", "the token is spent");
  await settle();
  assert.deepEqual(lost, [{ code: "resume_refused", detail: "the token is spent" }]);
});

test("closing with replaced is final, without another try", async () => {
  const socket = await connected();
  const lost = gather("lost");
  socket.push({ type: "closing", code: "replaced", detail: "resumed elsewhere" });
  socket.cut(4009);
  mock.timers.tick(10_000);
  assert.deepEqual(lost, [{ code: "replaced", detail: "resumed elsewhere" }]);
  assert.equal(FakeSocket.opened.length, 1);
});

test("closing with timeout is resumed", async () => {
  const socket = await connected();
  socket.push({ type: "closing", code: "timeout", detail: "silent" });
  socket.cut(4008);
  assert.equal(signaling.state, "reconnecting");
});

test("a heartbeat is sent in time and a silent server is given up", async () => {
  const socket = await connected();
  mock.timers.tick(15_000);
  assert.equal(socket.sent.at(-1).type, "ping");
  socket.answer({ server_ms: 1 });
  mock.timers.tick(8_000);
  assert.equal(signaling.state, "online");
  mock.timers.tick(7_000);
  mock.timers.tick(8_001);
  assert.equal(signaling.state, "reconnecting");
});

test("a report of a new network does not wait for the backoff", async () => {
  const socket = await connected();
  FakeSocket.refuse = true;
  socket.cut();
  mock.timers.tick(300);
  await settle();
  FakeSocket.refuse = false;
  const before = FakeSocket.opened.length;
  signaling.reconnectNow();
  mock.timers.tick(0);
  await settle();
  assert.equal(FakeSocket.opened.length, before + 1);
});

test("a request while disconnected fails at once", async () => {
  make();
  await assert.rejects(signaling.request("join", {}), { code: "connection_lost" });
});

test("the backoff grows to a ceiling and has jitter", () => {
  assert.equal(backoffMs(0, () => 1), 200);
  assert.equal(backoffMs(0, () => 0), 100);
  assert.equal(backoffMs(3, () => 1), 1_600);
  assert.equal(backoffMs(50, () => 1), 5_000);
});
