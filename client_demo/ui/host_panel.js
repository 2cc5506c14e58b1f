/** Host controls: what hosts and co-hosts decide for the whole meeting. Each section shows itself to the roles that may use it. */

import { canModerate, canPublish, may, ranksWith } from "../roles.js";
import { isHeld, isSuspended } from "../store.js";
import { h, icon, iconButton, setText } from "./dom.js";
import { downloadsDialog } from "./recording_view.js";

const SHARING = [
  ["all", "Everybody, several at once"],
  ["one", "Everybody, one at a time"],
  ["hosts", "Hosts only"],
];

const SWITCHES = [
  ["unmute", "Unmute themselves"],
  ["chat", "Chat"],
  ["roster", "See who is here"],
];

const DOOR = [
  ["waiting_room", "Waiting room", "Hosts let people in one by one."],
  ["admit_personal", "Let personal links straight in", "Who has a link of their own does not wait while a host is here."],
];

export class HostPanel {
  #store;
  #call;
  #parts = {};
  #sections;

  /** actions: {onclose, oninvitations}. */
  constructor({ store, call, actions }) {
    this.#store = store;
    this.#call = call;
    this.#parts.heading = h("h2", { id: "host-heading", tabIndex: -1 }, "Host controls");
    /* Sections in the order they are shown: {element, shown(state), update(state)}. */
    this.#sections = [this.#emergency(), this.#people(), this.#door(), this.#invitations(actions.oninvitations), this.#permissions(), this.#recording()];
    this.element = h(
      "aside.panel",
      { "aria-labelledby": "host-heading", hidden: true },
      h("header.panel-head", {}, this.#parts.heading, iconButton("close", "Close host controls", actions.onclose)),
      h("div.host-sections", {}, this.#sections.map((section) => section.element)),
    );
  }

  focus() {
    this.#parts.heading.focus();
  }

  update(state) {
    this.element.hidden = state.panel !== "host" || !canModerate(state.self.role);
    if (this.element.hidden) return;
    for (const section of this.#sections) {
      section.element.hidden = !section.shown(state);
      if (!section.element.hidden) section.update(state);
    }
  }

  /** One red button that asks again in the same place. */
  #emergency() {
    const { moderation } = this.#call;
    const place = h("div.emergency");
    let asking = false;
    let shown = null;
    const ask = (wanted) => {
      asking = wanted;
      this.update(this.#store.get());
      place.querySelector("button")?.focus();
    };
    const build = (suspended) => {
      if (suspended) {
        return [
          h("p.hint", {}, "The meeting is suspended for everybody."),
          h("button.button.primary.wide", { type: "button", onclick: () => moderation.resume() }, icon("play"), "Resume the meeting"),
        ];
      }
      if (!asking) return [h("button.button.danger.wide", { type: "button", id: "suspend", onclick: () => ask(true) }, icon("pause"), "Suspend everything")];
      const sure = () => {
        asking = false;
        moderation.suspend();
      };
      return [
        h("p", {}, "Silence everybody, hide all pictures and let nobody in, at once?"),
        h("button.button.danger.wide", { type: "button", id: "suspend-now", onclick: sure }, icon("pause"), "Suspend now"),
        h("button.button.quiet.wide", { type: "button", onclick: () => ask(false) }, "Cancel"),
      ];
    };
    return {
      element: section("Emergency", place),
      shown: ({ self }) => may(self.role, "meeting.modify"),
      update: (state) => {
        const suspended = isSuspended(state);
        const key = `${suspended} ${asking}`;
        if (key === shown) return;
        shown = key;
        place.replaceChildren(...build(suspended));
      },
    };
  }

  #people() {
    const { moderation } = this.#call;
    const all = (label, name, ...run) => h("button.button", { type: "button", onclick: () => moderation.muteAll(...run) }, icon(name), label);
    const release = h("button.button.wide", { type: "button", onclick: () => moderation.allowAll(heldPeople(this.#store.get()), "microphone") }, icon("mic"), h("span", {}, "Allow people to unmute"));
    return {
      element: section(
        "Everybody but hosts",
        h(
          "div.host-buttons",
          {},
          all("Mute all", "mic-off", "microphone", false),
          all("Keep all muted", "lock", "microphone", true),
          all("Stop all video", "camera-off", "camera", false),
        ),
        release,
        h("p.hint", {}, "Only the person can turn a microphone on again. Kept muted: not before a host allows it."),
      ),
      shown: ({ self }) => may(self.role, "participant.mute"),
      update: (state) => {
        const held = heldPeople(state).length;
        release.hidden = held === 0 || isSuspended(state);
        setText(release.lastElementChild, held === 1 ? "Allow 1 person to unmute" : `Allow ${held} people to unmute`);
      },
    };
  }

  #door() {
    const lock = toggle("Lock the meeting", "Nobody else can come in. Who is here stays.", (on) => this.#call.moderation.lock(on));
    const switches = DOOR.map(([name, label, hint]) => [name, toggle(label, hint, (on) => this.#call.moderation.change({ [name]: on }))]);
    return {
      element: section("The door", lock.element, switches.map(([, item]) => item.element)),
      shown: ({ self }) => may(self.role, "meeting.modify"),
      update: ({ meeting }) => {
        lock.show(meeting.state === "locked", meeting.state === "suspended" ? "Resume the meeting first." : null);
        for (const [name, item] of switches) item.show(meeting.settings[name]);
        switches[1][1].element.hidden = !meeting.settings.waiting_room;
      },
    };
  }

  #invitations(onopen) {
    const button = h("button.button.wide", { type: "button", id: "host-invitations", onclick: onopen }, icon("link"), "Invitations");
    return {
      element: section("Invitations", button),
      shown: ({ self }) => may(self.role, "participant.admit"),
      update: (state) => (button.disabled = isSuspended(state)),
    };
  }

  #permissions() {
    const { moderation } = this.#call;
    const choose = async () => {
      if (!(await moderation.change({ screen_share: choice.value }))) choice.value = this.#store.get().meeting.settings.screen_share;
    };
    const choice = h("select.select", { id: "share-mode", onchange: () => choose() }, SHARING.map(([value, words]) => h("option", { value }, words)));
    const switches = SWITCHES.map(([name, label]) => [name, toggle(label, null, (on) => moderation.change({ [name]: on }))]);
    return {
      element: section(
        "Participants may",
        switches.map(([, item]) => item.element),
        h("div.field", {}, h("label", { for: "share-mode" }, "Share their screen"), choice),
      ),
      shown: ({ self }) => may(self.role, "meeting.modify"),
      update: ({ meeting }) => {
        for (const [name, item] of switches) item.show(meeting.settings[name]);
        if (choice.value !== meeting.settings.screen_share) choice.value = meeting.settings.screen_share;
      },
    };
  }

  #recording() {
    const { recording } = this.#call;
    const start = h("button.button.wide", { type: "button", id: "record", onclick: () => recording.start() }, icon("record"), "Record the meeting");
    const pause = h("button.button", { type: "button", onclick: () => recording.pause(this.#store.get().recording.state !== "paused") }, icon("pause"), h("span", {}, "Pause recording"));
    const stop = h("button.button", { type: "button", onclick: () => recording.stop() }, icon("stop"), "Stop recording");
    const running = h("div.host-buttons", {}, pause, stop);
    const files = h("button.button.wide", { type: "button", id: "recordings", onclick: () => downloadsDialog(this.#store, this.#call) }, icon("download"), "Download recordings");
    const words = h("p.hint", {});
    return {
      element: section("Recording", start, running, words, files),
      shown: ({ self }) => may(self.role, "recording.start"),
      update: (state) => {
        const { state: course } = state.recording;
        const everybody = [...Object.values(state.participants), ...Object.values(state.elsewhere)];
        const publishers = everybody.filter((person) => canPublish(person.role));
        const recorded = publishers.filter((person) => person.recorded);
        start.hidden = course !== "off";
        start.disabled = pause.disabled = isSuspended(state);
        running.hidden = course === "off";
        setText(pause.lastElementChild, course === "paused" ? "Go on recording" : "Pause recording");
        setText(words, course === "off" ? "Everybody is asked; who does not agree is left out." : `${recorded.length} of ${publishers.length} are in the recording.`);
        files.hidden = state.recordings.length === 0 || !may(state.self.role, "recording.download");
      },
    };
  }
}

const heldPeople = (state) =>
  state.order.filter((id) => isHeld(state, id, "microphone") && canPublish(state.participants[id].role) && ranksWith(state.self.role, state.participants[id].role));

function section(title, ...children) {
  return h("section.host-section", { "aria-label": title }, h("h3.field-label", {}, title), ...children);
}

/** A switch that shows what the server says; onchange(on) resolves with whether it was done; `why` says what keeps it from working. */
function toggle(label, hint, onchange) {
  const words = h("span.hint", {}, hint ?? "");
  const input = h("input", { type: "checkbox", role: "switch", "aria-label": label });
  input.addEventListener("change", async () => {
    const wanted = input.checked;
    if (!(await onchange(wanted))) input.checked = !wanted;
  });
  return {
    element: h("label.switch-row", {}, h("span.switch-words", {}, label, words), input),
    show(on, why = null) {
      if (input.checked !== on) input.checked = on;
      input.disabled = why !== null;
      setText(words, why ?? hint ?? "");
    },
  };
}
