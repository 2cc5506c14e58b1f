/** Notices when somebody talks into a muted microphone. */

import { meterLevel } from "../devices.js";

const LOUD = 0.62;
const LOUD_SAMPLES = 6;
const QUIET_AFTER_MS = 30_000;

export class MutedTalk {
  #stop = null;
  #track = null;
  #loud = 0;
  #toldAt = -Infinity;
  #ontalk;

  /** ontalk() is called at most twice a minute. */
  constructor(ontalk) {
    this.#ontalk = ontalk;
  }

  /** Listen to this track while it is muted; null listens to nothing. */
  watch(track) {
    if (track === this.#track) return;
    this.#stop?.();
    this.#stop = track ? meterLevel(track, (level) => this.#heard(level)) : null;
    this.#track = track;
    this.#loud = 0;
  }

  #heard(level) {
    this.#loud = level > LOUD ? this.#loud + 1 : Math.max(0, this.#loud - 1);
    if (this.#loud < LOUD_SAMPLES || performance.now() - this.#toldAt < QUIET_AFTER_MS) return;
    this.#toldAt = performance.now();
    this.#ontalk();
  }
}
