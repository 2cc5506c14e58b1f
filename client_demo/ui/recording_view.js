/** The recording as everybody sees it: the mark that cannot be hidden, one's consent, and the files for hosts. */

import { may } from "../roles.js";
import { recordingWords, refusalWords } from "../words.js";
import { openDialog } from "./dialogs.js";
import { h, icon, setAttribute, setIcon, setText } from "./dom.js";
import { menuButton } from "./menu.js";

/** In the header as long as a recording runs; its menu changes one's consent, and for hosts the recording. */
export class RecordingMark {
  #store;
  #call;
  #picture = icon("record");
  #words = h("span", {}, "Recording");
  #button;
  element;

  constructor({ store, call }) {
    this.#store = store;
    this.#call = call;
    this.#button = h("button.chip.recording", { type: "button", id: "recording-mark" }, this.#picture, this.#words);
    this.element = h("span.recording-mark", { hidden: true }, menuButton(this.#button, () => this.#items(), { className: "under" }));
  }

  update(state) {
    const { recording } = state;
    this.element.hidden = recording.state === "off";
    if (this.element.hidden) return;
    const paused = recording.state === "paused";
    const { text, title } = recordingWords(state);
    this.#button.classList.toggle("paused", paused);
    setIcon(this.#picture, paused ? "pause" : "record");
    setText(this.#words, text);
    setAttribute(this.#button, "title", title);
  }

  #items() {
    const { recording, self } = this.#store.get();
    const inIt = recording.recorded.includes(self.participant_id);
    return [
      { title: inIt ? "You are in the recording" : "You are not in the recording" },
      inIt
        ? { label: "Stop recording me", icon: "record-off", onselect: () => this.#call.recording.consent(false) }
        : { label: "I agree to be recorded", icon: "record", onselect: () => this.#call.recording.consent(true) },
      ...recordingItems(this.#store, this.#call),
    ];
  }
}

/** Menu items that start, interrupt and end the recording, for those who may. */
export function recordingItems(store, call) {
  const { recording, self, meeting } = store.get();
  const { recording: course } = call;
  if (recording.state === "off") {
    if (!may(self.role, "recording.start") || meeting.state === "suspended") return [];
    return [{ label: "Record the meeting", icon: "record", onselect: () => course.start() }];
  }
  if (!may(self.role, "recording.stop")) return [];
  const paused = recording.state === "paused";
  return [
    meeting.state === "suspended"
      ? null
      : { label: paused ? "Go on recording" : "Pause recording", icon: paused ? "record" : "pause", onselect: () => course.pause(!paused) },
    { label: "Stop recording", icon: "stop", danger: true, onselect: () => course.stop() },
  ];
}

/** Asks once as long as an answer is due; nothing but the button that says so is a yes, and closing is a no. */
export class ConsentQuestion {
  #call;
  /** {recording_id, dialog, close} of the dialog that is open. */
  #open = null;

  constructor(call) {
    this.#call = call;
  }

  update({ consent_asked }) {
    if (this.#open && this.#open.recording_id !== consent_asked) this.#withdraw();
    if (consent_asked && !this.#open) this.#ask(consent_asked);
  }

  #ask(recording_id) {
    let granted = false;
    const { dialog, close } = openDialog(
      "This meeting is being recorded",
      (done) => [
        h("p", {}, "Your sound, picture and screen are in the recording only if you agree. You can take part either way, and change your mind at any time."),
        h(
          "div.dialog-actions",
          {},
          h("button.button.quiet", { type: "button", onclick: done }, "Do not record me"),
          h("button.button.primary", { type: "button", onclick: () => ((granted = true), done()) }, "I agree"),
        ),
      ],
      () => {
        if (this.#open?.dialog !== dialog) return;
        this.#open = null;
        this.#call.recording.consent(granted);
      },
    );
    this.#open = { recording_id, dialog, close };
  }

  /** The question has settled itself. */
  #withdraw() {
    const { close } = this.#open;
    this.#open = null;
    close();
  }

  stop() {
    if (this.#open) this.#withdraw();
  }
}

/** The files of the meeting's recordings, by participant. */
export function downloadsDialog(store, call) {
  openDialog("Recordings", () => {
    const ids = [...store.get().recordings].reverse();
    const places = ids.map(() => h("section.downloads", { "aria-busy": "true" }, h("p.hint", {}, "Looking…")));
    ids.forEach((id, index) => list(call, id, places[index]));
    return places.length > 0 ? places : h("p", {}, "Nothing has been recorded since you came in.");
  });
}

async function list(call, recording_id, place) {
  try {
    place.replaceChildren(...contents(call, await call.recording.contents(recording_id)));
  } catch (error) {
    place.replaceChildren(problem(error));
  }
  place.removeAttribute("aria-busy");
}

const problem = (error) => {
  const { title, text } = refusalWords(error);
  return h("p.error-text", { role: "alert" }, `${title}. ${text}`);
};

const clock = (seconds) => new Date(seconds * 1000).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });

function contents(call, { path, title, started_at_s, ended_at_s, participants }) {
  const people = Object.entries(participants);
  return [
    h("h3", {}, title || "Recording"),
    h("p.hint", {}, `${clock(started_at_s)}${ended_at_s === null ? ", still running" : ` to ${clock(ended_at_s)}`}`),
    h(
      "ul.download-list",
      {},
      people.map(([id, name]) => row(call, path, `${id}.webm`, name, `${name}.webm`)),
      row(call, path, "speakers.json", "Who spoke when", "speakers.json"),
    ),
  ];
}

function row(call, path, file, words, as) {
  const button = h("button.button.small", { type: "button", "aria-label": `Download ${words}` }, icon("download"), "Download");
  const status = h("span.hint", { role: "status" });
  button.addEventListener("click", async () => {
    button.disabled = true;
    setText(status, "Decrypting…");
    try {
      keepFile(await call.recording.file(path, file), as);
      setText(status, "Saved");
    } catch (error) {
      setText(status, refusalWords(error).title);
    }
    button.disabled = false;
  });
  return h("li", {}, h("span.download-name", {}, words), status, button);
}

function keepFile(blob, name) {
  const address = URL.createObjectURL(blob);
  const link = h("a", { href: address, download: name.replaceAll(/[\\/:*?"<>|]/g, "_") });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
