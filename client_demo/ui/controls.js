/** The bar at the bottom: microphone, camera, screen, hand, reactions, people, more, leave. */

import { canInvite, canModerate, canPublish, isHost, may } from "../roles.js";
import { isHeld } from "../store.js";
import { h, icon, setAttribute, setIcon, setText } from "./dom.js";
import { whyOff } from "./meeting_state.js";
import { menuButton } from "./menu.js";
import { THEME_NAMES, currentTheme, nextTheme } from "./theme.js";

/** Those of the protocol's reactions that fit in one row. */
const REACTIONS = [
  ["👍", "Thumbs up"],
  ["👏", "Clapping"],
  ["❤️", "Heart"],
  ["😂", "Laughing"],
  ["😮", "Surprised"],
  ["🎉", "Party"],
  ["👋", "Waving"],
];

const canShareScreen = () => typeof navigator.mediaDevices?.getDisplayMedia === "function";

function control(id, name, onclick, keys = null, className = "") {
  const picture = icon(name);
  const held = h("span.held-badge", { hidden: true }, icon("lock"));
  const button = h(`button.control${className}`, { type: "button", id: `control-${id}`, onclick, "aria-keyshortcuts": keys }, picture, held);
  return { button, picture, held };
}

/** actions: microphone, camera, screen, hand (toggles), react, people, host, recording (menu items), settings, shortcuts, quality, invite, leave, end. */
export class ControlBar {
  #store;
  #actions;
  #devices;
  #parts;

  constructor({ store, devices, actions }) {
    this.#store = store;
    this.#actions = actions;
    this.#devices = devices;
    this.#parts = {
      microphone: control("microphone", "mic", actions.microphone, "m"),
      camera: control("camera", "camera", actions.camera, "v"),
      screen: control("screen", "screen", actions.screen, "s", ".wide-only"),
      hand: control("hand", "hand", actions.hand, "h"),
      reactions: control("reactions", "smile", null, "r"),
      people: control("people", "people", actions.people, "p"),
      host: control("host", "shield", actions.host, null, ".wide-only"),
      more: control("more", "more", null),
      leave: control("leave", "leave", null, null, ".leave"),
    };
    this.element = this.#build();
  }

  #build() {
    const parts = this.#parts;
    parts.count = h("span.control-count", { "aria-hidden": "true" });
    parts.people.button.append(parts.count);
    setLabel(parts.reactions.button, "React", "R");
    setLabel(parts.more.button, "More");
    setLabel(parts.leave.button, "Leave");
    parts.media = [
      h("div.control-pair", {}, parts.microphone.button, this.#deviceMenu("audio", "audioinput", "Choose a microphone")),
      h("div.control-pair", {}, parts.camera.button, this.#deviceMenu("video", "videoinput", "Choose a camera")),
      parts.screen.button,
    ];
    const reactionMenu = menuButton(
      parts.reactions.button,
      () => REACTIONS.map(([emoji, name]) => ({ label: emoji, name, onselect: () => this.#actions.react(emoji) })),
      { className: "centred emoji-menu" },
    );
    return h(
      "footer.controls",
      { "aria-label": "Meeting controls" },
      parts.media,
      parts.hand.button,
      reactionMenu,
      h("span.divider", { "aria-hidden": "true" }),
      parts.people.button,
      parts.host.button,
      menuButton(parts.more.button, () => this.#moreItems()),
      this.#leaveControl(),
    );
  }

  #deviceMenu(kind, list, label) {
    const button = h("button.control.caret", { type: "button", "aria-label": label, title: label }, icon("chevron-up"));
    return menuButton(
      button,
      async () => {
        const present = (await this.#devices.list())[list];
        const running = this.#devices.track(kind)?.getSettings().deviceId ?? this.#devices.settings[kind];
        const entries = present.map(({ deviceId, label: name }) => ({
          label: name,
          checked: deviceId === running,
          onselect: () => this.#actions.choose(kind, deviceId),
        }));
        return [...entries, entries.length === 0 ? { title: "No device found" } : null, { label: "Settings", icon: "settings", onselect: this.#actions.settings }];
      },
      { className: "left" },
    );
  }

  #moreItems() {
    const { self, local, breakouts } = this.#store.get();
    const narrow = matchMedia("(max-width: 620px)").matches;
    const share = { label: local.screen ? "Stop sharing" : "Share your screen", icon: "screen", onselect: this.#actions.screen };
    return [
      narrow && canPublish(self.role) && canShareScreen() ? share : null,
      canInvite(self.role) ? { label: "Invite people", icon: "plus-person", onselect: this.#actions.invite } : null,
      narrow && canModerate(self.role) ? { label: "Host controls", icon: "shield", onselect: this.#actions.host } : null,
      ...this.#actions.recording(),
      breakouts.rooms.length > 0 || may(self.role, "breakout_rooms.create") ? { label: "Breakout rooms", icon: "door", onselect: this.#actions.rooms } : null,
      { label: "Settings", icon: "settings", onselect: this.#actions.settings },
      { label: "Connection quality", icon: "gauge", onselect: this.#actions.quality },
      { label: `Colours: ${THEME_NAMES[currentTheme()]}`, icon: "contrast", onselect: nextTheme },
      { label: "Keyboard shortcuts", icon: "keyboard", hint: "?", onselect: this.#actions.shortcuts },
    ];
  }

  /** A host chooses between leaving and ending; for everybody else the button leaves at once. */
  #leaveControl() {
    const { button } = this.#parts.leave;
    const anchor = menuButton(button, () => [
      { label: "Leave the meeting", icon: "door", onselect: this.#actions.leave },
      isHost(this.#store.get().self.role) ? { label: "End it for everybody", icon: "close", danger: true, onselect: this.#actions.end } : null,
    ]);
    button.addEventListener(
      "click",
      (event) => {
        if (isHost(this.#store.get().self.role)) return;
        event.stopImmediatePropagation();
        this.#actions.leave();
      },
      { capture: true },
    );
    return anchor;
  }

  openReactions() {
    this.#parts.reactions.button.click();
  }

  update(state) {
    const { local, self, participants, panel, order } = state;
    const parts = this.#parts;
    const publishes = canPublish(self.role);
    for (const element of parts.media) element.hidden = !publishes;
    parts.screen.button.hidden = !publishes || !canShareScreen();
    const me = self.participant_id;
    show(parts.microphone, local.microphone === "on", "mic", ["Mute microphone", "Unmute microphone"], "M", whyOff(state, "microphone"), isHeld(state, me, "microphone"));
    show(parts.camera, local.camera === "on", "camera", ["Turn camera off", "Turn camera on"], "V", whyOff(state, "camera"), isHeld(state, me, "camera"));
    const noShare = local.screen ? "" : whyOff(state, "screen");
    setIcon(parts.screen.picture, local.screen ? "screen-stop" : "screen");
    parts.screen.button.classList.toggle("active", local.screen);
    parts.screen.button.classList.toggle("barred", noShare !== "");
    setLabel(parts.screen.button, local.screen ? "Stop sharing your screen" : "Share your screen", "S", noShare);
    const raised = participants[self.participant_id]?.hand_raised ?? false;
    parts.hand.button.classList.toggle("active", raised);
    setAttribute(parts.hand.button, "aria-pressed", String(raised));
    const frozen = whyOff(state);
    for (const { button } of [parts.hand, parts.reactions]) button.classList.toggle("barred", frozen !== "");
    setLabel(parts.hand.button, raised ? "Lower your hand" : "Raise your hand", "H", frozen);
    setLabel(parts.reactions.button, "React", "R", frozen);
    parts.people.button.classList.toggle("active", panel === "people");
    setAttribute(parts.people.button, "aria-expanded", String(panel === "people"));
    const waiting = canInvite(self.role) ? state.lobby.length : 0;
    setLabel(parts.people.button, `People, ${order.length} here${waiting ? `, ${waiting} ${waiting === 1 ? "waits" : "wait"} to be let in` : ""}`, "P");
    setText(parts.count, String(waiting || order.length));
    parts.count.classList.toggle("knocks", waiting > 0);
    parts.host.button.hidden = !canModerate(self.role);
    parts.host.button.classList.toggle("active", panel === "host");
    setAttribute(parts.host.button, "aria-expanded", String(panel === "host"));
    setLabel(parts.host.button, "Host controls");
    setAttribute(parts.leave.button, "aria-haspopup", isHost(self.role) ? "menu" : null);
    setAttribute(parts.leave.button, "aria-expanded", isHost(self.role) ? (parts.leave.button.getAttribute("aria-expanded") ?? "false") : null);
  }
}

/** `why`: what keeps it from working now, or "". */
function show({ button, picture, held: badge }, on, name, [turnOff, turnOn], key, why, held) {
  setIcon(picture, on ? name : `${name}-off`);
  button.classList.toggle("off", !on);
  badge.hidden = !held;
  button.classList.toggle("barred", why !== "" && !held);
  setLabel(button, on ? turnOff : turnOn, key, why);
}

function setLabel(button, label, key = null, why = "") {
  setAttribute(button, "aria-label", why ? `${label}. ${why}` : label);
  setAttribute(button, "title", `${key ? `${label} (${key})` : label}${why ? `. ${why}` : ""}`);
}
