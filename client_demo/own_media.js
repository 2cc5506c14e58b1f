/** One's own microphone, camera and screen in the meeting: devices, mute states and the connection that carries them. */

import { captureScreen } from "./devices.js";
import { Publisher } from "./media.js";
import { localOf, trackOf } from "./store.js";
import { deviceWords, refusalWords } from "./words.js";

const SOURCE_KINDS = { microphone: "audio", camera: "video", screen: "video", screen_audio: "audio" };

/** Fires "media" when one's own picture may have changed. */
export class OwnMedia extends EventTarget {
  #requests;
  #store;
  #devices;
  #publisher = null;
  #wantMuted = false;
  #screen = null;
  /** source -> own mute requests under way. */
  #muting = { microphone: 0, camera: 0, screen: 0 };

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

  // --- with the seat ------------------------------------------------------------------------------------------------

  /** `publishes` false: one only watches. */
  open({ iceServers, publishes, muted }) {
    this.#wantMuted = muted;
    if (!publishes) return;
    const publisher = new Publisher({ request: this.#requests.send, iceServers });
    publisher.addEventListener("state", ({ detail }) => this.#store.dispatch({ type: "transport", transport: "publisher", value: detail }));
    publisher.addEventListener("failed", ({ detail }) => this.#requests.notice("error", refusalWords(detail)));
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
      if (joined && error.code !== "connection_lost") this.#requests.notice("error", refusalWords(error));
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

  /** After a resume; rejects with a SignalingError. */
  async resume() {
    const { tracks, self } = this.#store.get();
    const mine = Object.values(tracks).filter((track) => track.participant_id === self.participant_id);
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
    if (!this.#publisher) return;
    this.#wantMuted = !on;
    if (on && !this.#devices.track("audio")) {
      if (!(await this.#startDevice("audio"))) return;
    }
    const track = this.#devices.track("audio");
    if (!track) return;
    track.enabled = on;
    this.#showLocal();
    await this.#requests.attempt(async () => {
      if (this.#publisher.has("microphone")) {
        await this.#sendMute("microphone", !on);
      } else {
        this.#publisher.add({ microphone: track });
        await this.#publish();
      }
    }, { resent: true, refused: () => this.#silence() });
    this.#showLocal();
    this.#requests.announce(this.#wantMuted ? "Microphone muted" : "Microphone on");
  }

  async setCamera(on) {
    if (!this.#publisher) return;
    if (!on) {
      this.#devices.stop("video");
      await this.#publisher.replace("camera", null);
      this.#showLocal();
      await this.#requests.attempt(() => this.#sendMute("camera", true), { resent: true });
      this.#requests.announce("Camera off");
      return;
    }
    if (!(await this.#startDevice("video"))) return;
    const track = this.#devices.track("video");
    this.#showLocal();
    await this.#requests.attempt(async () => {
      if (this.#publisher.has("camera")) {
        await this.#publisher.replace("camera", track);
        await this.#sendMute("camera", false);
      } else {
        this.#publisher.add({ camera: track });
        await this.#publish();
      }
    }, { resent: true, refused: () => this.#devices.stop("video") });
    this.#showLocal();
    this.#requests.announce(this.#devices.track("video") ? "Camera on" : "Camera off");
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
      this.#requests.notice("error", deviceWords(error, kind));
      return false;
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
      this.#requests.notice("warning", deviceWords(error, "screen"));
      return;
    }
    this.#screen = tracks;
    tracks.video.onended = () => this.#stopScreen();
    const done = await this.#requests.attempt(async () => {
      this.#publisher.add({ screen: tracks.video, screen_audio: tracks.audio });
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
    for (const source of ["screen", "screen_audio"]) {
      const track = trackOf(this.#store.get(), me, source);
      if (track) this.#store.dispatch({ type: "event", event: { type: "track.unpublished", track_id: track.track_id } });
    }
    await this.#requests.attempt(() => this.#publisher.remove(["screen", "screen_audio"]));
    this.#requests.announce("You stopped sharing your screen");
  }

  // --- what others do to it -----------------------------------------------------------------------------------------

  received(event) {
    if (event.type === "track.changed") this.#mutedByHost(event.track);
    if (event.type === "screen_share.stopped") this.#shareEnded(event.reason);
    if (event.type === "participant.joined" || event.type === "participant.left") this.resizePicture();
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
      this.#requests.notice("info", { title: "A host muted you", text: "Unmute yourself when it is your turn, if the host allows it." });
    } else if (source === "camera") {
      this.setCamera(false);
      this.#requests.notice("info", { title: "A host stopped your camera", text: "Turn it on again later, if the host allows it." });
    }
  }

  /** The server ended the share: nothing of the screen is captured any longer. */
  #shareEnded(reason) {
    if (!this.#screen) return;
    this.stopCapture();
    this.#publisher?.remove(["screen", "screen_audio"]).catch(() => {});
    this.#requests.notice("info", { title: reason === "taken_over" ? "Somebody else shares now" : "Your screen share was stopped", text: "Your screen is not captured any longer." });
  }

  // --- devices ------------------------------------------------------------------------------------------------------

  #deviceChanged({ kind, track }) {
    const source = kind === "audio" ? "microphone" : "camera";
    this.#publisher?.replace(source, track);
    if (kind === "audio" && track && this.#publisher) track.enabled = !this.#wantMuted;
    this.#showLocal();
    this.dispatchEvent(new CustomEvent("media"));
  }

  #deviceLost(kind) {
    this.#requests.notice("warning", deviceWords({ name: "OverconstrainedError" }, kind));
    if (this.#publisher) this.#requests.attempt(() => this.#sendMute(kind === "audio" ? "microphone" : "camera", true));
  }

  #showLocal() {
    const local = localOf(this.#devices.track("audio"), this.#devices.track("video"), this.#screen !== null);
    this.#store.dispatch({ type: "local", local });
  }
}
