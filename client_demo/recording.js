/** The recording of the meeting: its course, whether one agrees to be in it, and its files. */

import { SignalingError } from "./protocol.js";

export class Recording {
  #requests;
  #store;
  #token;

  /** token(): the invitation one came with; a recording is read over HTTP with a host's. */
  constructor({ requests, store, token }) {
    this.#requests = requests;
    this.#store = store;
    this.#token = token;
  }

  #ask(type, fields = {}) {
    return this.#requests.attempt(() => this.#requests.send(type, fields));
  }

  start() {
    return this.#ask("recording.start");
  }

  pause(paused) {
    return this.#ask("recording.pause", { paused });
  }

  stop() {
    return this.#ask("recording.stop");
  }

  /** Agree to the recording one was asked about or sees, and to no other, or take it back. An answer that is lost is asked for again by the server. */
  consent(granted) {
    const { consent_asked, recording } = this.#store.get();
    const recording_id = consent_asked ?? recording.recording_id ?? null;
    this.#store.dispatch({ type: "consent_answered" });
    return this.#ask("recording.consent", granted ? { granted, recording_id } : { granted });
  }

  /** What there is of a recording: {path, title, started_at_s, ended_at_s, participants, files}. Rejects with a SignalingError. */
  async contents(recording_id) {
    const { path } = await this.#requests.send("recording.download", { recording_id });
    return { ...(await (await this.#read(path)).json()), path };
  }

  /** A file of a recording as a Blob. Rejects with a SignalingError. */
  async file(path, name) {
    return (await this.#read(`${path}/${encodeURIComponent(name)}`)).blob();
  }

  async #read(path) {
    let response;
    try {
      response = await fetch(path, { headers: { Authorization: `Bearer ${this.#token()}` } });
    } catch {
      throw new SignalingError("connection_lost", "the server cannot be reached");
    }
    if (response.ok) return response;
    const problem = await response.json().catch(() => ({}));
    throw new SignalingError(problem.code ?? "unavailable", problem.detail ?? `the server answered ${response.status}`);
  }
}
