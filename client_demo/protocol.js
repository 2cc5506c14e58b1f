/**
 * The signaling protocol: one WebSocket, requests with answers, events, heartbeat, resume. Knows no DOM and no media.
 *
 * A `Signaling` fires:
 *   "event"     detail: an event message of the server ({type, ...})
 *   "state"     detail: "connecting" | "online" | "reconnecting" | "closed"
 *   "resumed"   detail: the `welcome` that came with the resumed session (with its snapshot)
 *   "lost"      detail: {code, detail}: the session is gone; a new `connect` is needed. `code` is the server's closing
 *               code, "ended", or "resume_refused"
 */

import { decode, encode } from "./vendor/msgpack.js";

export const PROTOCOL_VERSION = 1;

export const CODECS = {
  msgpack: {
    subprotocol: "conclave.v1.msgpack",
    encode: (message) => encode(message, { ignoreUndefined: true }),
    decode: (data) => decode(new Uint8Array(data)),
  },
  json: {
    subprotocol: "conclave.v1.json",
    encode: (message) => JSON.stringify(message),
    decode: (data) => JSON.parse(data),
  },
};

const REQUEST_TIMEOUT_MS = 15_000;
const BACKOFF_FIRST_MS = 200;
const BACKOFF_MAX_MS = 5_000;
/** Closing codes after which the session still stands; after all others it is gone. */
const RESUMABLE_CLOSINGS = new Set(["timeout", "unavailable"]);

/** A refusal by the server (`code` is one of its stable codes) or by the network (`connection_lost`, `timeout`). */
export class SignalingError extends Error {
  constructor(code, detail, incident = null) {
    super(`${code}: ${detail}`);
    this.name = "SignalingError";
    this.code = code;
    this.detail = detail;
    this.incident = incident;
  }
}

/** Delay before reconnection attempt `attempt` (0, 1, ...): exponential, with jitter so that a crowd does not return at once. */
export function backoffMs(attempt, random = Math.random) {
  const ceiling = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** attempt);
  return ceiling * (0.5 + random() / 2);
}

export class Signaling extends EventTarget {
  #options;
  #socket = null;
  #state = "closed";
  #nextId = 1;
  #pending = new Map();
  #session = null;
  #attempt = 0;
  #lostAt = 0;
  #timers = { retry: null, beat: null, silence: null };
  #closing = null;

  /**
   * options: {url, codec, client, identify, WebSocket, now} ; the last two exist for tests. `identify` resolves with what `hello`
   * says of who comes beside the invitation: {device_id, access_token}, both optional.
   */
  constructor(options) {
    super();
    this.#options = {
      codec: CODECS.msgpack,
      client: "conclave-web",
      identify: async () => ({}),
      WebSocket: globalThis.WebSocket,
      now: () => performance.now(),
      ...options,
    };
  }

  get state() {
    return this.#state;
  }

  /** Open a connection and greet with an invitation. Resolves with `welcome`; rejects with a SignalingError. */
  async connect(token) {
    this.close();
    this.#closing = null;
    this.#session = null;
    this.#setState("connecting");
    try {
      return await this.#greet(async () => ({ ...(await this.#options.identify()), token }));
    } catch (error) {
      this.#drop();
      this.#setState("closed");
      throw error;
    }
  }

  /** Send a request; resolves with its result, rejects with a SignalingError. Requests may be pipelined. */
  request(type, fields = {}) {
    if (this.#state !== "online") {
      return Promise.reject(new SignalingError("connection_lost", "not connected"));
    }
    return this.#send(type, fields);
  }

  /** Send without caring for the answer, as a page goes away. */
  post(type, fields = {}) {
    this.request(type, fields).catch(() => {});
  }

  /** Try at once to get back, for example because the browser reports a new network. */
  reconnectNow() {
    if (this.#state === "reconnecting" && this.#timers.retry !== null) {
      this.#attempt = 0;
      this.#retry(0);
    } else if (this.#state === "online") {
      this.#probe();
    }
  }

  close() {
    this.#drop();
    this.#session = null;
    this.#setState("closed");
  }

  #setState(state) {
    if (state === this.#state) return;
    this.#state = state;
    this.dispatchEvent(new CustomEvent("state", { detail: state }));
  }

  /** `prove` is asked while the socket opens. */
  async #greet(prove) {
    const [proof] = await Promise.all([prove(), this.#openSocket()]);
    const welcome = await this.#send("hello", {
      protocol: PROTOCOL_VERSION,
      client: this.#options.client,
      ...proof,
    });
    this.#session = {
      sessionId: welcome.session_id,
      resumeToken: welcome.resume_token,
      graceMs: welcome.resume_grace_ms,
      heartbeatMs: welcome.heartbeat_ms,
    };
    this.#attempt = 0;
    this.#startHeartbeat();
    this.#setState("online");
    return welcome;
  }

  #openSocket() {
    const { url, codec, WebSocket } = this.#options;
    return new Promise((resolve, reject) => {
      let socket;
      try {
        socket = new WebSocket(url, codec.subprotocol);
      } catch (error) {
        reject(new SignalingError("connection_lost", String(error.message ?? error)));
        return;
      }
      socket.binaryType = "arraybuffer";
      this.#socket = socket;
      socket.onopen = () => resolve();
      socket.onmessage = ({ data }) => this.#receive(socket, data);
      socket.onclose = ({ code }) => {
        reject(new SignalingError("connection_lost", `the server could not be reached (${code})`));
        if (socket === this.#socket) this.#socketLost();
      };
    });
  }

  #send(type, fields) {
    const socket = this.#socket;
    if (socket === null || socket.readyState !== 1) {
      return Promise.reject(new SignalingError("connection_lost", "not connected"));
    }
    const id = this.#nextId;
    this.#nextId = id % 0x7ffffff0 + 1;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#pending.delete(id);
        reject(new SignalingError("timeout", `no answer to ${type}`));
      }, REQUEST_TIMEOUT_MS);
      this.#pending.set(id, { resolve, reject, timer });
      socket.send(this.#options.codec.encode({ type, id, ...fields }));
    });
  }

  #receive(socket, data) {
    if (socket !== this.#socket) return;
    clearTimeout(this.#timers.silence);
    this.#timers.silence = null;
    let message;
    try {
      message = this.#options.codec.decode(data);
    } catch {
      return;
    }
    if (message.type === "response" || message.type === "error") {
      this.#settle(message);
    } else {
      if (message.type === "closing") this.#closing = { code: message.code, detail: message.detail };
      if (message.type === "meeting.ended") this.#closing = { code: "ended", detail: message.reason };
      this.dispatchEvent(new CustomEvent("event", { detail: message }));
    }
  }

  #settle(message) {
    const waiting = this.#pending.get(message.id);
    if (waiting === undefined) return;
    this.#pending.delete(message.id);
    clearTimeout(waiting.timer);
    if (message.type === "response") waiting.resolve(message.result);
    else waiting.reject(new SignalingError(message.code, message.detail, message.incident ?? null));
  }

  #startHeartbeat() {
    clearInterval(this.#timers.beat);
    this.#timers.beat = setInterval(() => this.#probe(), this.#session.heartbeatMs);
  }

  /** A ping whose answer, or any other message, must come within the heartbeat time, or the socket is given up. */
  #probe() {
    if (this.#socket?.readyState !== 1) return;
    this.#send("ping", {}).catch(() => {});
    const socket = this.#socket;
    const patienceMs = Math.min(this.#session?.heartbeatMs ?? 5_000, 8_000);
    this.#timers.silence ??= setTimeout(() => {
      if (socket === this.#socket) this.#socketLost();
    }, patienceMs);
  }

  /** Forget the socket; whoever waits for an answer on it is told. */
  #drop() {
    const socket = this.#socket;
    this.#socket = null;
    clearTimeout(this.#timers.retry);
    clearInterval(this.#timers.beat);
    clearTimeout(this.#timers.silence);
    this.#timers = { retry: null, beat: null, silence: null };
    if (socket !== null) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      if (socket.readyState <= 1) socket.close(1000);
    }
    const waiting = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject, timer } of waiting) {
      clearTimeout(timer);
      reject(new SignalingError(this.#closing?.code ?? "connection_lost", this.#closing?.detail ?? "the connection was lost"));
    }
  }

  #socketLost() {
    this.#drop();
    if (this.#session === null || this.#state === "closed" || this.#state === "connecting") return;
    if (this.#closing !== null && !RESUMABLE_CLOSINGS.has(this.#closing.code)) {
      this.#giveUp(this.#closing);
      return;
    }
    if (this.#state === "online") {
      this.#lostAt = this.#options.now();
      this.#setState("reconnecting");
    }
    this.#retry(backoffMs(this.#attempt));
  }

  #retry(delayMs) {
    clearTimeout(this.#timers.retry);
    this.#timers.retry = setTimeout(() => this.#resume(), delayMs);
  }

  async #resume() {
    this.#timers.retry = null;
    this.#attempt += 1;
    const session = this.#session;
    if (session === null) return;
    if (this.#options.now() - this.#lostAt > session.graceMs) {
      this.#giveUp({ code: "resume_refused", detail: "the time to come back is over" });
      return;
    }
    try {
      const welcome = await this.#greet(async () => ({
        resume: { session_id: session.sessionId, resume_token: session.resumeToken },
      }));
      this.#closing = null;
      this.dispatchEvent(new CustomEvent("resumed", { detail: welcome }));
    } catch (error) {
      if (this.#state !== "reconnecting") return;
      if (error.code === "connection_lost" || error.code === "timeout") {
        if (this.#timers.retry === null) {
          this.#drop();
          this.#retry(backoffMs(this.#attempt));
        }
      } else {
        this.#giveUp({ code: "resume_refused", detail: error.detail });
      }
    }
  }

  #giveUp(reason) {
    this.#drop();
    this.#session = null;
    this.#setState("closed");
    this.dispatchEvent(new CustomEvent("lost", { detail: reason }));
  }
}
