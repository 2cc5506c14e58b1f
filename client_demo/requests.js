/** Requests of a person to the server, and what the person is told about their outcome. */

import { HELD } from "./outcomes.js";
import { refusalWords } from "./words.js";

const OVERTAKEN = new Set(["conflict", "not_found"]);

/** Fires "notice" {tone, title, text} and "announce" {text}, the latter for what a screen reader should say. */
export class Requests extends EventTarget {
  #signaling;
  #moves = 0;

  constructor(signaling) {
    super();
    this.#signaling = signaling;
  }

  /** Resolves with the server's result; rejects with a SignalingError. */
  send = (type, fields) => this.#signaling.request(type, fields);

  /**
   * Do what a person asked for and tell them a refusal in words; resolves with whether it was done.
   * `resent`: what the job asks for is sent again after a resume, so a lost connection needs no words here.
   * `refused` undoes what may not be.
   */
  async attempt(job, { resent = false, refused = () => {} } = {}) {
    const moves = this.#moves;
    try {
      await job();
      return true;
    } catch (error) {
      if (error instanceof DOMException) throw error;
      if (resent && error.code === "connection_lost") return false;
      if (moves !== this.#moves && OVERTAKEN.has(error.code)) return false;
      if (HELD.has(error.code)) refused();
      this.notice("error", refusalWords(error));
      return false;
    }
  }

  /** One is in another room now: what was asked for in the old one and came too late is no news. */
  moved() {
    this.#moves += 1;
  }

  notice(tone, words) {
    this.dispatchEvent(new CustomEvent("notice", { detail: { tone, ...words } }));
  }

  announce(text) {
    this.dispatchEvent(new CustomEvent("announce", { detail: { text } }));
  }
}
