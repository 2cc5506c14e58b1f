/** One's own microphone, camera and screen in the meeting: devices, mute states and the connection that carries them. */

import { captureScreen } from "./devices.js";
import { Publisher } from "./media.js";
import { canPublish } from "./roles.js";
import { isHeld, isSuspended, localOf, trackOf } from "./store.js";
import { deviceWords, heldWords, mutedWords, refusalWords, SUSPENDED_WORDS } from "./words.js";

const SCREEN = ["screen", "screen_audio"];
const NOT_SHARED = { title: "Your screen is not shared", text: "You were moved or reconnected while you chose. Share again if those who are here now should see it." };
const SOURCE_KINDS = { microphone: "audio", camera: "video", screen: "video", screen_audio: "audio" };

/** Fires "media" when one's own picture may have changed. */
export class OwnMedia extends EventTarget {
  #requests;
  #store;
  #devices;
  #publisher = null;
  #iceServers = [];
  #wantMuted = false;
  #screen = null;
  /** Kinds of devices that start because a person pressed a button here. */
  #starting = new Set();
  /** source -> own mute requests under way. */
  #muting = { microphone: 0, camera: 0, screen: 0 };
  /** What changed while the meeting was suspended, and is told to the server once it goes on: sources, and "connection". */
  #later = new Set();

  constructor({ requests, store, devices }) {
    super();
    this.#requests = requests;
    this.#store = store;
    this.#devices = devices;
    devices.addEventListener("track", ({ detail }) => this.#deviceChanged(detail));
    devices.addEventListener("lost", ({ detail }) => this.#deviceLost(detail.kind));
  }

  /** The connection that carries one's tracks, or null. */
  get publisher() {
    return this.#publisher;
  }

  /** Whether the microphone is to be silent in the next seat as well. */
  get wantMuted() {
    return this.#wantMuted;
  }

  get #frozen() {
    return isSuspended(this.#store.get());
  }

  /** Tell a person why a source cannot be turned on now; returns whether that is so. */
  #barred(source) {
    const state = this.#store.get();
    const words = isHeld(state, state.self.participant_id, source) ? heldWords(source) : null;
    if (words) this.#requests.notice("warning", words);
    return words !== null;
  }

  // --- with the seat ------------------------------------------------------------------------------------------------

  /** `publishes` false: one only watches. */
  open({ iceServers, publishes, muted }) {
    this.#iceServers = iceServers;
    this.#wantMuted = muted;
    this.#later.clear();
    if (publishes) this.#connect();
  }

  #connect() {
    const iceServers = this.#iceServers;
    const publisher = new Publisher({ request: this.#requests.send, iceServers });
    publisher.addEventListener("state", ({ detail }) => this.#store.dispatch({ type: "transport", transport: "publisher", value: detail }));
    publisher.addEventListener("failed", ({ detail }) => {
      if (this.#frozen) this.#later.add("connection");
      else this.#requests.notice("error", refusalWords(detail));
    });
    this.#publisher = publisher;
  }

  /** The offer follows the request for a seat without waiting for its answer; the server handles both in order. */
  async publishDevices() {
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
      if (joined && this.#frozen) this.#later.add("connection");
      else if (joined && error.code !== "connection_lost") this.#requests.notice("error", refusalWords(error));
    }
    this.#showLocal();
  }

  async #publish() {
    this.#showPublished(await this.#publisher.negotiate());
  }

  #showPublished(published) {
    const me = this.#store.get().self.participant_id;
    for (const { source, track_id } of published) {
      if (track_id && !this.#store.get().tracks[track_id]) {
        const track = { track_id, participant_id: me, source, kind: SOURCE_KINDS[source], muted: false };
        this.#store.dispatch({ type: "event", event: { type: "track.published", track } });
      }
    }
  }

  /** Close the connection; the devices go on. */
  close() {
    this.#publisher?.close();
    this.#publisher = null;
    this.#screen = null;
  }

  /** The server gave the connection up. */
  async renew() {
    try {
      const renewed = await this.#publisher.renew();
      if (renewed === null) return;
      this.#showPublished(renewed);
      await this.#sendMutes();
    } catch (error) {
      if (error.code !== "connection_lost") this.#requests.notice("error", refusalWords(error));
    }
  }

  /** After a resume; rejects with a SignalingError. `before`: the state that was known until then. */
  async resume(before) {
    const { tracks, self } = this.#store.get();
    if (this.#frozen) {
      this.#later.add("connection");
      return;
    }
    const mine = Object.values(tracks).filter((track) => track.participant_id === self.participant_id);
    for (const track of mine) {
      if (track.muted && before.tracks[track.track_id]?.muted === false && !isSuspended(before)) this.#mutedByHost(track);
    }
    await this.#publisher?.reconcile(Object.fromEntries(mine.map((track) => [track.source, track.track_id])));
    await this.#sendMutes();
  }

  async #sendMutes() {
    if (this.#publisher?.has("microphone")) await this.#sendMute("microphone", this.#wantMuted);
    if (this.#publisher?.has("camera")) await this.#sendMute("camera", !this.#devices.track("video"));
  }

  /** One encoding for all who watch: its size follows their number. */
  resizePicture() {
    this.#publisher?.setPeople(this.#store.get().order.length);
  }

  /** One's own MediaStreamTrack from a source, or null. */
  track(source) {
    return { microphone: this.#devices.track("audio"), camera: this.#devices.track("video"), screen: this.#screen?.video ?? null }[source] ?? null;
  }

  // --- what a person does -------------------------------------------------------------------------------------------

  async setMicrophone(on) {
    if (!this.#publisher || (on && this.#barred("microphone"))) return;
    this.#wantMuted = !on;
    if (on && !this.#devices.track("audio")) {
      if (!(await this.#startDevice("audio"))) return;
    }
    const track = this.#devices.track("audio");
    if (!track) return;
    track.enabled = on;
    this.#showLocal();
    await this.#requests.attempt(() => this.#tell("microphone"), { resent: true, refused: () => this.#silence() });
    this.#showLocal();
    this.#requests.announce(this.#wantMuted ? "Microphone muted" : "Microphone on");
  }

  async setCamera(on) {
    if (!this.#publisher || (on && this.#barred("camera"))) return;
    if (!on) {
      await this.#darken();
      await this.#requests.attempt(() => this.#tell("camera"), { resent: true });
      this.#requests.announce("Camera off");
      return;
    }
    if (!(await this.#startDevice("video"))) return;
    this.#showLocal();
    await this.#requests.attempt(() => this.#tell("camera"), { resent: true, refused: () => this.#devices.stop("video") });
    this.#showLocal();
    this.#requests.announce(this.#devices.track("video") ? "Camera on" : "Camera off");
  }

  /** Bring what the server knows of a source in line with its device; in a suspended meeting once it goes on. */
  async #tell(source) {
    if (this.#frozen) {
      this.#later.add(source);
      return;
    }
    const track = this.track(source);
    if (this.#publisher.has(source)) {
      if (track && source === "camera") await this.#publisher.replace(source, track);
      await this.#sendMute(source, source === "microphone" ? this.#wantMuted : track === null);
    } else if (track) {
      this.#publisher.add({ [source]: track });
      await this.#publish();
    }
  }

  #silence() {
    this.#wantMuted = true;
    const track = this.#devices.track("audio");
    if (track) track.enabled = false;
  }

  async #darken() {
    this.#devices.stop("video");
    await this.#publisher.replace("camera", null);
    this.#showLocal();
  }

  /** Resolves with whether it runs; not when one may not publish any longer meanwhile. */
  async #startDevice(kind) {
    this.#starting.add(kind);
    try {
      const track = await this.#devices.start(kind);
      if (this.#publisher === null) this.#devices.stop(kind);
      return track !== null && this.#publisher !== null;
    } catch (error) {
      this.#requests.notice("error", deviceWords(error, kind));
      return false;
    } finally {
      this.#starting.delete(kind);
    }
  }

  async #sendMute(source, muted) {
    const track_id = this.#publisher?.trackId(source);
    if (!track_id) return;
    this.#muting[source] += 1;
    try {
      await this.#requests.send(source === "microphone" ? "audio.mute" : "video.mute", { track_id, muted });
    } finally {
      this.#muting[source] -= 1;
    }
    const track = this.#store.get().tracks[track_id];
    if (track && track.muted !== muted) {
      this.#store.dispatch({ type: "event", event: { type: "track.changed", track: { ...track, muted } } });
    }
  }

  /** `takeOver`: in place of who shares now. */
  async setScreen(on, { takeOver = false } = {}) {
    if (!this.#publisher) return;
    if (!on) {
      await this.#stopScreen();
      return;
    }
    if (this.#screen || this.#barred("screen")) return;
    if (this.#frozen) {
      this.#requests.notice("warning", SUSPENDED_WORDS);
      return;
    }
    const publisher = this.#publisher;
    let tracks;
    try {
      tracks = await captureScreen();
    } catch (error) {
      this.#requests.notice("warning", deviceWords(error, "screen"));
      return;
    }
    if (publisher !== this.#publisher || this.#screen) {
      /* It was chosen for those who were there before a move or a loss, not for whoever is here now. */
      for (const track of [tracks.video, tracks.audio]) track?.stop();
      if (this.#publisher !== null && !this.#screen) this.#requests.notice("warning", NOT_SHARED);
      return;
    }
    this.#screen = tracks;
    tracks.video.onended = () => this.#stopScreen();
    const done = await this.#requests.attempt(async () => {
      this.#publisher.add({ screen: tracks.video, screen_audio: tracks.audio }, { takeOver });
      await this.#publish();
    });
    if (!done) {
      this.stopCapture();
      return;
    }
    this.#showLocal();
    this.#requests.announce("You are sharing your screen");
  }

  stopCapture() {
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
    this.stopCapture();
    const me = this.#store.get().self.participant_id;
    for (const source of SCREEN) {
      const track = trackOf(this.#store.get(), me, source);
      if (track) this.#store.dispatch({ type: "event", event: { type: "track.unpublished", track_id: track.track_id } });
    }
    if (this.#frozen) this.#later.add("screen");
    else await this.#requests.attempt(() => this.#publisher.remove(SCREEN));
    this.#requests.announce("You stopped sharing your screen");
  }

  // --- what others do to it -----------------------------------------------------------------------------------------

  /** `before`: the state before the event, which the store has taken in already. */
  received(event, before) {
    const { self } = this.#store.get();
    const own = (event.track ?? event.participant)?.participant_id === self.participant_id;
    if (own && (event.type === "track.changed" || event.type === "track.published")) this.#mutedByHost(event.track);
    if (own && event.type === "participant.changed") this.#changed(event.participant, before.participants[self.participant_id]);
    if (event.type === "meeting.changed" && isSuspended(before) && !this.#frozen) this.#goOn();
    if (event.type === "screen_share.stopped") this.#shareEnded(event.reason);
    if (event.type === "participant.joined" || event.type === "participant.left") this.resizePicture();
  }

  /**
   * The server forwards nothing of a track that a host muted; the button and the device follow. A suspended meeting mutes
   * everything, and leaves what one wants as it is. An answer to one's own request that is overtaken by the next one is no order.
   */
  #mutedByHost({ source, muted }) {
    if (!muted || this.#frozen || this.#muting[source] > 0) return;
    const state = this.#store.get();
    this.#turnOff(source, isHeld(state, state.self.participant_id, source) ? heldWords(source) : mutedWords(source));
  }

  #turnOff(source, words) {
    if (this.#store.get().local[source] !== "on") return;
    if (source === "microphone") this.#silence();
    else this.#darken();
    this.#showLocal();
    this.#requests.notice("info", words);
  }

  /** Hard mutes and roles: what one may not send is off, what one may send now can be turned on. */
  #changed({ held, role }, old) {
    for (const source of ["microphone", "camera"]) {
      if (held?.includes(source) && !old?.held?.includes(source)) this.#turnOff(source, heldWords(source));
    }
    this.follow(role);
  }

  /** One's role may publish, or may not any longer. */
  follow(role) {
    if (canPublish(role) === (this.#publisher !== null)) return;
    if (canPublish(role)) {
      this.#wantMuted = true;
      this.#connect();
      this.resizePicture();
    } else {
      this.stopCapture();
      this.close();
      this.#devices.stopAll();
      this.#showLocal();
    }
  }

  /** The suspension is over: tell what changed meanwhile, then follow what a host muted during it. */
  async #goOn() {
    const later = [...this.#later];
    this.#later.clear();
    await this.#requests.attempt(async () => {
      if (later.includes("connection")) await this.resume(this.#store.get());
      if (later.includes("screen") && !this.#screen) await this.#publisher?.remove(SCREEN);
      for (const source of ["microphone", "camera"]) if (later.includes(source) && this.#publisher) await this.#tell(source);
      await this.#requests.send("ping", {});
    }, { resent: true, refused: () => this.#silence() });
    this.#showLocal();
    const state = this.#store.get();
    for (const source of ["microphone", "camera"]) {
      const track = trackOf(state, state.self.participant_id, source);
      if (track) this.#mutedByHost(track);
    }
  }

  /** The server ended the share: nothing of the screen is captured any longer. */
  #shareEnded(reason) {
    if (!this.#screen) return;
    this.stopCapture();
    this.#publisher?.remove(SCREEN).catch(() => {});
    this.#requests.notice("info", { title: reason === "taken_over" ? "Somebody else shares now" : "Your screen share was stopped", text: "Your screen is not captured any longer." });
  }

  // --- devices ------------------------------------------------------------------------------------------------------

  #deviceChanged({ kind, track }) {
    const source = kind === "audio" ? "microphone" : "camera";
    const missed = track && this.#publisher !== null && !this.#publisher.has(source) && !this.#starting.has(kind);
    this.#publisher?.replace(source, track);
    if (kind === "audio" && track && this.#publisher) track.enabled = !this.#wantMuted;
    this.#showLocal();
    this.dispatchEvent(new CustomEvent("media"));
    if (missed) this.publishDevices();
  }

  #deviceLost(kind) {
    this.#requests.notice("warning", deviceWords({ name: "OverconstrainedError" }, kind));
    if (!this.#publisher) return;
    const source = kind === "audio" ? "microphone" : "camera";
    if (this.#frozen) this.#later.add(source);
    else this.#requests.attempt(() => this.#sendMute(source, true));
  }

  #showLocal() {
    const local = localOf(this.#devices.track("audio"), this.#devices.track("video"), this.#screen !== null);
    this.#store.dispatch({ type: "local", local });
  }
}
