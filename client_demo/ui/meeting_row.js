/** One meeting on the dashboard. */

import { ROLE_NAMES } from "../roles.js";
import { h, iconButton, setAttribute, setText } from "./dom.js";
import { menuButton } from "./menu.js";

const dayOf = (seconds) => new Date(seconds * 1_000).toLocaleDateString([], { dateStyle: "medium" });

export class MeetingRow {
  #title = h("h2.meeting-name", { tabIndex: -1 });
  #live = h("span.chip.accent", { hidden: true });
  #role = h("span.chip");
  #facts = h("span.hint");
  #enter;
  #invite;
  #more = iconButton("more", "More", null);
  #menu;
  #meeting = null;

  /** Each callback gets the meeting. */
  constructor(id, { onenter, oninvite, onshare, ondelete }) {
    this.#enter = h("button.button.primary", { type: "button", onclick: () => onenter(this.#meeting) });
    this.#invite = h("button.button.quiet", { type: "button", onclick: () => oninvite(this.#meeting) }, "Invite");
    this.#menu = menuButton(
      this.#more,
      () => [
        { label: "Share with an account", icon: "people", onselect: () => onshare(this.#meeting) },
        { label: "Delete", icon: "trash", danger: true, onselect: () => ondelete(this.#meeting) },
      ],
      { className: "under" },
    );
    this.element = h(
      "li.meeting-card",
      { "data-meeting": id },
      h("div.meeting-words", {}, this.#title, h("span.invitation-line", {}, this.#live, this.#role, this.#facts)),
      h("div.meeting-actions", {}, this.#enter, this.#invite, this.#menu),
    );
  }

  focus() {
    this.#title.focus();
  }

  update(meeting) {
    this.#meeting = meeting;
    const { title, owner, owned, role, created_at_s, present } = meeting;
    setText(this.#title, title);
    this.#live.hidden = present === null;
    setText(this.#live, present === 1 ? "One person is in" : `${present ?? 0} people are in`);
    setText(this.#role, owned ? "Yours" : (ROLE_NAMES[role] ?? "Not shared with you"));
    setText(this.#facts, owned ? `Created ${dayOf(created_at_s)}` : `Shared by ${owner}`);
    setText(this.#enter, role === "host" && present === null ? "Start" : "Join");
    setAttribute(this.#enter, "aria-label", `${this.#enter.textContent} ${title}`);
    setAttribute(this.#invite, "aria-label", `Invite to ${title}`);
    setAttribute(this.#more, "aria-label", `More about ${title}`);
    this.#enter.hidden = role === null;
    this.#invite.hidden = this.#menu.hidden = !owned;
  }
}
