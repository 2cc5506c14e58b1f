/** In place of the form while one waits: for the host to begin, or to be let in. */

import { h, setText } from "./dom.js";

const WORDS = {
  host: ["Waiting for the host…", "The meeting has not started yet. You join by yourself as soon as the host opens it."],
  lobby: ["Waiting to be let in…", "Hosts see your name and answer when they can. If none is there yet, you keep your place. You join by yourself once one of them opens the door."],
};

/** actions: onknock(reason) resolves with whether it was told; onstop(). */
export class LobbyView {
  #heading = h("h2", { tabIndex: -1 });
  #text = h("p.hint", {});
  #form;
  #reason = h("input.input", { id: "knock-reason", type: "text", maxlength: 200, autocomplete: "off", placeholder: "I am from the design team" });
  #told = h("p.hint", { role: "status" });
  element;

  constructor({ onknock, onstop }) {
    const button = h("button.button", { type: "submit", id: "knock" }, "Tell the hosts");
    this.#form = h(
      "form.knock",
      { novalidate: true },
      h("div.field", {}, h("label", { for: "knock-reason" }, "Say why you come (optional)"), h("div.copy-row", {}, this.#reason, button)),
      this.#told,
    );
    this.#form.addEventListener("submit", async (event) => {
      event.preventDefault();
      button.disabled = true;
      const reason = this.#reason.value.trim();
      if (await onknock(reason)) setText(this.#told, reason ? `The hosts read: “${reason}”` : "The hosts see your name alone.");
      button.disabled = false;
    });
    this.element = h(
      "section.lobby",
      { hidden: true },
      h("div.lobby-head", {}, h("span.spinner", { "aria-hidden": "true" }), this.#heading),
      this.#text,
      this.#form,
      h("button.button.quiet.wide", { type: "button", id: "stop-waiting", onclick: onstop }, "Stop waiting"),
    );
  }

  /** For "host" or "lobby"; null hides it. */
  show(what) {
    const began = what !== null && this.element.hidden;
    this.element.hidden = what === null;
    if (what === null) return;
    const [heading, text] = WORDS[what];
    setText(this.#heading, heading);
    setText(this.#text, text);
    this.#form.hidden = what !== "lobby";
    if (began) this.#heading.focus();
  }
}
