/** The meeting page: header, stage, people, controls, and what connects them with the call. */

import { keptSharePath } from "../invitation.js";
import { canInvite, isHost } from "../roles.js";
import { deviceWords } from "../words.js";
import { AudioSink } from "./audio_sink.js";
import { ControlBar } from "./controls.js";
import { confirmDialog, consentDialog, copyRow, invitationDialog, openDialog, shortcutsDialog } from "./dialogs.js";
import { devicePicker } from "./device_picker.js";
import { h, icon, setText } from "./dom.js";
import { MutedTalk } from "./muted_talk.js";
import { qualityDialog } from "./quality_view.js";
import { RosterPanel } from "./roster.js";
import { listenForShortcuts } from "./shortcuts.js";
import { Stage } from "./stage.js";

export class MeetingPage {
  #store;
  #call;
  #devices;
  #toasts;
  #parts = {};
  #stops = [];
  #wakeLock = null;
  #mutedTalk = new MutedTalk(() => this.#toasts.show({ tone: "warning", title: "You are muted", text: "Nobody hears you. Press M to unmute." }));

  constructor({ store, call, devices, toasts }) {
    this.#store = store;
    this.#call = call;
    this.#devices = devices;
    this.#toasts = toasts;
    this.#build();
    this.#listen();
    this.#keepAwake();
  }

  #build() {
    const parts = this.#parts;
    const store = this.#store;
    const invite = () => this.#invite();
    const quality = () => qualityDialog(store);
    parts.audio = new AudioSink({
      output: this.#devices.settings.output,
      onblocked: (blocked) => (parts.blocked.hidden = !blocked),
    });
    parts.blocked = h(
      "div.banner",
      { role: "alert", hidden: true },
      icon("volume"),
      "The browser plays no sound yet.",
      h("button.button.small.primary", { type: "button", onclick: () => parts.audio.unblock() }, "Click to hear"),
    );
    parts.offline = h("div.banner", { role: "status", hidden: true }, h("span.spinner", { "aria-hidden": "true" }), "Connection lost. Reconnecting…");
    parts.title = h("h1.meeting-title", {});
    parts.recording = h("span.chip.recording", { role: "status", hidden: true });
    parts.stage = new Stage({
      store,
      call: this.#call,
      settings: this.#devices.settings,
      actions: { onquality: quality, onstopscreen: () => this.#call.own.setScreen(false) },
    });
    parts.alone = h("section.card.alone", { "aria-labelledby": "alone-heading", hidden: true });
    parts.stage.element.append(parts.blocked, parts.offline, parts.alone);
    parts.roster = new RosterPanel({ store, call: this.#call, oninvite: invite, onclose: () => this.#togglePeople() });
    parts.controls = new ControlBar({ store, devices: this.#devices, actions: this.#actions(invite, quality) });
    this.element = h(
      "div.meeting",
      {},
      h(
        "header.meeting-head",
        {},
        h("span.brand-mark", {}, icon("key")),
        parts.title,
        h("span.spring"),
        parts.recording,
        h("span.chip.wide-only", { title: "DTLS-SRTP between each browser and the server" }, icon("lock"), "Encrypted"),
      ),
      parts.stage.element,
      parts.roster.element,
      parts.controls.element,
      parts.audio.element,
    );
  }

  #actions(invite, quality) {
    const call = this.#call;
    return {
      microphone: () => call.own.setMicrophone(this.#store.get().local.microphone !== "on"),
      camera: () => call.own.setCamera(this.#store.get().local.camera !== "on"),
      screen: () => call.own.setScreen(!this.#store.get().local.screen),
      hand: () => call.raiseHand(!this.#myHand()),
      react: (emoji) => call.react(emoji),
      people: () => this.#togglePeople(),
      settings: () => this.#settings(),
      shortcuts: () => shortcutsDialog(this.#devices.settings),
      choose: (kind, deviceId) => this.#devices.choose(kind, deviceId).catch((error) => this.#toasts.show({ tone: "error", ...deviceWords(error, kind) })),
      quality,
      invite,
      record: () => (this.#store.get().recording.state === "off" ? call.recording.start() : call.recording.stop()),
      leave: () => call.leave(),
      end: () => this.#end(),
    };
  }

  #listen() {
    const { settings } = this.#devices;
    const actions = this.#actions(null, null);
    const publishing = (action) => () => this.#parts.controls.element.querySelector("#control-microphone").closest("[hidden]") === null && action();
    const shortcuts = {
      m: publishing(actions.microphone),
      v: publishing(actions.camera),
      s: publishing(actions.screen),
      h: actions.hand,
      r: () => this.#parts.controls.openReactions(),
      p: actions.people,
      "?": actions.shortcuts,
    };
    this.#stops.push(listenForShortcuts(settings, shortcuts));
    const onreaction = ({ detail }) => this.#parts.stage.react(detail);
    const onmedia = () => this.update(this.#store.get());
    const onconsent = async () => this.#call.recording.consent(await consentDialog());
    this.#call.addEventListener("reaction", onreaction);
    this.#call.addEventListener("media", onmedia);
    this.#call.recording.addEventListener("consent", onconsent);
    this.#stops.push(() => {
      this.#call.removeEventListener("reaction", onreaction);
      this.#call.removeEventListener("media", onmedia);
      this.#call.recording.removeEventListener("consent", onconsent);
    });
  }

  #myHand() {
    const { participants, self } = this.#store.get();
    return participants[self.participant_id]?.hand_raised ?? false;
  }

  update(state) {
    if (state.phase !== "meeting") return;
    const parts = this.#parts;
    setText(parts.title, state.meeting.title ?? "Meeting");
    document.title = `${state.meeting.title ?? "Meeting"} · Conclave`;
    this.#showRecording(state);
    parts.offline.hidden = state.connection !== "reconnecting";
    parts.stage.update(state);
    parts.roster.update(state);
    parts.controls.update(state);
    parts.audio.update(this.#soundTracks(state));
    this.#mutedTalk.watch(state.local.microphone === "muted" ? this.#call.localTrack("audio") : null);
    this.#showAlone(state);
  }

  /** Always in sight while a recording runs: everybody must know, and whether they are in it. */
  #showRecording({ recording, self }) {
    const { recording: chip } = this.#parts;
    chip.hidden = recording.state === "off";
    if (chip.hidden) return;
    const mine = recording.recorded.includes(self.participant_id) ? "with you" : "without you";
    setText(chip, recording.state === "paused" ? "Recording paused" : `Recording, ${mine}`);
  }

  #soundTracks(state) {
    const sounds = new Map();
    for (const track of Object.values(state.tracks)) {
      if (track.kind !== "audio" || track.participant_id === state.self.participant_id) continue;
      const media = this.#call.mediaTrack(track.track_id);
      if (media) sounds.set(track.track_id, media);
    }
    return sounds;
  }

  /** Somebody who is alone wants to call the others. */
  #showAlone(state) {
    const { alone } = this.#parts;
    const show = state.order.length === 1 && !this.#parts.dismissed && canInvite(state.self.role);
    if (alone.hidden === !show) return;
    alone.hidden = !show;
    if (!show) return;
    const path = keptSharePath();
    const dismiss = () => {
      this.#parts.dismissed = true;
      alone.hidden = true;
    };
    alone.replaceChildren(
      h("h2", { id: "alone-heading" }, "You are the first one here"),
      h("p.hint", {}, "Send this link to the people you want to meet."),
      path ? copyRow(new URL(path, location.origin).href) : h("button.button.primary", { type: "button", onclick: () => this.#invite() }, icon("link"), "Create an invitation"),
      h("button.button.small.quiet", { type: "button", onclick: dismiss }, "Not now"),
    );
  }

  #togglePeople() {
    this.#store.dispatch({ type: "panel", panel: "people" });
    const open = this.#store.get().panel === "people";
    queueMicrotask(() => (open ? this.#parts.roster.focus() : this.element.querySelector("#control-people").focus()));
  }

  #invite() {
    const { self } = this.#store.get();
    invitationDialog(self.role, async (role) => new URL((await this.#call.moderation.invite(role, 86_400)).path, location.origin).href);
  }

  #settings() {
    let picker = null;
    openDialog(
      "Settings",
      () => {
        picker = devicePicker(this.#devices, {
          onerror: (words) => this.#toasts.show({ tone: "error", ...words }),
          onoutput: (deviceId) => this.#parts.audio.setOutput(deviceId),
        });
        return picker.element;
      },
      () => picker?.stop(),
    );
  }

  async #end() {
    const sure = await confirmDialog("End the meeting for everybody?", "Everybody is sent out. This cannot be undone.", "End the meeting");
    if (sure && isHost(this.#store.get().self.role)) await this.#call.endForAll();
  }

  /** Keep the screen of a phone on while one watches. */
  async #keepAwake() {
    const request = async () => {
      if (document.visibilityState !== "visible") return;
      this.#wakeLock = (await navigator.wakeLock?.request("screen").catch(() => null)) ?? null;
    };
    document.addEventListener("visibilitychange", request);
    this.#stops.push(() => {
      document.removeEventListener("visibilitychange", request);
      this.#wakeLock?.release().catch(() => {});
    });
    await request();
  }

  stop() {
    for (const stop of this.#stops) stop();
    this.#mutedTalk.watch(null);
    for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
    this.#parts.stage.stop();
    this.#parts.audio.clear();
    document.title = "Conclave";
  }
}
