/** Who waits to be let in, for those who may answer: a list with buttons, and a bar over the stage that says so. */

import { canInvite } from "../roles.js";
import { isSuspended } from "../store.js";
import { h, icon, setText } from "./dom.js";

export class WaitingList {
  #call;
  #key = "";
  element = h("section.waiting", { "aria-labelledby": "waiting-heading", hidden: true });

  constructor(call) {
    this.#call = call;
  }

  update(state) {
    const frozen = isSuspended(state);
    const lobby = canInvite(state.self.role) ? state.lobby : [];
    const key = JSON.stringify([lobby, frozen]);
    if (key === this.#key) return;
    this.#key = key;
    const focused = this.element.contains(document.activeElement) ? document.activeElement : null;
    this.element.hidden = lobby.length === 0;
    this.element.replaceChildren(
      h("h3.field-label", { id: "waiting-heading", tabIndex: -1 }, `Waiting to be let in (${lobby.length})`),
      frozen ? h("p.hint", {}, "Nobody can be let in while the meeting is suspended.") : "",
      h("ul.waiting-guests", {}, lobby.map((guest) => this.#guest(guest, frozen))),
      lobby.length > 1
        ? h("button.button.wide", { type: "button", disabled: frozen, onclick: () => this.#call.moderation.admit() }, icon("door"), "Let everybody in")
        : "",
    );
    if (focused && !this.element.hidden) this.#focusLike(focused);
  }

  /** Who answers one guest goes on with that one when another comes. */
  #focusLike(former) {
    const guest = former.closest("[data-guest]")?.dataset.guest;
    const answers = guest ? [...this.element.querySelectorAll(`[data-guest="${guest}"] button`)] : [];
    const same = answers.find((button) => button.textContent === former.textContent && !button.disabled);
    (same ?? this.element.querySelector("h3")).focus();
  }

  #guest({ guest_id, display_name, reason, personal }, frozen) {
    const { moderation } = this.#call;
    const button = (className, label, name, onclick, disabled = false) =>
      h(`button.button${className}`, { type: "button", "aria-label": name, disabled, onclick }, label);
    return h(
      "li.waiting-guest",
      { "data-guest": guest_id },
      h("p.waiting-name", {}, h("strong", {}, display_name), h("span.hint", {}, personal ? "with a personal link" : "with a shared link")),
      reason ? h("p.waiting-reason", {}, reason) : null,
      h(
        "div.waiting-answers",
        {},
        button(".primary", "Let in", `Let in ${display_name}`, () => moderation.admit(guest_id), frozen),
        button(".quiet", "Deny", `Deny ${display_name}`, () => moderation.deny(guest_id)),
        button(".quiet.warn", "Deny and block", `Deny and block ${display_name}`, () => moderation.deny(guest_id, true)),
      ),
    );
  }
}

/** Over the stage while somebody waits and the list is not in sight. */
export class WaitingBar {
  #words = h("span", {});
  element;

  constructor(onshow) {
    this.element = h(
      "div.banner.knocks",
      { hidden: true },
      icon("door"),
      this.#words,
      h("button.button.primary", { type: "button", onclick: onshow }, "Show"),
    );
  }

  update({ lobby, panel, self }) {
    this.element.hidden = lobby.length === 0 || panel === "people" || !canInvite(self.role);
    if (this.element.hidden) return;
    setText(this.#words, lobby.length === 1 ? `${lobby[0].display_name} waits to be let in` : `${lobby.length} people wait to be let in`);
  }
}
