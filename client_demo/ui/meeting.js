/** The meeting page: header, stage, people, controls, and what connects them with the call. */

import { keptSharePath } from "../invitation.js";
import { canInvite, isHost, may } from "../roles.js";
import { isHeld, isSuspended } from "../store.js";
import { deviceWords, heldWords, refusalWords } from "../words.js";
import { AudioSink } from "./audio_sink.js";
import { ControlBar } from "./controls.js";
import { confirmDialog, copyRow, openDialog, shortcutsDialog } from "./dialogs.js";
import { devicePicker } from "./device_picker.js";
import { h, icon, setText } from "./dom.js";
import { HostPanel } from "./host_panel.js";
import { invitationsDialog } from "./invitations.js";
import { AskCard, StateChips, SuspendedBanner } from "./meeting_state.js";
import { MutedTalk } from "./muted_talk.js";
import { qualityDialog } from "./quality_view.js";
import { ConsentQuestion, RecordingMark, recordingItems } from "./recording_view.js";
import { RosterPanel } from "./roster.js";
import { Countdown, RoomsPanel } from "./rooms.js";
import { listenForShortcuts } from "./shortcuts.js";
import { Stage } from "./stage.js";
import { WaitingBar } from "./waiting_list.js";

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
    parts.recording = new RecordingMark({ store, call: this.#call });
    parts.consent = new ConsentQuestion(this.#call);
    parts.chips = new StateChips();
    parts.suspended = new SuspendedBanner(this.#call);
    parts.waiting = new WaitingBar(() => this.#showPanel("people"));
    parts.stage = new Stage({
      store,
      call: this.#call,
      settings: this.#devices.settings,
      actions: { onquality: quality, onstopscreen: () => this.#call.own.setScreen(false) },
    });
    parts.alone = h("section.card.alone", { "aria-labelledby": "alone-heading", hidden: true });
    const actions = this.#actions(invite, quality);
    parts.ask = new AskCard(store, actions);
    parts.closing = h("div.banner", { role: "timer", hidden: true });
    parts.countdown = new Countdown((left) => {
      parts.closing.hidden = left === "";
      setText(parts.closing, left === "" ? "" : `Rooms close in ${left}`);
    });
    parts.stage.element.append(
      parts.suspended.element,
      h("div.banners", {}, parts.blocked, parts.offline, parts.closing, parts.waiting.element, parts.ask.element),
      parts.alone,
    );
    parts.roster = new RosterPanel({ store, call: this.#call, oninvite: invite, onclose: () => this.#showPanel("people") });
    parts.host = new HostPanel({ store, call: this.#call, actions: { oninvitations: invite, onclose: () => this.#showPanel("host") } });
    parts.rooms = new RoomsPanel({ store, call: this.#call, onclose: () => this.#showPanel("rooms") });
    parts.place = h("button.chip.place", { type: "button", id: "place", hidden: true, onclick: () => this.#showPanel("rooms") });
    parts.controls = new ControlBar({ store, devices: this.#devices, actions });
    this.element = h(
      "div.meeting",
      {},
      h(
        "header.meeting-head",
        {},
        h("span.brand-mark", {}, icon("key")),
        parts.title,
        parts.place,
        h("span.spring"),
        parts.chips.element,
        parts.recording.element,
        h("span.chip.wide-only", { title: "DTLS-SRTP between each browser and the server" }, icon("lock"), "Encrypted"),
      ),
      parts.stage.element,
      parts.roster.element,
      parts.host.element,
      parts.rooms.element,
      parts.controls.element,
      parts.audio.element,
    );
  }

  #actions(invite, quality) {
    const call = this.#call;
    return {
      microphone: () => call.own.setMicrophone(this.#store.get().local.microphone !== "on"),
      camera: () => call.own.setCamera(this.#store.get().local.camera !== "on"),
      screen: () => this.#share(),
      hand: () => call.raiseHand(!this.#myHand()),
      react: (emoji) => call.react(emoji),
      people: () => this.#showPanel("people"),
      host: () => this.#showPanel("host"),
      rooms: () => this.#showPanel("rooms"),
      settings: () => this.#settings(),
      shortcuts: () => shortcutsDialog(this.#devices.settings),
      choose: (kind, deviceId) => this.#devices.choose(kind, deviceId).catch((error) => this.#toasts.show({ tone: "error", ...deviceWords(error, kind) })),
      quality,
      invite,
      recording: () => recordingItems(this.#store, call),
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
    this.#call.addEventListener("reaction", onreaction);
    this.#call.addEventListener("media", onmedia);
    this.#stops.push(() => {
      this.#call.removeEventListener("reaction", onreaction);
      this.#call.removeEventListener("media", onmedia);
    });
  }

  #myHand() {
    const { participants, self } = this.#store.get();
    return participants[self.participant_id]?.hand_raised ?? false;
  }

  update(state) {
    if (state.phase !== "meeting") return;
    const parts = this.#parts;
    if (state.asked) this.#toasts.dismiss(heldWords(state.asked).title);
    this.#uncover(state);
    setText(parts.title, state.meeting.title ?? "Meeting");
    document.title = `${state.meeting.title ?? "Meeting"} · Conclave`;
    for (const part of [parts.recording, parts.consent, parts.chips, parts.suspended, parts.waiting, parts.ask, parts.host]) part.update(state);
    parts.offline.hidden = state.connection !== "reconnecting";
    parts.stage.update(state);
    parts.roster.update(state);
    parts.rooms.update(state);
    parts.countdown.update(state);
    this.#showPlace(state);
    parts.controls.update(state);
    parts.audio.update(this.#soundTracks(state));
    this.#mutedTalk.watch(state.local.microphone === "muted" && !isSuspended(state) ? this.#call.localTrack("audio") : null);
    this.#showAlone(state);
  }

  /** Where a panel covers the stage, a meeting that is suspended now closes it, once. */
  #uncover(state) {
    const suspended = isSuspended(state);
    if (suspended && !this.#parts.wasSuspended && state.panel === "people" && matchMedia("(max-width: 860px)").matches) {
      this.#store.dispatch({ type: "panel", panel: "people" });
    }
    this.#parts.wasSuspended = suspended;
  }

  /** In sight while rooms are open: where one is, and the way to the others. */
  #showPlace({ breakouts, place }) {
    const { place: chip } = this.#parts;
    chip.hidden = breakouts.rooms.length === 0;
    const room = breakouts.rooms.find(({ breakout_id }) => breakout_id === place.breakout_id);
    setText(chip, room ? room.title : "Main room");
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
    const show = state.order.length === 1 && state.breakouts.rooms.length === 0 && !this.#parts.dismissed && canInvite(state.self.role);
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
      h("p.hint", {}, path ? "Send this link to the people you want to meet." : "Invite the people you want to meet."),
      path ? copyRow(new URL(path, location.origin).href) : h("button.button.primary", { type: "button", onclick: () => this.#invite() }, icon("link"), "Create an invitation"),
      h("button.button.small.quiet", { type: "button", onclick: dismiss }, "Not now"),
    );
  }

  /** Open a panel, or close it; focus goes along. */
  #showPanel(panel) {
    this.#store.dispatch({ type: "panel", panel });
    const open = this.#store.get().panel === panel;
    const { roster: people, host, rooms } = this.#parts;
    const controls = [`#control-${panel}`, "#control-more"].map((id) => this.element.querySelector(id));
    const back = () => controls.find((button) => button && button.offsetParent !== null)?.focus();
    queueMicrotask(() => (open ? { people, host, rooms }[panel].focus() : back()));
  }

  /** Where one shares at a time, hosts and co-hosts may take over. */
  async #share() {
    const { own } = this.#call;
    const state = this.#store.get();
    const other = Object.values(state.tracks).find((track) => track.source === "screen" && track.participant_id !== state.self.participant_id);
    const barred = isSuspended(state) || isHeld(state, state.self.participant_id, "screen");
    if (state.local.screen || !other || barred || state.meeting.settings.screen_share !== "one") {
      await own.setScreen(!state.local.screen);
      return;
    }
    if (!may(state.self.role, "screen_share.control")) {
      this.#toasts.show({ tone: "warning", ...refusalWords({ detail: "somebody else shares the screen" }) });
      return;
    }
    const name = state.participants[other.participant_id]?.display_name ?? "somebody";
    if (await confirmDialog(`Take over from ${name}?`, "One screen is shared at a time; theirs ends.", "Take over")) await own.setScreen(true, { takeOver: true });
  }

  #invite() {
    const { self } = this.#store.get();
    invitationsDialog({
      title: "Invite people",
      role: self.role,
      desk: this.#call.invitations,
      words: refusalWords,
      tried: () => this.#store.get().reused,
    });
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
    this.#parts.consent.stop();
    this.#parts.countdown.stop();
    for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
    this.#parts.stage.stop();
    this.#parts.audio.clear();
    document.title = "Conclave";
  }
}
