/** The recording of the meeting: its course, and whether one agrees to be in it. */

/** Fires "consent" when the server asks whether one agrees. */
export class Recording extends EventTarget {
  #requests;
  #asked = null;

  constructor(requests) {
    super();
    this.#requests = requests;
  }

  #ask(type, fields = {}) {
    return this.#requests.attempt(() => this.#requests.send(type, fields));
  }

  start() {
    this.#asked = null;
    return this.#ask("recording.start");
  }

  stop() {
    return this.#ask("recording.stop");
  }

  /** Agree to be recorded, or take it back; for the recording that one was asked about and no other. */
  consent(granted) {
    return this.#ask("recording.consent", this.#asked ? { granted, recording_id: this.#asked } : { granted });
  }

  received({ type, recording_id: id }) {
    if (type !== "recording.consent_requested") return;
    this.#asked = id;
    this.dispatchEvent(new CustomEvent("consent"));
  }
}
