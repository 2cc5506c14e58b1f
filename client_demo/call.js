/**
 * One person in one meeting: joins signaling, media and state. Knows no page elements.
 *
 * Fires "notice" {tone, title, text}, "reaction" {participant_id, reaction}, "media" when a receiver's track may have
 * changed, "announce" {text} for what a screen reader should say.
 */

import { captureScreen } from "./devices.js";
import { QualityWatch, collectStats } from "./figures.js";
import { Publisher, Subscriber } from "./media.js";
import { narrate } from "./narration.js";
import { SignalingError } from "./protocol.js";
import { FINAL, HELD, PASSING } from "./outcomes.js";
import { canPublish } from "./roles.js";
import { localOf, trackOf } from "./store.js";
import { deviceWords, refusalWords } from "./words.js";

/** A media connection that fails as soon as it is made is not made again without pause. */
const RENEW_EVERY_MS = 4_000;
const REJOIN_FOR_MS = 60_000;
const REJOIN_EVERY_MS = 2_000;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class Call extends EventTarget {
  #signaling;
  #store;
  #devices;
  #token = null;
  #title = null;
  #iceServers = [];
  #publisher = null;
  #subscriber = null;
  #wantMuted = false;
  #quality = new QualityWatch(() => [this.#store.get(), this.#publisher, this.#subscriber], (quality) => {
    if (this.#store.get().phase === "meeting") this.#store.dispatch({ type: "quality", quality });
  });
  #leaving = false;
  #screen = null;
  /** transport -> earliest time of its next renewal. */
  #renewals = {};

  #inLobby = false;
  #muting = { microphone: 0, camera: 0, screen: 0 };

  constructor({ signaling, store, devices }) {
    super();
    this.#signaling = signaling;
    this.#store = store;
    this.#devices = devices;
    signaling.addEventListener("event", ({ detail }) => this.#received(detail));
    signaling.addEventListener("state", ({ detail }) => this.#connectionChanged(detail));
    signaling.addEventListener("resumed", ({ detail }) => this.#resumed(detail));
    signaling.addEventListener("lost", ({ detail }) => this.#lost(detail));
    devices.addEventListener("track", ({ detail }) => this.#deviceChanged(detail));
    devices.addEventListener("lost", ({ detail }) => this.#deviceLost(detail.kind));
  }

  #request = (type, fields) => this.#signaling.request(type, fields);

  #notice(tone, words) {
    this.dispatchEvent(new CustomEvent("notice", { detail: { tone, ...words } }));
  }

  #announce(text) {
    this.dispatchEvent(new CustomEvent("announce", { detail: { text } }));
  }

  // --- getting in and out -----------------------------------------------------------------------------------------

  /** Greet the server with an invitation; resolves with `welcome`. `title` names the meeting if we open it. */
  async open(token, title) {
    this.#token = token;
    this.#title = title;
    this.#leaving = false;
    const welcome = await this.#signaling.connect(token);
    this.#iceServers = welcome.ice_servers ?? [];
    this.#store.dispatch({ type: "welcome", welcome });
    return welcome;
  }

  /** Take a seat with the devices that run now. Rejects with a SignalingError. */
  async join(displayName, { muted = false } = {}) {
    if (this.#signaling.state !== "online") await this.open(this.#token, this.#title);
    const { meeting, self } = this.#store.get();
    this.#wantMuted = muted;
    if (self.role === "host" && !meeting.open) {
      await this.#request("meeting.create", { title: meeting.title || this.#title || "Meeting" }).catch((error) => {
        if (error.code !== "conflict") throw error;
      });
    }
    this.#subscriber = this.#newSubscriber();
    this.#publisher = canPublish(self.role) ? this.#newPublisher() : null;
    const seat = this.#request("join", { display_name: displayName, auto_subscribe: true });
    const published = this.#publishDevices();
    let joined;
    try {
      joined = await seat;
    } catch (error) {
      this.#closeLinks();
      throw error;
    }
    this.#inLobby = joined.state === "lobby";
    if (this.#inLobby) {
      this.#closeLinks();
      this.#store.dispatch({ type: "door", open: false });
      throw new SignalingError("lobby", "a host lets people in");
    }
    this.#store.dispatch({ type: "joined", joined, display_name: displayName });
    this.#quality.start();
    await published;
    this.#resizePicture();
  }

  #newPublisher() {
    const publisher = new Publisher({ request: this.#request, iceServers: this.#iceServers });
    publisher.addEventListener("state", ({ detail }) => this.#transportChanged("publisher", detail));
    publisher.addEventListener("failed", ({ detail }) => this.#notice("error", refusalWords(detail)));
    return publisher;
  }

  #newSubscriber() {
    const subscriber = new Subscriber({ request: this.#request, iceServers: this.#iceServers });
    subscriber.addEventListener("state", ({ detail }) => this.#transportChanged("subscriber", detail));
    subscriber.addEventListener("media", () => this.dispatchEvent(new CustomEvent("media")));
    subscriber.addEventListener("failed", ({ detail }) => this.#notice("error", refusalWords(detail)));
    return subscriber;
  }

  /** The offer follows the request for a seat without waiting for its answer; the server handles both in order. */
  async #publishDevices() {
    const publisher = this.#publisher;
    if (publisher === null) return;
    const microphone = this.#devices.track("audio");
    if (microphone) microphone.enabled = !this.#wantMuted;
    publisher.add({ microphone, camera: this.#devices.track("video") });
    this.#showLocal();
    try {
      await this.#publish();
      if (microphone && this.#wantMuted) await this.#sendMute("microphone", true);
    } catch (error) {
      const joined = publisher === this.#publisher && this.#store.get().phase === "meeting";
      if (joined && error.code !== "connection_lost") this.#notice("error", refusalWords(error));
    }
    this.#showLocal();
  }

  async #publish() {
    this.#showPublished(await this.#publisher.negotiate());
  }

  #showPublished(published) {
    const me = this.#store.get().self.participant_id;
    const kinds = { microphone: "audio", camera: "video", screen: "video", screen_audio: "audio" };
    for (const { source, track_id } of published) {
      if (track_id && !this.#store.get().tracks[track_id]) {
        const track = { track_id, participant_id: me, source, kind: kinds[source], muted: false };
        this.#store.dispatch({ type: "event", event: { type: "track.published", track } });
      }
    }
  }

  async leave() {
    if (this.#store.get().phase !== "meeting") return;
    this.#leaving = true;
    await Promise.race([this.#request("leave").catch(() => {}), sleep(500)]);
    this.#finish("left", "");
  }

  async endForAll() {
    await this.#guarded(async () => {
      await this.#request("meeting.end");
      this.#leaving = true;
      this.#finish("meeting_ended", "host");
    });
  }

  /** The page goes away: give up the seat without waiting. */
  abandon() {
    if (this.#store.get().phase === "meeting") this.#signaling.post("leave");
  }

  /** Give up before the meeting: devices off, connection closed. */
  dismiss() {
    this.#leaving = true;
    this.#inLobby = false;
    this.#closeLinks();
    this.#devices.stopAll();
    this.#signaling.close();
  }

  #finish(code, detail) {
    this.#inLobby = false;
    this.#quality.stop();
    this.#stopCapture();
    this.#closeLinks();
    this.#devices.stopAll();
    this.#signaling.close();
    this.#store.dispatch({ type: "ended", code, detail });
  }

  #closeLinks() {
    this.#publisher?.close();
    this.#subscriber?.close();
    this.#publisher = this.#subscriber = null;
    this.#screen = null;
  }

  // --- what a person does ------------------------------------------------------------------------------------------

  /** `resent`: what the job asks for is sent again after a resume, so a lost connection needs no words here. `refused` undoes what may not be. */
  async #guarded(job, { resent = false, refused = () => {} } = {}) {
    try {
      await job();
      return true;
    } catch (error) {
      if (error instanceof DOMException) throw error;
      if (resent && error.code === "connection_lost") return false;
      if (HELD.has(error.code)) refused();
      this.#notice("error", refusalWords(error));
      return false;
    }
  }

  async setMicrophone(on) {
    if (!this.#publisher) return;
    this.#wantMuted = !on;
    if (on && !this.#devices.track("audio")) {
      if (!(await this.#startDevice("audio"))) return;
    }
    const track = this.#devices.track("audio");
    if (!track) return;
    track.enabled = on;
    this.#showLocal();
    await this.#guarded(async () => {
      if (this.#publisher.has("microphone")) {
        await this.#sendMute("microphone", !on);
      } else {
        this.#publisher.add({ microphone: track });
        await this.#publish();
      }
    }, { resent: true, refused: () => this.#silence() });
    this.#showLocal();
    this.#announce(this.#wantMuted ? "Microphone muted" : "Microphone on");
  }

  async setCamera(on) {
    if (!this.#publisher) return;
    if (!on) {
      this.#devices.stop("video");
      await this.#publisher.replace("camera", null);
      this.#showLocal();
      await this.#guarded(() => this.#sendMute("camera", true), { resent: true });
      this.#announce("Camera off");
      return;
    }
    if (!(await this.#startDevice("video"))) return;
    const track = this.#devices.track("video");
    this.#showLocal();
    await this.#guarded(async () => {
      if (this.#publisher.has("camera")) {
        await this.#publisher.replace("camera", track);
        await this.#sendMute("camera", false);
      } else {
        this.#publisher.add({ camera: track });
        await this.#publish();
      }
    }, { resent: true, refused: () => this.#devices.stop("video") });
    this.#showLocal();
    this.#announce(this.#devices.track("video") ? "Camera on" : "Camera off");
  }

  #silence() {
    this.#wantMuted = true;
    const track = this.#devices.track("audio");
    if (track) track.enabled = false;
  }

  async #startDevice(kind) {
    try {
      await this.#devices.start(kind);
      return true;
    } catch (error) {
      this.#notice("error", deviceWords(error, kind));
      return false;
    }
  }

  async #sendMute(source, muted) {
    const track_id = this.#publisher?.trackId(source);
    if (!track_id) return;
    this.#muting[source] += 1;
    try {
      await this.#request(source === "microphone" ? "audio.mute" : "video.mute", { track_id, muted });
    } finally {
      this.#muting[source] -= 1;
    }
    const track = this.#store.get().tracks[track_id];
    if (track && track.muted !== muted) {
      this.#store.dispatch({ type: "event", event: { type: "track.changed", track: { ...track, muted } } });
    }
  }

  async setScreen(on) {
    if (!this.#publisher) return;
    if (!on) {
      await this.#stopScreen();
      return;
    }
    if (this.#screen) return;
    let tracks;
    try {
      tracks = await captureScreen();
    } catch (error) {
      this.#notice("warning", deviceWords(error, "screen"));
      return;
    }
    this.#screen = tracks;
    tracks.video.onended = () => this.#stopScreen();
    const done = await this.#guarded(async () => {
      this.#publisher.add({ screen: tracks.video, screen_audio: tracks.audio });
      await this.#publish();
    });
    if (!done) {
      this.#stopCapture();
      return;
    }
    this.#showLocal();
    this.#announce("You are sharing your screen");
  }

  #stopCapture() {
    for (const track of [this.#screen?.video, this.#screen?.audio]) {
      if (track) {
        track.onended = null;
        track.stop();
      }
    }
    this.#screen = null;
    this.#showLocal();
  }

  async #stopScreen() {
    if (!this.#screen) return;
    this.#stopCapture();
    const me = this.#store.get().self.participant_id;
    for (const source of ["screen", "screen_audio"]) {
      const track = trackOf(this.#store.get(), me, source);
      if (track) this.#store.dispatch({ type: "event", event: { type: "track.unpublished", track_id: track.track_id } });
    }
    await this.#guarded(() => this.#publisher.remove(["screen", "screen_audio"]));
    this.#announce("You stopped sharing your screen");
  }

  async raiseHand(raised) {
    await this.#guarded(async () => {
      await this.#request("hand.raise", { raised });
      const { participants, self } = this.#store.get();
      const participant = { ...participants[self.participant_id], hand_raised: raised };
      this.#store.dispatch({ type: "event", event: { type: "participant.changed", participant } });
      this.#announce(raised ? "Your hand is raised" : "Your hand is lowered");
    });
  }

  async react(reaction) {
    await this.#guarded(async () => {
      await this.#request("reaction.send", { reaction });
    });
  }

  async passHost(participant_id) {
    return this.#guarded(() => this.#request("host.pass", { participant_id }));
  }

  /** One of the requests by which a host or co-host moderates; resolves with whether it was done. */
  moderate(type, fields) {
    return this.#guarded(() => this.#request(type, fields));
  }

  /** Agree to be recorded, or take it back. */
  consent(granted) {
    return this.#guarded(() => this.#request("recording.consent", { granted }));
  }

  /** Resolves with {token, path, expires_at_s}; rejects with a SignalingError. */
  createInvitation(role, expires_in_s) {
    return this.#request("invitation.create", { role, expires_in_s, shared: true });
  }

  /** Receive pictures only of those shown; sound of everybody stays. */
  async showPictures(participantIds) {
    const { tracks, slots, self } = this.#store.get();
    const wanted = new Set(participantIds);
    const slotted = new Set(Object.values(slots));
    const cameras = Object.values(tracks).filter((track) => track.source === "camera" && track.participant_id !== self.participant_id);
    const drop = cameras.filter((track) => slotted.has(track.track_id) && !wanted.has(track.participant_id));
    const take = cameras.filter((track) => !slotted.has(track.track_id) && wanted.has(track.participant_id));
    if (drop.length > 0) await this.#request("unsubscribe", { track_ids: drop.map((track) => track.track_id) }).catch(() => {});
    if (take.length > 0) await this.#request("subscribe", { track_ids: take.map((track) => track.track_id) }).catch(() => {});
  }

  /** One's own running track, kind "audio" or "video", or null. */
  localTrack(kind) {
    return this.#devices.track(kind);
  }

  /** The browser's MediaStreamTrack of a track of the meeting, one's own included, or null. */
  mediaTrack(trackId) {
    const { tracks, slots, self } = this.#store.get();
    const track = tracks[trackId];
    if (track?.participant_id === self.participant_id) {
      return { microphone: this.#devices.track("audio"), camera: this.#devices.track("video"), screen: this.#screen?.video ?? null }[track.source] ?? null;
    }
    const mid = Object.keys(slots).find((key) => slots[key] === trackId);
    return mid === undefined ? null : (this.#subscriber?.receiverTrack(mid) ?? null);
  }

  // --- what comes from outside --------------------------------------------------------------------------------------

  #received(event) {
    const before = this.#store.get();
    if (event.type === "subscriber.offer") {
      this.#subscriber?.offered(event);
      return;
    }
    if (event.type === "meeting.ended") {
      if ((before.phase === "meeting" || this.#inLobby) && !this.#leaving) this.#finish("meeting_ended", event.reason);
      return;
    }
    if (event.type === "reaction") {
      this.dispatchEvent(new CustomEvent("reaction", { detail: event }));
    }
    this.#store.dispatch({ type: "event", event });
    if (event.type === "track.changed") this.#mutedByHost(event.track);
    if (event.type === "screen_share.stopped") this.#shareEnded(event.reason);
    if (event.type === "recording.consent_requested") this.dispatchEvent(new CustomEvent("consent"));
    if (event.type === "transport.state") this.#mediaLost(event);
    if (event.type === "subscriber.slots") this.dispatchEvent(new CustomEvent("media"));
    if (event.type === "participant.joined" || event.type === "participant.left") this.#resizePicture();
    const { say, notice } = narrate(before, event);
    if (say) this.#announce(say);
    if (notice) this.#notice("info", notice);
  }

  /**
   * The server forwards nothing of a track that a host muted; the button and the device follow. An answer to one's own
   * request that is overtaken by the next one is no such order.
   */
  #mutedByHost({ participant_id, source, muted }) {
    const { self, local } = this.#store.get();
    if (participant_id !== self.participant_id || !muted || local[source] !== "on" || this.#muting[source] > 0) return;
    if (source === "microphone") {
      this.setMicrophone(false);
      this.#notice("info", { title: "A host muted you", text: "Unmute yourself when it is your turn, if the host allows it." });
    } else if (source === "camera") {
      this.setCamera(false);
      this.#notice("info", { title: "A host stopped your camera", text: "Turn it on again later, if the host allows it." });
    }
  }

  /** The server ended the share: nothing of the screen is captured any longer. */
  #shareEnded(reason) {
    if (!this.#screen) return;
    this.#stopCapture();
    this.#publisher?.remove(["screen", "screen_audio"]).catch(() => {});
    this.#notice("info", { title: reason === "taken_over" ? "Somebody else shares now" : "Your screen share was stopped", text: "Your screen is not captured any longer." });
  }

  #connectionChanged(connection) {
    this.#store.dispatch({ type: "connection", connection });
    if (connection === "reconnecting") this.#announce("Connection lost, reconnecting");
  }

  #transportChanged(transport, value) {
    this.#store.dispatch({ type: "transport", transport, value });
  }

  /** The server gave a media connection up: make a new one, at once the first time and then with pauses. */
  #mediaLost({ transport, state }) {
    if (state !== "failed" && state !== "closed") return;
    const now = performance.now();
    const due = Math.max(now, this.#renewals[transport] ?? 0);
    this.#renewals[transport] = due + RENEW_EVERY_MS;
    const link = transport === "publisher" ? this.#publisher : this.#subscriber;
    const renew = () => {
      if (link === null || link !== (transport === "publisher" ? this.#publisher : this.#subscriber)) return;
      if (transport === "publisher") this.#renewPublisher();
      else link.restart();
    };
    if (due === now) renew();
    else setTimeout(renew, due - now);
  }

  async #renewPublisher() {
    try {
      const renewed = await this.#publisher.renew();
      if (renewed === null) return;
      this.#showPublished(renewed);
      await this.#sendMutes();
    } catch (error) {
      if (error.code !== "connection_lost") this.#notice("error", refusalWords(error));
    }
  }

  async #sendMutes() {
    if (this.#publisher?.has("microphone")) await this.#sendMute("microphone", this.#wantMuted);
    if (this.#publisher?.has("camera")) await this.#sendMute("camera", !this.#devices.track("video"));
  }

  async #resumed(welcome) {
    if (this.#inLobby) {
      /* A lobby keeps no place for who was away: knock again. */
      this.#store.dispatch({ type: "door", open: true });
      return;
    }
    if (welcome.snapshot) this.#store.dispatch({ type: "snapshot", snapshot: welcome.snapshot });
    this.dispatchEvent(new CustomEvent("media"));
    this.#announce("Connected again");
    const { tracks, self } = this.#store.get();
    const mine = Object.values(tracks).filter((track) => track.participant_id === self.participant_id);
    const known = Object.fromEntries(mine.map((track) => [track.source, track.track_id]));
    try {
      this.#subscriber?.reconcile();
      await this.#publisher?.reconcile(known);
      await this.#sendMutes();
    } catch (error) {
      if (error.code !== "connection_lost") this.#notice("error", refusalWords(error));
    }
  }

  async #lost(reason) {
    const { phase, self } = this.#store.get();
    if (this.#leaving || (phase !== "meeting" && !this.#inLobby)) return;
    if (this.#inLobby || FINAL.has(reason.code)) {
      this.#finish(reason.code, reason.detail);
      return;
    }
    this.#store.dispatch({ type: "connection", connection: "reconnecting" });
    await this.#rejoin(self.display_name, reason);
  }

  /** The seat is gone, the invitation is not: take a new seat with the same devices. */
  async #rejoin(displayName, reason) {
    this.#stopCapture();
    this.#closeLinks();
    const until = performance.now() + REJOIN_FOR_MS;
    let last = reason;
    while (performance.now() < until && !this.#leaving) {
      try {
        await this.open(this.#token, this.#title);
        await this.join(displayName, { muted: this.#wantMuted });
        return;
      } catch (error) {
        last = error;
        if (!PASSING.has(error.code)) break;
        this.#store.dispatch({ type: "connection", connection: "reconnecting" });
        await sleep(REJOIN_EVERY_MS);
      }
    }
    if (!this.#leaving) this.#finish(last.code === "not_found" ? "meeting_ended" : last.code, last.detail);
  }

  /** The machine's network changed: do not wait for timeouts. */
  networkChanged() {
    this.#signaling.reconnectNow();
    if (this.#publisher?.connectionState === "disconnected") this.#publisher.restart();
    if (this.#subscriber?.connectionState === "disconnected") this.#subscriber.restart();
  }

  // --- devices -------------------------------------------------------------------------------------------------------

  #deviceChanged({ kind, track }) {
    const source = kind === "audio" ? "microphone" : "camera";
    this.#publisher?.replace(source, track);
    if (kind === "audio" && track && this.#publisher) track.enabled = !this.#wantMuted;
    this.#showLocal();
    this.dispatchEvent(new CustomEvent("media"));
  }

  #deviceLost(kind) {
    this.#notice("warning", deviceWords({ name: "OverconstrainedError" }, kind));
    if (this.#publisher) this.#guarded(() => this.#sendMute(kind === "audio" ? "microphone" : "camera", true));
  }

  #showLocal() {
    const local = localOf(this.#devices.track("audio"), this.#devices.track("video"), this.#screen !== null);
    this.#store.dispatch({ type: "local", local });
  }

  #resizePicture() {
    this.#publisher?.setPeople(this.#store.get().order.length);
  }

  // --- quality and figures -------------------------------------------------------------------------------------------

  /** What flows, per track; see README.md. */
  stats() {
    return collectStats(this.#store.get(), this.#publisher, this.#subscriber);
  }
}
