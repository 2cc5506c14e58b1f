/** What everybody is shown of the meeting's state: marks in the header, the banner of a suspended meeting, a host's request. */

import { may, ranksWith } from "../roles.js";
import { isHeld, isSuspended, needsLeave } from "../store.js";
import { askedWords } from "../words.js";
import { h, icon } from "./dom.js";

/** Marks in the header. */
export class StateChips {
  #locked = chip("lock", "Locked", "Nobody else can come in", "warn");
  #suspended = chip("pause", "Suspended", "Nobody is heard or seen until a host resumes the meeting", "danger");
  #waiting = chip("door", "Waiting room", "Hosts let people in one by one", "");
  element = h("span.state-chips", {}, this.#suspended, this.#locked, this.#waiting);

  update({ meeting }) {
    this.#suspended.hidden = meeting.state !== "suspended";
    this.#locked.hidden = meeting.state !== "locked";
    this.#waiting.hidden = !meeting.settings.waiting_room;
  }
}

function chip(name, words, title, className) {
  return h(`span.chip.state${className ? `.${className}` : ""}`, { title, hidden: true }, icon(name), h("span.chip-words", {}, words));
}

/** Over the whole stage while the meeting is suspended. */
export class SuspendedBanner {
  #resume;
  element;

  constructor(call) {
    this.#resume = h("button.button.primary", { type: "button", id: "resume-meeting", onclick: () => call.moderation.resume() }, icon("play"), "Resume the meeting");
    this.element = h(
      "section.suspended",
      { "aria-labelledby": "suspended-heading", hidden: true },
      h("span.suspended-mark", {}, icon("pause")),
      h("h2", { id: "suspended-heading" }, "The meeting is suspended"),
      h("p", {}, "Nobody is heard or seen, nobody can come in, and nothing can be sent. A host goes on when all is well."),
      h("p", {}, "Your microphone and camera are then as you leave them here."),
      this.#resume,
    );
  }

  update(state) {
    this.element.hidden = !isSuspended(state);
    this.#resume.hidden = !may(state.self.role, "meeting.modify");
  }
}

/** A host asks one to turn something on: only a press of the button does it. */
export class AskCard {
  #store;
  #actions;
  #source = null;
  element = h("section.ask", { role: "alert", hidden: true });

  /** actions: {microphone, camera, screen}, each turns its source on. */
  constructor(store, actions) {
    this.#store = store;
    this.#actions = actions;
  }

  update(state) {
    const asked = isSuspended(state) ? null : state.asked;
    if (asked === this.#source) return;
    this.#source = asked;
    this.element.hidden = asked === null;
    if (asked === null) {
      this.element.replaceChildren();
      return;
    }
    const { title, text, action, later } = askedWords(asked);
    const dismiss = () => this.#store.dispatch({ type: "asked" });
    const accept = () => {
      dismiss();
      (this.#actions[asked] ?? this.#actions.screen)();
    };
    this.element.replaceChildren(
      h("div", {}, h("strong", {}, title), h("p.hint", {}, text)),
      h(
        "div.ask-answers",
        {},
        h("button.button.primary", { type: "button", onclick: accept }, action),
        h("button.button.quiet", { type: "button", onclick: dismiss }, later),
      ),
    );
  }
}

/** Say why a source, or (null) anything else, cannot be turned on now; "" while it can. */
export function whyOff(state, source = null) {
  const { self, meeting } = state;
  if (isHeld(state, self.participant_id, source)) return source === "screen" ? "A host has stopped your share" : "A host keeps it off";
  if (isSuspended(state)) return "The meeting is suspended";
  const led = !ranksWith(self.role, "co-host");
  if (led && source === "screen" && meeting.settings.screen_share === "hosts") return "Only hosts share here";
  if (led && source === "microphone" && needsLeave(state)) return "A host has to allow it";
  return "";
}
