/** A call over a signaling, devices and peer connections in memory. */

import { afterEach, beforeEach, mock } from "node:test";

import { Call } from "../../client_demo/call.js";
import { INITIAL_STATE, createStore, reduce } from "../../client_demo/store.js";
import { WELCOME } from "./fake_socket.mjs";

class FakeConnection extends EventTarget {
  connectionState = "new";
  signalingState = "stable";
  transceivers = [];
  addTransceiver(track) {
    const transceiver = { mid: String(this.transceivers.length), sender: { track, replaceTrack: async () => {}, getParameters: () => ({}) }, stop() {} };
    this.transceivers.push(transceiver);
    return transceiver;
  }
  getTransceivers() { return this.transceivers; }
  async createOffer() { return { type: "offer", sdp: "offer" }; }
  async setLocalDescription() {}
  async setRemoteDescription() {}
  async getStats() { return new Map(); }
  close() { this.connectionState = "closed"; }
}

class FakeSignaling extends EventTarget {
  state = "closed";
  tokens = [];
  sent = [];
  answers = {};

  async connect(token) {
    this.tokens.push(token);
    if (this.answers.hello instanceof Error) throw this.answers.hello;
    this.state = "online";
    return { ...WELCOME, ...this.answers.hello };
  }

  async request(type, fields) {
    this.sent.push({ type, ...fields });
    const given = this.answers[type];
    const answer = typeof given === "function" ? given(fields) : given;
    if (answer instanceof Error) throw answer;
    return answer ?? {};
  }

  post(type) { this.sent.push({ type }); }
  reconnectNow() {}
  close() { this.state = "closed"; }
  tell(type, detail) { this.dispatchEvent(new CustomEvent(type, { detail })); }
}

class FakeDevices extends EventTarget {
  tracks = { audio: { kind: "audio", enabled: true }, video: { kind: "video" } };
  track(kind) { return this.tracks[kind]; }
  async start(kind) {
    if (!this.tracks[kind]) this.appear(kind);
    return this.tracks[kind];
  }
  appear(kind) {
    this.tracks[kind] = { kind, enabled: true };
    this.dispatchEvent(new CustomEvent("track", { detail: { kind, track: this.tracks[kind] } }));
  }
  stop(kind) { this.tracks[kind] = null; }
  stopAll() { this.tracks = { audio: null, video: null }; }
}

export const person = (id, role) => ({ participant_id: id, display_name: id, role, hand_raised: false, connected: true });
export const joined = (role) => ({ participant_id: "me", role, title: "Weekly", snapshot: { participants: [person("me", role)], tracks: [], slots: [], active_speakers: [] } });
export const settle = async () => {
  for (let turn = 0; turn < 60; turn += 1) await Promise.resolve();
};

let parts = null;

/** Every test of the file has its own connections and a clock that stands still. */
export function isolate() {
  beforeEach(() => {
    mock.timers.enable({ apis: ["setTimeout", "setInterval"] });
    globalThis.RTCPeerConnection = FakeConnection;
  });
  afterEach(() => {
    parts?.call.dismiss();
    mock.timers.reset();
  });
}

export async function make(role = "participant", answers = {}) {
  const signaling = new FakeSignaling();
  signaling.answers = {
    hello: { role }, join: joined(role), "audio.publish": { track_ids: ["a"] }, "video.publish": { track_ids: ["v"] },
    "publisher.offer": { sdp: "answer" }, ...answers,
  };
  const store = createStore(reduce, INITIAL_STATE);
  const devices = new FakeDevices();
  const call = new Call({ signaling, store, devices });
  const notices = [];
  call.addEventListener("notice", ({ detail }) => notices.push(detail));
  parts = { signaling, store, devices, call, notices };
  await call.open("a.b.c", "Weekly");
  return parts;
}

export const types = (signaling) => signaling.sent.map((message) => message.type);

export const mic = (fields) => ({ track_id: "a", participant_id: "me", source: "microphone", kind: "audio", muted: false, ...fields });
export const seat = async (answers, role = "participant") => {
  const made = await make(role, answers);
  await made.call.join("Bob");
  await settle();
  return made;
};
