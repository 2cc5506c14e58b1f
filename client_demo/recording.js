/** The recording of the meeting: its course, and whether one agrees to be in it. */

/** Fires "consent" when the server asks whether one agrees. */
export class Recording extends EventTarget {
  #requests;

  constructor(requests) {
    super();
    this.#requests = requests;
  }

  #ask(type, fields = {}) {
    return this.#requests.attempt(() => this.#requests.send(type, fields));
  }

  start() {
    return this.#ask("recording.start");
  }

  stop() {
    return this.#ask("recording.stop");
  }

  /** Agree to be recorded, or take it back. */
  consent(granted) {
    return this.#ask("recording.consent", { granted });
  }

  received({ type }) {
    if (type === "recording.consent_requested") this.dispatchEvent(new CustomEvent("consent"));
  }
}
