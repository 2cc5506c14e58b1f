/** One rectangle of the stage: a participant, or a shared screen. */

import { personActions } from "../person_actions.js";
import { isHeld, isRecorded, trackOf } from "../store.js";
import { h, icon, iconButton, paintAvatar, setAttribute, setIcon, setText } from "./dom.js";
import { menuButton } from "./menu.js";
import { QualityButton } from "./quality_view.js";

/** What both kinds have in common: a picture, a place, an entrance. */
class Tile {
  constructor(className) {
    this.video = h("video", { autoplay: true, playsInline: true, muted: true, "aria-hidden": "true", tabIndex: -1 });
    this.element = h(`div.tile.entering${className}`, { role: "group" });
    this.hasFrames = false;
    this.wanted = false;
    for (const type of ["loadeddata", "playing"]) {
      this.video.addEventListener(type, () => {
        this.hasFrames = true;
        this.#showPicture();
      });
    }
  }

  /** Show a MediaStreamTrack, or none. */
  setPicture(track) {
    const current = this.video.srcObject?.getVideoTracks()[0] ?? null;
    if (track !== current) {
      this.hasFrames = false;
      this.video.srcObject = track ? new MediaStream([track]) : null;
      if (track) this.video.play().catch(() => {});
    }
    this.wanted = track !== null;
    this.#showPicture();
  }

  #showPicture() {
    this.element.classList.toggle("has-picture", this.wanted && this.hasFrames);
  }

  place({ x, y, width, height }) {
    const { style } = this.element;
    style.transform = `translate(${x}px, ${y}px)`;
    style.width = `${width}px`;
    style.height = `${height}px`;
    if (this.element.classList.contains("entering")) requestAnimationFrame(() => this.element.classList.remove("entering"));
  }

  remove() {
    this.video.srcObject = null;
    this.element.remove();
  }
}

export class ParticipantTile extends Tile {
  #avatar = h("span.avatar", { "aria-hidden": "true" });
  #muted = icon("mic-off", "off");
  #name = h("span.tile-name");
  #hand = h("div.tile-hand", { hidden: true }, icon("hand"), h("span", {}, "Hand raised"));
  #note = h("div.tile-note", { hidden: true }, h("span.spinner", { "aria-hidden": "true" }), h("span", {}, "Reconnecting…"));
  #unrecorded = h("div.tile-mark", { hidden: true }, icon("record-off"), h("span", {}, "Not recorded"));
  #more = iconButton("more", "Actions", null);
  #pin;
  #quality;

  /** items(): the entries of this person's menu. */
  constructor(participantId, { onpin, onquality, items }) {
    super("");
    this.participantId = participantId;
    this.#pin = iconButton("pin", "Pin", onpin, { "aria-pressed": "false" });
    this.#pin.classList.add("on-hover");
    this.#quality = new QualityButton(onquality);
    this.element.dataset.participant = participantId;
    this.element.append(
      this.#avatar,
      this.video,
      this.#note,
      h("div.tile-marks", {}, this.#hand, this.#unrecorded),
      h("div.tile-label", {}, this.#muted, this.#name),
      h("div.tile-actions", {}, this.#pin, this.#quality.element, menuButton(this.#more, items, { floating: true })),
    );
    this.element.addEventListener("dblclick", onpin);
  }

  /** picture(trackId) gives the MediaStreamTrack. */
  update(state, picture, mirror) {
    const id = this.participantId;
    const person = state.participants[id];
    const mine = id === state.self.participant_id;
    const microphone = trackOf(state, id, "microphone");
    const camera = trackOf(state, id, "camera");
    const silent = mine ? state.local.microphone !== "on" : !microphone || microphone.muted;
    const dark = mine ? state.local.camera !== "on" : !camera || camera.muted;
    const name = mine ? `${person.display_name} (you)` : person.display_name;
    this.setPicture(dark ? null : mine ? picture("camera") : picture(camera.track_id));
    this.video.classList.toggle("mirrored", mine && mirror);
    paintAvatar(this.#avatar, person.display_name);
    setText(this.#name, name);
    const held = isHeld(state, id, "microphone");
    this.#muted.toggleAttribute("hidden", !silent || person.role === "viewer");
    setIcon(this.#muted, held ? "mic-held" : "mic-off");
    this.#unrecorded.hidden = isRecorded(state, id) !== false || person.role === "viewer";
    this.#more.hidden = personActions(state, id).length === 0;
    setAttribute(this.#more, "aria-label", `More about ${name}`);
    this.#hand.hidden = !person.hand_raised;
    this.#note.hidden = person.connected || mine;
    this.element.classList.toggle("speaking", state.active_speakers.includes(id) && !silent);
    this.#quality.show(state.quality[id], name);
    const pinned = state.pinned === id;
    setAttribute(this.#pin, "aria-pressed", String(pinned));
    setAttribute(this.#pin, "aria-label", `${pinned ? "Unpin" : "Pin"} ${name}`);
    setAttribute(this.#pin, "title", pinned ? "Unpin" : "Pin");
    setAttribute(this.element, "aria-label", tileWords(name, silent, dark, person, isRecorded(state, id)));
  }
}

function tileWords(name, silent, dark, person, recorded) {
  const words = [name];
  const keeps = (source, yes, no) => (person.held?.includes(source) ? yes : no);
  const sound = silent ? keeps("microphone", "kept muted by a host", "microphone muted") : "microphone on";
  const picture = dark ? keeps("camera", "camera kept off by a host", "camera off") : "camera on";
  if (person.role !== "viewer") words.push(sound, picture);
  else words.push("viewer");
  if (person.hand_raised) words.push("hand raised");
  if (!person.connected) words.push("reconnecting");
  if (recorded !== null && person.role !== "viewer") words.push(recorded ? "recorded" : "not recorded");
  return words.join(", ");
}

export class ScreenTile extends Tile {
  #name = h("span.tile-name");

  constructor(trackId) {
    super(".screen");
    this.trackId = trackId;
    this.element.dataset.screen = trackId;
    const expand = iconButton("expand", "Show the shared screen full size", () => this.#fullSize());
    this.element.append(this.video, h("div.tile-label", {}, icon("screen"), this.#name), h("div.tile-actions", {}, expand));
  }

  #fullSize() {
    if (document.fullscreenElement) document.exitFullscreen();
    else this.element.requestFullscreen?.().catch(() => {});
  }

  update(state, picture) {
    const track = state.tracks[this.trackId];
    const owner = state.participants[track?.participant_id]?.display_name ?? "Somebody";
    this.setPicture(picture(this.trackId));
    setText(this.#name, `${owner}’s screen`);
    setAttribute(this.element, "aria-label", `Screen shared by ${owner}`);
  }
}

/** In place of one's own shared screen, which would show itself without end. */
export class OwnScreenTile {
  constructor(onstop) {
    this.element = h(
      "div.tile.mine-screen",
      { role: "group", "aria-label": "You are sharing your screen" },
      icon("screen"),
      h("strong", {}, "You are sharing your screen"),
      h("button.button.danger", { type: "button", onclick: onstop }, "Stop sharing"),
    );
  }

  update() {}

  place(box) {
    Tile.prototype.place.call(this, box);
  }

  remove() {
    this.element.remove();
  }
}
