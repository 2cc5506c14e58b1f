/** Everybody's sound: one audio element per remote audio track. Browsers may demand a click first. */

import { h } from "./dom.js";

export class AudioSink {
  #elements = new Map();
  #output;
  #onblocked;

  /** onblocked(true) is called when the browser refuses to play before a click, onblocked(false) once it plays. */
  constructor({ output, onblocked }) {
    this.#output = output;
    this.#onblocked = onblocked;
    this.element = h("div", { hidden: true });
  }

  /** tracks: Map of track_id -> MediaStreamTrack that should be heard now. */
  update(tracks) {
    for (const [id, element] of this.#elements) {
      if (tracks.get(id) === element.srcObject.getAudioTracks()[0]) continue;
      element.srcObject = null;
      element.remove();
      this.#elements.delete(id);
    }
    for (const [id, track] of tracks) {
      if (!this.#elements.has(id)) this.#add(id, track);
    }
  }

  #add(id, track) {
    const element = h("audio", { autoplay: true });
    element.srcObject = new MediaStream([track]);
    this.#elements.set(id, element);
    this.element.append(element);
    if (this.#output && element.setSinkId) element.setSinkId(this.#output).catch(() => {});
    this.#play(element);
  }

  #play(element) {
    return element.play().then(
      () => true,
      (error) => {
        if (error.name === "NotAllowedError") this.#onblocked(true);
        return false;
      },
    );
  }

  /** Called from a click: play what was refused. */
  async unblock() {
    const results = await Promise.all([...this.#elements.values()].map((element) => this.#play(element)));
    if (results.every(Boolean)) this.#onblocked(false);
  }

  setOutput(deviceId) {
    this.#output = deviceId;
    for (const element of this.#elements.values()) element.setSinkId?.(deviceId).catch(() => {});
  }

  clear() {
    this.update(new Map());
  }
}
