/** Before joining: one's picture, sound level, devices and name; what the invitation opens. */

import { saveSettings } from "../devices.js";
import { ROLE_NAMES, canPublish } from "../roles.js";
import { deviceWords } from "../words.js";
import { devicePicker } from "./device_picker.js";
import { avatar, brand, h, icon, iconButton, paintAvatar, setIcon, setText } from "./dom.js";
import { LevelView } from "./level.js";
import { LobbyView } from "./lobby_view.js";
import { themeButton } from "./theme.js";

const KINDS = ["audio", "video"];

/**
 * The page. `name` is suggested to whoever gave none before; `title` is of a meeting that is not open yet. Callbacks: onjoin({name, muted}), onback(). Methods: update(state), showProblem(words or null), setBusy(words or
 * null), start() asks for the devices, stop() ends metering.
 */
export class PreviewPage {
  #devices;
  #level = new LevelView();
  #suggested;
  #title;
  #muted = false;
  #errors = {};
  #parts = {};
  #picker;
  #lobby;
  #onTrack = ({ detail }) => this.#trackChanged(detail);

  constructor({ devices, name, title, onjoin, onback, onknock, onstop }) {
    this.#devices = devices;
    this.#suggested = name;
    this.#title = title;
    this.#lobby = new LobbyView({ onknock, onstop });
    this.#picker = devicePicker(devices, { onerror: (words, kind) => this.#deviceFailed(kind, words) });
    devices.addEventListener("track", this.#onTrack);
    this.element = this.#build(onjoin, onback);
    this.#showPicture();
  }

  #build(onjoin, onback) {
    const parts = this.#parts;
    return h(
      "div.page",
      {},
      h("header.page-head", {}, brand(), h("span.row", {}, themeButton(), iconButton("close", "Back to the start page", onback))),
      h("main.page-main", {}, h("div.preview", {}, this.#picture(), this.#side(onjoin, parts))),
    );
  }

  #picture() {
    const parts = this.#parts;
    parts.video = h("video.mirrored", { autoplay: true, playsInline: true, muted: true, "aria-label": "Your camera picture", hidden: true });
    parts.avatar = avatar(this.#devices.settings.display_name || this.#suggested || "?");
    parts.emptyText = h("span", {}, "Starting the camera…");
    parts.empty = h("div.preview-empty", {}, parts.avatar, parts.emptyText);
    parts.toggles = {
      audio: this.#toggle("audio", "preview-microphone", () => this.#toggleAudio()),
      video: this.#toggle("video", "preview-camera", () => this.#toggleVideo()),
    };
    parts.controls = h("div.preview-controls", {}, this.#level.element, parts.toggles.audio.button, parts.toggles.video.button);
    parts.picture = h("section.preview-picture", { "aria-label": "Preview" }, parts.video, parts.empty, parts.controls);
    return parts.picture;
  }

  #toggle(kind, id, onclick) {
    const picture = icon(kind === "audio" ? "mic" : "camera");
    return { picture, button: h("button.control", { type: "button", id, onclick }, picture) };
  }

  #side(onjoin, parts) {
    const { settings } = this.#devices;
    parts.heading = h("h1", {}, "Ready to join?");
    parts.role = h("span.chip.accent", { hidden: true });
    parts.name = h("input.input", { id: "display-name", type: "text", maxlength: 64, autocomplete: "name", required: true, value: settings.display_name || this.#suggested });
    parts.nameError = h("p.error-text", { id: "name-error", role: "alert", hidden: true }, "Others need a name to call you.");
    parts.name.setAttribute("aria-describedby", "name-error");
    parts.joinText = h("span", {}, "Join now");
    parts.spinner = h("span.spinner", { hidden: true, "aria-hidden": "true" });
    parts.join = h("button.button.primary.wide", { type: "submit", id: "join" }, parts.spinner, parts.joinText);
    parts.notices = h("div.notices", { "aria-live": "polite" });
    parts.status = h("p.hint", { role: "status" });
    parts.devices = h("details.devices", {}, h("summary", {}, "Camera, microphone and picture"), this.#picker.element);
    const form = h(
      "form",
      { novalidate: true },
      h("div.field", {}, h("label", { for: "display-name" }, "Your name"), parts.name, parts.nameError),
      parts.devices,
      parts.join,
      parts.status,
    );
    parts.name.addEventListener("input", () => {
      paintAvatar(parts.avatar, parts.name.value || "?");
      parts.nameError.hidden = true;
      parts.name.removeAttribute("aria-invalid");
    });
    parts.form = form;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit(onjoin);
    });
    return h("section.preview-side", { "aria-label": "Join" }, h("header", {}, parts.role, parts.heading), parts.notices, form, this.#lobby.element);
  }

  #submit(onjoin) {
    const name = this.#parts.name.value.trim();
    if (this.#parts.join.getAttribute("aria-disabled") === "true") return;
    if (!name) {
      this.#parts.nameError.hidden = false;
      this.#parts.name.setAttribute("aria-invalid", "true");
      this.#parts.name.focus();
      return;
    }
    this.#devices.settings.display_name = name;
    saveSettings(this.#devices.settings);
    onjoin({ name, muted: this.#muted });
  }

  /** Ask for camera and microphone. */
  async start() {
    this.#errors = await this.#devices.startBoth();
    this.#renderNotices();
    this.#showPicture();
    this.#picker.refresh();
  }

  stop() {
    this.#level.stop();
    this.#picker.stop();
    this.#devices.removeEventListener("track", this.#onTrack);
    this.#parts.video.srcObject = null;
  }

  focusName() {
    this.#parts.name.focus();
  }

  /** Show what the invitation says; state as in store.js. */
  update({ meeting, self, connection }) {
    const parts = this.#parts;
    setText(parts.heading, meeting.title || this.#title || "Ready to join?");
    parts.role.hidden = meeting.meeting_id === null;
    setText(parts.role, `You join as ${ROLE_NAMES[self.role].toLowerCase()}`);
    const publishes = canPublish(self.role);
    parts.controls.hidden = !publishes;
    parts.devices.hidden = !publishes;
    if (!publishes) {
      this.#devices.stopAll();
      this.#errors = {};
      this.#renderNotices();
      setText(parts.emptyText, "You watch and listen; nobody sees or hears you.");
    }
    parts.connected = connection === "online";
  }

  /** words: {title, text} of what keeps one from joining, or null. */
  showProblem(words) {
    this.#parts.problem = words;
    this.#renderNotices();
  }

  /** Words beside a spinner while something is awaited; null when one can act. `status` explains. */
  setBusy(words, status = "") {
    const { join, joinText, spinner } = this.#parts;
    join.setAttribute("aria-disabled", String(words !== null));
    spinner.hidden = words === null;
    setText(joinText, words ?? "Join now");
    setText(this.#parts.status, status);
  }

  /** What is waited for, "host" or "lobby", in place of the form; null when nothing is. */
  showWaiting(what) {
    this.#parts.form.hidden = what !== null;
    this.#lobby.show(what);
  }

  async #toggleAudio() {
    if (!this.#devices.track("audio")) {
      this.#muted = false;
      await this.#retry("audio");
      return;
    }
    this.#muted = !this.#muted;
    this.#showPicture();
  }

  async #toggleVideo() {
    if (this.#devices.track("video")) this.#devices.stop("video");
    else await this.#retry("video");
  }

  async #retry(kind) {
    try {
      await this.#devices.start(kind);
    } catch (error) {
      this.#deviceFailed(kind, deviceWords(error, kind));
    }
  }

  #deviceFailed(kind, words) {
    this.#errors[kind] = words;
    this.#renderNotices();
  }

  #trackChanged({ kind, track }) {
    if (track) delete this.#errors[kind];
    this.#renderNotices();
    this.#showPicture();
  }

  #showPicture() {
    const { video, empty, emptyText, toggles } = this.#parts;
    const camera = this.#devices.track("video");
    const microphone = this.#devices.track("audio");
    const shown = video.srcObject?.getVideoTracks()[0] ?? null;
    if (camera !== shown) video.srcObject = camera ? new MediaStream([camera]) : null;
    video.hidden = camera === null;
    empty.hidden = camera !== null;
    setText(emptyText, this.#errors.video ? "No picture" : "Camera is off");
    this.#showToggle(toggles.audio, microphone !== null && !this.#muted, "mic", "microphone");
    this.#showToggle(toggles.video, camera !== null, "camera", "camera");
    if (microphone !== this.#parts.metered) {
      this.#parts.metered = microphone;
      this.#level.watch(microphone);
    }
  }

  #showToggle({ picture, button }, on, name, device) {
    setIcon(picture, on ? name : `${name}-off`);
    button.classList.toggle("off", !on);
    const label = `${on ? "Turn off" : "Turn on"} ${device}`;
    button.setAttribute("aria-label", label);
    button.title = label;
  }

  #renderNotices() {
    const notices = [];
    const { problem } = this.#parts;
    if (problem) notices.push(noticeCard(problem, true));
    for (const kind of KINDS) {
      const error = this.#errors[kind];
      if (!error) continue;
      const words = error.title ? error : deviceWords(error, kind);
      notices.push(noticeCard(words, false, () => this.#retry(kind)));
    }
    this.#parts.notices?.replaceChildren(...notices);
  }
}

function noticeCard({ title, text }, error, retry = null) {
  return h(
    `div.notice${error ? ".error" : ""}`,
    { role: error ? "alert" : null },
    icon("warning"),
    h("div", {}, h("strong", {}, title), text),
    retry ? h("button.button.small.quiet", { type: "button", onclick: retry, "aria-label": `Try again: ${title}` }, "Try again") : null,
  );
}
