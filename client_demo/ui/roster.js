/** The people panel: who is here, in which role, with hand, microphone and camera. */

import { ROLE_NAMES, canInvite, canModerate, canPublish, isHost } from "../roles.js";
import { roster, trackOf } from "../store.js";
import { confirmDialog } from "./dialogs.js";
import { avatar, h, icon, iconButton, paintAvatar, setAttribute, setIcon, setText } from "./dom.js";
import { menuButton } from "./menu.js";

export class RosterPanel {
  #store;
  #call;
  #rows = new Map();
  #list = h("ul.people", { "aria-label": "People in the meeting" });
  #count = h("h2", { id: "people-heading", tabIndex: -1 });
  #tools;
  #waiting = h("section.waiting", { "aria-label": "People who wait to be let in", "aria-live": "polite", hidden: true });

  constructor({ store, call, oninvite, onclose }) {
    this.#store = store;
    this.#call = call;
    this.#tools = h(
      "div.panel-tools",
      {},
      h("button.button.small.wide", { type: "button", id: "invite", onclick: oninvite }, icon("plus-person"), "Invite people"),
    );
    this.element = h(
      "aside.panel",
      { "aria-labelledby": "people-heading", hidden: true },
      h("header.panel-head", {}, this.#count, iconButton("close", "Close people", onclose)),
      this.#tools,
      this.#waiting,
      this.#list,
    );
  }

  focus() {
    this.#count.focus();
  }

  update(state) {
    const open = state.panel === "people";
    this.element.hidden = !open;
    if (!open) return;
    const me = state.self.participant_id;
    const people = roster(state);
    people.sort((a, b) => Number(b.participant_id === me) - Number(a.participant_id === me) || Number(b.hand_raised) - Number(a.hand_raised));
    setText(this.#count, `People (${people.length})`);
    this.#tools.hidden = !canInvite(state.self.role);
    this.#showWaiting(state.lobby);
    const present = new Set(people.map((person) => person.participant_id));
    for (const [id, row] of this.#rows) {
      if (present.has(id)) continue;
      row.element.remove();
      this.#rows.delete(id);
    }
    people.forEach((person, index) => {
      const row = this.#rows.get(person.participant_id) ?? this.#newRow(person);
      row.update(state, person);
      if (this.#list.children[index] !== row.element) this.#list.insertBefore(row.element, this.#list.children[index] ?? null);
    });
  }

  #showWaiting(guests) {
    const key = guests.map((guest) => `${guest.guest_id} ${guest.display_name} ${guest.reason}`).join("\n");
    if (this.#waiting.dataset.key === key) return;
    this.#waiting.dataset.key = key;
    this.#waiting.hidden = guests.length === 0;
    const admit = (guest_id) => () => this.#call.moderation.admit(guest_id);
    this.#waiting.replaceChildren(
      h("h3.field-label", {}, `Waiting to be let in (${guests.length})`),
      ...guests.map(({ guest_id, display_name, reason }) =>
        h(
          "div.waiting-guest",
          {},
          h("span.person-words", {}, h("span", {}, display_name), h("span.hint", {}, reason)),
          h("button.button.small.primary", { type: "button", "aria-label": `Let ${display_name} in`, onclick: admit(guest_id) }, "Let in"),
          h(
            "button.button.small.quiet",
            { type: "button", "aria-label": `Do not let ${display_name} in`, onclick: () => this.#call.moderation.deny(guest_id) },
            "Deny",
          ),
        ),
      ),
      guests.length > 1 ? h("button.button.small.wide", { type: "button", onclick: admit(null) }, "Let everybody in") : "",
    );
  }

  async #remove(id, ban) {
    const name = this.#store.get().participants[id]?.display_name ?? "this person";
    const words = ban
      ? "The link, the device and the network they came with are refused from now on, for everybody who uses them."
      : "A personal link is used up by that; with a link that is meant for several people they can come back.";
    const sure = await confirmDialog(`Remove ${name}?`, words, ban ? "Remove and ban" : "Remove");
    if (sure) await this.#call.moderation.remove(id, ban);
  }

  #newRow(person) {
    const row = new Row(person.participant_id, this.#store, {
      onhost: (id) => this.#passHost(id),
      onmute: (id) => this.#call.moderation.mute(id),
      onremove: (id, ban) => this.#remove(id, ban),
    });
    this.#rows.set(person.participant_id, row);
    return row;
  }

  async #passHost(id) {
    const name = this.#store.get().participants[id]?.display_name ?? "this person";
    const sure = await confirmDialog(`Make ${name} the host?`, `${name} can then end the meeting and choose another host. You become co-host.`, "Make host");
    if (sure) await this.#call.moderation.passHost(id);
  }
}

class Row {
  #avatar = avatar("?");
  #name = h("span.person-name");
  #role = h("span.person-role");
  #hand = stateIcon("hand", "Hand raised", "hand");
  #microphone = stateIcon("mic", "");
  #camera = stateIcon("camera", "");
  #menu;
  #button;

  constructor(id, store, { onhost, onmute, onremove }) {
    this.#button = iconButton("more", "Actions", null);
    this.#menu = menuButton(
      this.#button,
      () => {
        const { self, participants, pinned } = store.get();
        const other = id !== self.participant_id;
        const host = isHost(self.role) && other && !isHost(participants[id]?.role);
        const moderated = canModerate(self.role) && other;
        const microphone = trackOf(store.get(), id, "microphone");
        return [
          { label: pinned === id ? "Unpin" : "Pin to the stage", icon: "pin", onselect: () => store.dispatch({ type: "pin", participant_id: id }) },
          moderated && microphone && !microphone.muted ? { label: "Mute", icon: "mic-off", onselect: () => onmute(id) } : null,
          host ? { label: "Make host", icon: "crown", onselect: () => onhost(id) } : null,
          host ? { label: "Remove from the meeting", icon: "close", danger: true, onselect: () => onremove(id, false) } : null,
          host ? { label: "Remove and ban", icon: "close", danger: true, onselect: () => onremove(id, true) } : null,
        ];
      },
      { className: "under" },
    );
    this.element = h(
      "li.person",
      { "data-participant": id },
      this.#avatar,
      h("span.person-words", {}, this.#name, this.#role),
      h("span.person-states", {}, this.#hand.element, this.#microphone.element, this.#camera.element),
      this.#menu,
    );
    this.id = id;
  }

  update(state, person) {
    const mine = this.id === state.self.participant_id;
    const microphone = trackOf(state, this.id, "microphone");
    const camera = trackOf(state, this.id, "camera");
    const silent = mine ? state.local.microphone !== "on" : !microphone || microphone.muted;
    const dark = mine ? state.local.camera !== "on" : !camera || camera.muted;
    const publishes = canPublish(person.role);
    paintAvatar(this.#avatar, person.display_name);
    setText(this.#name, `${person.display_name}${mine ? " (you)" : ""}`);
    setText(this.#role, `${ROLE_NAMES[person.role]}${person.connected || mine ? "" : ", reconnecting"}`);
    this.#hand.element.hidden = !person.hand_raised;
    showState(this.#microphone, publishes, !silent, "mic", ["Microphone on", "Microphone muted"]);
    showState(this.#camera, publishes, !dark, "camera", ["Camera on", "Camera off"]);
    this.element.classList.toggle("speaking", state.active_speakers.includes(this.id) && !silent);
    setAttribute(this.#button, "aria-label", `Actions for ${person.display_name}`);
  }
}

function stateIcon(name, words, className = "") {
  const picture = icon(name);
  const text = h("span.visually-hidden", {}, words);
  return { picture, text, element: h(`span${className ? `.${className}` : ""}`, {}, picture, text) };
}

function showState({ picture, text, element }, shown, on, name, [yes, no]) {
  element.hidden = !shown;
  setIcon(picture, on ? name : `${name}-off`);
  setText(text, on ? yes : no);
  setAttribute(element, "title", on ? yes : no);
  element.classList.toggle("off", !on);
}
