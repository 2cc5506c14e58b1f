import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Publisher, Queue, Subscriber, cameraEncoding } from "../../client_demo/media.js";

let connections = [];

/** As much of RTCPeerConnection as the negotiation touches; mids are given at setLocalDescription as browsers do. */
class FakeConnection extends EventTarget {
  connectionState = "new";
  signalingState = "stable";
  transceivers = [];
  log = [];
  mids = 0;
  negotiated = new Set();

  constructor() {
    super();
    connections.push(this);
  }

  addTransceiver(track, { direction, sendEncodings }) {
    const transceiver = {
      mid: null, direction, sendEncodings, stopped: false, track,
      stop() { this.stopped = true; },
      sender: { replaceTrack: async (next) => { transceiver.track = next; } },
    };
    this.transceivers.push(transceiver);
    return transceiver;
  }

  getTransceivers() {
    return this.transceivers;
  }

  async createOffer({ iceRestart }) {
    return { type: "offer", sdp: `offer ${iceRestart ? "restart" : "plain"}` };
  }

  async createAnswer() {
    return { type: "answer", sdp: `answer to ${this.remote}` };
  }

  async setLocalDescription({ type }) {
    this.log.push(`local ${type}`);
    this.signalingState = type === "offer" ? "have-local-offer" : "stable";
    for (const transceiver of this.transceivers) {
      if (type === "rollback" && !this.negotiated.has(transceiver)) transceiver.mid = null;
      else transceiver.mid ??= String(this.mids++);
    }
  }

  async setRemoteDescription({ type, sdp }) {
    this.log.push(`remote ${type}`);
    for (const transceiver of this.transceivers) this.negotiated.add(transceiver);
    this.remote = sdp;
    this.signalingState = "stable";
  }

  become(state) {
    this.connectionState = state;
    this.dispatchEvent(new Event("connectionstatechange"));
  }

  close() {
    this.closed = true;
  }
}

class Refusal extends Error {
  code = "forbidden";
}

beforeEach(() => {
  connections = [];
  globalThis.RTCPeerConnection = FakeConnection;
});

const track = (name) => ({ name });
const turn = () => new Promise((resolve) => setImmediate(resolve));

function server(answers = {}) {
  const asked = [];
  const request = (type, fields) => {
    asked.push({ type, ...fields });
    const answer = answers[type];
    if (answer instanceof Error) return Promise.reject(answer);
    if (type === "publisher.offer") return Promise.resolve({ sdp: "answer" });
    if (type === "screen.publish") return Promise.resolve({ track_ids: fields.audio_mid ? ["screen", "sound"] : ["screen"] });
    return Promise.resolve({ track_ids: [`${type}:${fields.mid}`] });
  };
  return { asked, request };
}

test("declarations and offer go out before the first answer is there", async () => {
  const asked = [];
  const publisher = new Publisher({ request: (type) => (asked.push(type), new Promise(() => {})), iceServers: [] });
  publisher.add({ microphone: track("m"), camera: track("c") });
  publisher.negotiate();
  await turn();
  assert.deepEqual(asked, ["audio.publish", "video.publish", "publisher.offer"]);
});

test("what was published has the server's track ids", async () => {
  const { request } = server();
  const publisher = new Publisher({ request, iceServers: [] });
  publisher.add({ microphone: track("m"), camera: null });
  assert.deepEqual(await publisher.negotiate(), [{ source: "microphone", track_id: "audio.publish:0" }]);
  assert.equal(publisher.has("camera"), false);
  assert.deepEqual(connections[0].log, ["local offer", "remote answer"]);
});

test("a screen with sound is one declaration of two sections", async () => {
  const { request, asked } = server();
  const publisher = new Publisher({ request, iceServers: [] });
  publisher.add({ screen: track("s"), screen_audio: track("a") });
  await publisher.negotiate();
  assert.deepEqual(asked[0], { type: "screen.publish", mid: "0", audio_mid: "1" });
  assert.deepEqual([publisher.trackId("screen"), publisher.trackId("screen_audio")], ["screen", "sound"]);
});

test("a refused publication is rolled back and leaves the rest alone", async () => {
  const { request } = server({ "screen.publish": new Refusal("no") });
  const publisher = new Publisher({ request, iceServers: [] });
  publisher.add({ microphone: track("m") });
  await publisher.negotiate();
  publisher.add({ screen: track("s") });
  await assert.rejects(publisher.negotiate(), { code: "forbidden" });
  assert.deepEqual(connections[0].log.slice(-2), ["local offer", "local rollback"]);
  assert.equal(publisher.has("screen"), false);
  assert.equal(connections[0].transceivers[1].stopped, true);
  assert.equal(publisher.trackId("microphone"), "audio.publish:0");
});

test("what was added while the connection was lost is offered after the resume", async () => {
  const lost = Object.assign(new Error("lost"), { code: "connection_lost" });
  let online = false;
  const { request, asked } = server();
  const publisher = new Publisher({ request: (...all) => (online ? request(...all) : Promise.reject(lost)), iceServers: [] });
  publisher.add({ microphone: track("m") });
  await assert.rejects(publisher.negotiate(), { code: "connection_lost" });
  online = true;
  await publisher.reconcile({});
  assert.deepEqual(asked.map((item) => item.type), ["audio.publish", "publisher.offer"]);
  assert.equal(publisher.trackId("microphone"), "audio.publish:0");
});

test("an answer that got lost is asked for again, without another declaration", async () => {
  const lost = Object.assign(new Error("lost"), { code: "connection_lost" });
  const broken = server({ "publisher.offer": lost });
  const whole = server();
  let online = false;
  const publisher = new Publisher({ request: (...all) => (online ? whole : broken).request(...all), iceServers: [] });
  publisher.add({ microphone: track("m") });
  await assert.rejects(publisher.negotiate(), { code: "connection_lost" });
  online = true;
  await publisher.reconcile({ microphone: "audio.publish:0" });
  assert.deepEqual(whole.asked.map((item) => item.type), ["publisher.offer"]);
  assert.equal(connections[0].transceivers[0].mid, "0");
});

test("a share that ended is unpublished and its section is used again", async () => {
  const { request, asked } = server();
  const publisher = new Publisher({ request, iceServers: [] });
  publisher.add({ screen: track("s") });
  await publisher.negotiate();
  await publisher.remove(["screen", "screen_audio"]);
  assert.deepEqual(asked.at(-2), { type: "unpublish", track_id: "screen" });
  assert.equal(connections[0].transceivers[0].direction, "inactive");
  publisher.add({ screen: track("again") });
  await publisher.negotiate();
  assert.equal(connections[0].transceivers.length, 1);
  assert.equal(connections[0].transceivers[0].direction, "sendonly");
});

test("after a resume lost declarations are made again, known ones are kept", async () => {
  const { request, asked } = server();
  const publisher = new Publisher({ request, iceServers: [] });
  publisher.add({ microphone: track("m"), camera: track("c") });
  await publisher.negotiate();
  asked.length = 0;
  await publisher.reconcile({ microphone: "kept" });
  assert.deepEqual(asked.map((item) => item.type), ["video.publish", "publisher.offer"]);
  assert.equal(publisher.trackId("microphone"), "kept");
  asked.length = 0;
  await publisher.reconcile({ microphone: "kept", camera: "video.publish:1" });
  assert.deepEqual(asked, []);
});

test("a failed connection is restarted with new ICE credentials", async () => {
  const { request, asked } = server();
  const publisher = new Publisher({ request, iceServers: [] });
  publisher.add({ microphone: track("m") });
  await publisher.negotiate();
  connections[0].become("failed");
  await new Promise((resolve) => setTimeout(resolve, 20));
  publisher.close();
  assert.equal(asked.at(-1).sdp, "offer restart");
});

test("a publisher that the server gave up is made anew and declares all its tracks again", async () => {
  const { request, asked } = server();
  const publisher = new Publisher({ request, iceServers: [] });
  publisher.add({ microphone: track("m"), camera: track("c") });
  await publisher.negotiate();
  await publisher.replace("camera", null);
  asked.length = 0;
  const [renewed, twice] = await Promise.all([publisher.renew(), publisher.renew()]);
  assert.deepEqual(asked.map((item) => item.type), ["audio.publish", "video.publish", "publisher.offer"]);
  assert.deepEqual(renewed.map((item) => item.source), ["microphone", "camera"]);
  assert.equal(twice, null);
  assert.equal(connections.length, 2);
  assert.equal(connections[0].closed, true);
  assert.equal(connections[1].transceivers[1].track, "video");
});

test("what is declared while a renewal waits goes out on the new connection", async () => {
  const { request, asked } = server();
  const publisher = new Publisher({ request, iceServers: [] });
  publisher.add({ microphone: track("m") });
  await publisher.negotiate();
  asked.length = 0;
  const renewal = publisher.renew();
  publisher.add({ camera: track("c") });
  await Promise.all([renewal, publisher.negotiate()]);
  assert.deepEqual(asked.slice(0, 3).map((item) => item.type), ["audio.publish", "video.publish", "publisher.offer"]);
  assert.equal(connections[1].transceivers.length, 2);
});

test("a resume that knows none of the tracks renews the publisher", async () => {
  const { request, asked } = server();
  const publisher = new Publisher({ request, iceServers: [] });
  publisher.add({ microphone: track("m") });
  await publisher.negotiate();
  asked.length = 0;
  await publisher.reconcile({});
  assert.equal(connections.length, 2);
  assert.deepEqual(asked.map((item) => item.type), ["audio.publish", "publisher.offer"]);
});

test("an offer of another SDP session is answered on a new connection, of the same session on the old one", async () => {
  const { request } = server();
  const subscriber = new Subscriber({ request, iceServers: [] });
  const offer = (session, version) => `v=0\r\no=- ${session} ${version} IN IP4 127.0.0.1\r\n`;
  await subscriber.offered({ revision: 1, sdp: offer(7, 1) });
  await subscriber.offered({ revision: 2, sdp: offer(7, 2) });
  assert.equal(connections.length, 1);
  await subscriber.offered({ revision: 3, sdp: offer(8, 1) });
  assert.equal(connections.length, 2);
  assert.equal(connections[0].closed, true);
  assert.deepEqual(connections[1].log, ["remote offer", "local answer"]);
});

test("offers of the server are answered one after the other", async () => {
  const { request, asked } = server();
  const subscriber = new Subscriber({ request, iceServers: [] });
  await Promise.all([subscriber.offered({ revision: 1, sdp: "one" }), subscriber.offered({ revision: 2, sdp: "two" })]);
  assert.deepEqual(connections[0].log, ["remote offer", "local answer", "remote offer", "local answer"]);
  assert.deepEqual(asked.map(({ revision, sdp }) => [revision, sdp]), [[1, "answer to one"], [2, "answer to two"]]);
});

test("a subscriber asks for a restart only after it had an offer", async () => {
  const { request, asked } = server();
  const subscriber = new Subscriber({ request, iceServers: [] });
  subscriber.restart();
  assert.deepEqual(asked, []);
  await subscriber.offered({ revision: 1, sdp: "one" });
  subscriber.restart();
  assert.equal(asked.at(-1).type, "subscriber.restart");
});

test("a failed job does not stop the queue", async () => {
  const queue = new Queue();
  const first = queue.run(async () => { throw new Error("no"); });
  const second = queue.run(async () => 2);
  await assert.rejects(first);
  assert.equal(await second, 2);
});

test("more people get smaller pictures", () => {
  const rates = [1, 2, 3, 4, 9, 10, 100].map((people) => cameraEncoding(people).maxBitrate);
  assert.deepEqual(rates, [...rates].sort((a, b) => b - a));
  assert.equal(cameraEncoding(5).scaleResolutionDownBy, 2);
  assert.equal(cameraEncoding(5, 360).scaleResolutionDownBy, 1);
  assert.equal(cameraEncoding(20, 360).scaleResolutionDownBy, 2);
});
