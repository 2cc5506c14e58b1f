/** A WebSocket in memory: what the client sends is decoded into `sent`, `answer` and `push` play the server. */

import { CODECS } from "../../client_demo/protocol.js";

export class FakeSocket {
  static opened = [];
  static refuse = false;

  constructor(url, subprotocol) {
    this.url = url;
    this.subprotocol = subprotocol;
    this.codec = Object.values(CODECS).find((codec) => codec.subprotocol === subprotocol);
    this.readyState = 0;
    this.sent = [];
    FakeSocket.opened.push(this);
    queueMicrotask(() => {
      if (FakeSocket.refuse) {
        this.readyState = 3;
        this.onclose?.({ code: 1006 });
      } else {
        this.readyState = 1;
        this.onopen?.();
      }
    });
  }

  send(data) {
    this.sent.push(this.codec.decode(data));
  }

  push(message) {
    const data = this.codec.encode(message);
    this.onmessage({ data: typeof data === "string" ? data : data.slice().buffer });
  }

  /** Answer the latest request. */
  answer(result) {
    this.push({ type: "response", id: this.sent.at(-1).id, result });
  }

  refuseLast(code, detail) {
    this.push({ type: "error", id: this.sent.at(-1).id, code, detail, incident: null });
  }

  close() {
    this.readyState = 3;
  }

  /** The network cuts the connection. */
  cut(code = 1006) {
    this.readyState = 3;
    this.onclose?.({ code });
  }
}

export const WELCOME = {
  session_id: "s".repeat(16),
  resume_token: "first".padEnd(32, "-"),
  resume_grace_ms: 30_000,
  heartbeat_ms: 15_000,
  role: "participant",
  meeting_id: "m".repeat(16),
  meeting_open: true,
  title: "Weekly",
  ice_servers: [],
};
