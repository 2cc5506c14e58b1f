/** The rooms panel: which breakout rooms are open, who is where, and what a person of one's role may do about them. */

import { spread } from "../breakouts.js";
import { isHost, may } from "../roles.js";
import { roster } from "../store.js";
import { openDialog } from "./dialogs.js";
import { avatar, h, icon, iconButton, setText } from "./dom.js";
import { menuButton } from "./menu.js";

const MAIN = { breakout_id: null, title: "Main room" };
const MOST_ROOMS = 50;
const LONGEST_TITLE = 64;
const CLOSING = [
  ["0", "Now"],
  ["15", "In 15 seconds"],
  ["60", "In a minute"],
  ["300", "In 5 minutes"],
];

const manages = (role) => may(role, "breakout_rooms.manage");

/** "1:05" from seconds. */
const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;

/** Counts `closes_in_s` of the state down. Calls `onchange(text)` every second, with "" when nothing closes. */
export class Countdown {
  #onchange;
  #seen = null;
  #due = 0;
  #timer = null;

  constructor(onchange) {
    this.#onchange = onchange;
  }

  update({ breakouts }) {
    if (breakouts === this.#seen) return;
    this.#seen = breakouts;
    this.stop();
    if (breakouts.closes_in_s === null) {
      this.#onchange("");
      return;
    }
    this.#due = performance.now() + breakouts.closes_in_s * 1_000;
    this.#timer = setInterval(() => this.#tick(), 1_000);
    this.#tick();
  }

  #tick() {
    this.#onchange(clock(Math.max(0, Math.round((this.#due - performance.now()) / 1_000))));
  }

  stop() {
    clearInterval(this.#timer);
    this.#timer = null;
  }
}

export class RoomsPanel {
  #store;
  #call;
  #key = "";
  #heading = h("h2", { id: "rooms-heading", tabIndex: -1 }, "Breakout rooms");
  #hint = h("p.hint.room-hint");
  #rooms = h("div.rooms");
  #opening;
  #tools;
  #spreading = h("p.hint", { role: "status", hidden: true });

  constructor({ store, call, onclose }) {
    this.#store = store;
    this.#call = call;
    this.#opening = h("button.button.small.wide", { type: "button", id: "open-rooms", onclick: () => this.#open() }, icon("door"), "Open rooms");
    this.#tools = this.#buildTools();
    this.element = h(
      "aside.panel",
      { "aria-labelledby": "rooms-heading", hidden: true },
      h("header.panel-head", {}, this.#heading, iconButton("close", "Close rooms panel", onclose)),
      h("div.panel-tools", {}, this.#hint, this.#opening, this.#spreading),
      this.#rooms,
      this.#tools,
    );
  }

  focus() {
    this.#heading.focus();
  }

  #buildTools() {
    const text = h("input.input", { type: "text", id: "rooms-announcement", maxlength: 500, placeholder: "Say something to all rooms", "aria-label": "Message to all rooms" });
    const say = async (event) => {
      event.preventDefault();
      if (text.value.trim() !== "" && (await this.#call.breakouts.announce(text.value.trim()))) text.value = "";
    };
    const when = h("select.select", { "aria-label": "When to close the rooms" }, CLOSING.map(([seconds, words]) => h("option", { value: seconds }, words)));
    when.value = "60";
    return h(
      "footer.room-tools",
      { hidden: true },
      h("form.copy-row", { onsubmit: say }, text, h("button.button.small", { type: "submit" }, "Send")),
      h(
        "div.copy-row",
        {},
        when,
        h("button.button.small.danger", { type: "button", onclick: () => this.#call.breakouts.close(Number(when.value)) }, "Close rooms"),
      ),
    );
  }

  update(state) {
    const open = state.panel === "rooms";
    this.element.hidden = !open;
    if (!open) return;
    const { rooms, self_choose: free, closes_in_s: closing } = state.breakouts;
    const moderates = manages(state.self.role);
    this.#opening.hidden = !may(state.self.role, "breakout_rooms.create") || closing !== null;
    setText(this.#opening.lastChild, rooms.length > 0 ? "Open more rooms" : "Open rooms");
    this.#tools.hidden = !moderates || rooms.length === 0;
    setText(this.#hint, hintFor({ rooms, free, closing, moderates, host: isHost(state.self.role) }));
    this.#paint(state, rooms, closing === null && (moderates || free), moderates && closing === null);
  }

  #paint(state, rooms, chooses, moves) {
    const { breakout_id: here, last } = state.place;
    const people = [...roster(state), ...Object.values(state.elsewhere)];
    const key = JSON.stringify([here, last, chooses, moves, rooms, people.map((person) => [person.participant_id, person.display_name, person.breakout_id, person.hand_raised])]);
    /* A menu that somebody reads stays under their hand; what has changed is painted when it closes. */
    if (key === this.#key || this.element.querySelector("[role=menu]")) return;
    this.#key = key;
    const focused = this.#rooms.contains(document.activeElement) ? document.activeElement.dataset.focus : null;
    const places = rooms.length > 0 ? [MAIN, ...rooms] : [];
    this.#rooms.replaceChildren(...places.map((room) => this.#room(state, room, { people, places, chooses, moves })));
    if (focused) (this.#rooms.querySelector(`[data-focus="${focused}"]`) ?? this.#heading).focus();
  }

  #room(state, room, { people, places, chooses, moves }) {
    const { breakout_id: here, last } = state.place;
    const id = room.breakout_id;
    const inside = people.filter((person) => (person.breakout_id ?? null) === id);
    const mine = here === id;
    const enters = !mine && (id === null || chooses || (last === id && state.breakouts.closes_in_s === null));
    const words = id === null ? "Go back to the main room" : `Enter ${room.title}`;
    const count = manages(state.self.role) || mine ? inside.length : (room.participants ?? null);
    return h(
      `section.room${mine ? ".here" : ""}`,
      { "aria-label": room.title, "data-room": id ?? "main" },
      h(
        "header.room-head",
        {},
        h("h3", {}, room.title, count === null ? null : h("span.hint", {}, ` ${count}`)),
        mine ? h("span.chip.accent", {}, "You are here") : null,
        enters
          ? h(
              "button.button.small",
              { type: "button", "aria-label": words, "data-focus": `enter-${id}`, onclick: () => this.#call.breakouts.enter(id) },
              id === null ? "Go back" : "Enter",
            )
          : null,
      ),
      inside.length > 0 ? h("ul.room-people", {}, inside.map((person) => this.#person(state, person, places, moves))) : null,
    );
  }

  #person(state, person, places, moves) {
    const me = person.participant_id === state.self.participant_id;
    const button = iconButton("more", `Move ${person.display_name}`, null, { "data-focus": `move-${person.participant_id}` });
    const targets = places
      .filter((place) => place.breakout_id !== (person.breakout_id ?? null))
      .map((place) => ({ label: place.title, icon: "door", onselect: () => this.#call.breakouts.move(person.participant_id, place.breakout_id) }));
    const movable = moves && !me && (isHost(state.self.role) || !isHost(person.role));
    return h(
      "li.person",
      {},
      avatar(person.display_name),
      h("span.person-words", {}, h("span.person-name", {}, `${person.display_name}${me ? " (you)" : ""}`)),
      person.hand_raised ? h("span.person-states", {}, h("span.hand", {}, icon("hand"), h("span.visually-hidden", {}, "Hand raised"))) : null,
      movable ? menuButton(button, () => [{ title: "Move to" }, ...targets], { floating: true, onclose: () => this.update(this.#store.get()) }) : null,
    );
  }

  /** How many rooms, how they are called, and who goes where. */
  #open() {
    const known = this.#store.get().breakouts.rooms.length;
    const most = MOST_ROOMS - known;
    openDialog("Open breakout rooms", (close) => {
      const number = h("input.input", { type: "number", id: "room-count", min: 1, max: most, value: "2", required: true });
      const names = h("div.room-names");
      const fit = () => {
        const wanted = Math.min(most, Math.max(1, Number(number.value) || 1));
        while (names.children.length > wanted) names.lastElementChild.remove();
        while (names.children.length < wanted) {
          const title = `Room ${known + names.children.length + 1}`;
          names.append(h("input.input", { type: "text", value: title, maxlength: LONGEST_TITLE, required: true, "aria-label": `Name of room ${names.children.length + 1}` }));
        }
      };
      number.addEventListener("input", fit);
      fit();
      const choose = h("input", { type: "checkbox", id: "rooms-choose" });
      const evenly = h("input", { type: "checkbox", id: "rooms-spread", checked: known === 0 });
      const submit = async (event) => {
        event.preventDefault();
        const titles = [...names.children].map((input) => input.value.trim());
        close();
        await this.#create(titles, choose.checked, evenly.checked);
      };
      return h(
        "form.room-form",
        { onsubmit: submit },
        h("div.field", {}, h("label", { for: "room-count" }, "Number of rooms"), number),
        h("fieldset.choices", {}, h("legend.field-label", {}, "Their names"), names),
        h("label.check-row", { for: "rooms-spread" }, evenly, "Spread everybody over the rooms now"),
        h("label.check-row", { for: "rooms-choose" }, choose, "People may change rooms by themselves"),
        h("div.dialog-actions", {}, h("button.button.primary", { type: "submit" }, "Open rooms")),
      );
    });
  }

  async #create(titles, choose, evenly) {
    const before = new Set(this.#store.get().breakouts.rooms.map((room) => room.breakout_id));
    const { self, participants } = this.#store.get();
    const people = Object.values(participants).filter((person) => person.participant_id !== self.participant_id && !isHost(person.role));
    if (!(await this.#call.breakouts.create(titles, choose)) || !evenly) return;
    const fresh = await this.#opened(before);
    const moves = spread(people.map((person) => person.participant_id), fresh);
    this.#spreading.hidden = false;
    const show = (done) => setText(this.#spreading, `Sending people to their rooms: ${done} of ${moves.length}`);
    show(0);
    await this.#call.breakouts.moveAll(moves, show);
    this.#spreading.hidden = true;
  }

  /** The ids of the new rooms; they come with an event after the answer. */
  #opened(before) {
    return new Promise((resolve) => {
      const look = (state) => {
        const fresh = state.breakouts.rooms.map((room) => room.breakout_id).filter((id) => !before.has(id));
        if (fresh.length === 0) return;
        stop();
        resolve(fresh);
      };
      const stop = this.#store.subscribe(look);
      look(this.#store.get());
    });
  }
}

function hintFor({ rooms, free, closing, moderates, host }) {
  if (rooms.length === 0) return host ? "Small groups apart from each other: nobody outside a room hears or sees it." : "No rooms are open. A host opens them.";
  if (closing !== null) return "The rooms are closing. Everybody comes back into the main room.";
  if (moderates) return "Go into any room, or move people with the button beside their name.";
  return free ? "Choose a room. You can come back at any time." : "A host sends you into a room. You can come back at any time.";
}
