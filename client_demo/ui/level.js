/** A row of small bars that shows how loud the microphone is. */

import { meterLevel } from "../devices.js";
import { h } from "./dom.js";

const BARS = 7;

export class LevelView {
  #stop = null;
  #bars = Array.from({ length: BARS }, () => document.createElement("i"));
  #announced = -1;

  constructor() {
    this.element = h(
      "div.level",
      { role: "meter", "aria-label": "Microphone level", "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": 0 },
      this.#bars,
    );
  }

  /** Follow a track; null shows silence. */
  watch(track) {
    this.stop();
    this.element.hidden = track === null;
    if (track) this.#stop = meterLevel(track, (level) => this.#show(level));
  }

  #show(level) {
    this.#bars.forEach((bar, index) => {
      const lit = level * BARS > index + 0.35;
      bar.classList.toggle("lit", lit);
      const swing = lit ? 8 + 16 * level * (0.55 + 0.45 * Math.sin(((index + 1) / (BARS + 1)) * Math.PI)) : 6;
      bar.style.height = `${Math.round(swing)}px`;
    });
    const tens = Math.round(level * 10);
    if (tens !== this.#announced) {
      this.#announced = tens;
      this.element.setAttribute("aria-valuenow", String(tens * 10));
    }
  }

  stop() {
    this.#stop?.();
    this.#stop = null;
  }
}
