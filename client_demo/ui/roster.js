/** The people panel: who is here, in which role, with hand, microphone and camera. */

import { ROLE_NAMES, canInvite, canPublish, ranksWith } from "../roles.js";
import { isHeld, isRecorded, roster, trackOf } from "../store.js";
import { avatar, h, icon, iconButton, paintAvatar, setAttribute, setIcon, setText } from "./dom.js";
import { menuButton } from "./menu.js";
import { personItems } from "./person_menu.js";
import { WaitingList } from "./waiting_list.js";

export class RosterPanel {
  #store;
  #call;
  #rows = new Map();
  #list = h("ul.people", { "aria-label": "People in the meeting" });
  #count = h("h2", { id: "people-heading", tabIndex: -1 });
  #tools;
  #waiting;
  #hidden = h("p.hint.panel-note", { hidden: true }, "You see only hosts and who takes part with sound or picture.");

  constructor({ store, call, oninvite, onclose }) {
    this.#store = store;
    this.#call = call;
    this.#waiting = new WaitingList(call);
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
      this.#waiting.element,
      this.#hidden,
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
    this.#waiting.update(state);
    this.#hidden.hidden = state.meeting.settings.roster || ranksWith(state.self.role, "co-host");
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

  #newRow(person) {
    const row = new Row(person.participant_id, { store: this.#store, call: this.#call });
    this.#rows.set(person.participant_id, row);
    return row;
  }
}

class Row {
  #avatar = avatar("?");
  #name = h("span.person-name");
  #role = h("span.person-role");
  #hand = stateIcon("hand", "Hand raised", "hand");
  #microphone = stateIcon("mic", "");
  #camera = stateIcon("camera", "");
  #share = stateIcon("screen-stop", "May not share the screen", "off");
  #recorded = stateIcon("record", "", "recorded");
  #menu;
  #button;

  constructor(id, services) {
    this.#button = iconButton("more", "Actions", null);
    this.#menu = menuButton(this.#button, () => personItems(services, id), { floating: true });
    this.element = h(
      "li.person",
      { "data-participant": id },
      this.#avatar,
      h("span.person-words", {}, this.#name, this.#role),
      h("span.person-states", {}, this.#hand.element, this.#recorded.element, this.#share.element, this.#microphone.element, this.#camera.element),
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
    const held = (source) => isHeld(state, this.id, source);
    showState(this.#microphone, publishes, !silent, "mic", ["Microphone on", held("microphone") ? "Kept muted by a host" : "Microphone muted"]);
    showState(this.#camera, publishes, !dark, "camera", ["Camera on", held("camera") ? "Camera kept off by a host" : "Camera off"]);
    this.#microphone.element.classList.toggle("held", held("microphone"));
    this.#camera.element.classList.toggle("held", held("camera"));
    this.#share.element.hidden = !publishes || !held("screen");
    this.#showRecorded(isRecorded(state, this.id));
    this.element.classList.toggle("speaking", state.active_speakers.includes(this.id) && !silent);
    setAttribute(this.#button, "aria-label", `Actions for ${person.display_name}`);
  }

  /** Whether the recording that runs has this person; null while there is none. */
  #showRecorded(recorded) {
    const { element, picture, text } = this.#recorded;
    element.hidden = recorded === null;
    setIcon(picture, recorded ? "record" : "record-off");
    setText(text, recorded ? "Recorded" : "Not recorded");
    setAttribute(element, "title", recorded ? "Recorded" : "Not recorded");
    element.classList.toggle("yes", recorded === true);
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
