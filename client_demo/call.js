/**
 * The life of one person in one meeting: getting in and out, and what comes back after a loss. Knows no page elements.
 * `own`, `moderation`, `recording` and `breakouts` hold what the person does with their own media, about others, about being
 * recorded, and about rooms.
 *
 * Fires "notice" {tone, title, text}, "reaction" {participant_id, reaction}, "media" when a receiver's track may have
 * changed, "announce" {text} for what a screen reader should say.
 */

import { Breakouts } from "./breakouts.js";
import { QualityWatch, collectStats } from "./figures.js";
import { Subscriber } from "./media.js";
import { MeetingInvitations } from "./meeting_invitations.js";
import { Moderation } from "./moderation.js";
import { narrate } from "./narration.js";
import { SignalingError } from "./protocol.js";
import { FINAL, PASSING, STALLING } from "./outcomes.js";
import { OwnMedia } from "./own_media.js";
import { Recording } from "./recording.js";
import { Requests } from "./requests.js";
import { canPublish } from "./roles.js";
import { refusalWords } from "./words.js";

/** A media connection that fails as soon as it is made is not made again without pause. */
const RENEW_EVERY_MS = 4_000;
const REJOIN_FOR_MS = 60_000;
const REJOIN_EVERY_MS = 2_000;
const READY_EVERY_MS = 2_000;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class Call extends EventTarget {
  #signaling;
  #store;
  #devices;
  #requests;
  #token = null;
  #title = null;
  #iceServers = [];
  #subscriber = null;
  #quality = new QualityWatch(() => [this.#store.get(), this.own.publisher, this.#subscriber], (quality) => {
    if (this.#store.get().phase === "meeting") this.#store.dispatch({ type: "quality", quality });
  });
  #leaving = false;
  /** transport -> earliest time of its next renewal. */
  #renewals = {};
  #inLobby = false;
  /** Whether the answer to `join` was lost: the session has a seat whose media connections were given up here. */
  #unheardSeat = false;
  /** Whether a move into another room has not been answered with `breakout.ready` yet. */
  #unready = false;

  constructor({ signaling, store, devices }) {
    super();
    this.#signaling = signaling;
    this.#store = store;
    this.#devices = devices;
    this.#requests = new Requests(signaling);
    this.own = new OwnMedia({ requests: this.#requests, store, devices });
    this.moderation = new Moderation(this.#requests);
    this.recording = new Recording({ requests: this.#requests, store, token: () => this.#token });
    this.breakouts = new Breakouts(this.#requests);
    this.invitations = new MeetingInvitations(this.#requests);
    for (const name of ["notice", "announce"]) {
      this.#requests.addEventListener(name, ({ detail }) => this.dispatchEvent(new CustomEvent(name, { detail })));
    }
    this.own.addEventListener("media", () => this.dispatchEvent(new CustomEvent("media")));
    signaling.addEventListener("event", ({ detail }) => this.#received(detail));
    signaling.addEventListener("state", ({ detail }) => this.#connectionChanged(detail));
    signaling.addEventListener("resumed", ({ detail }) => this.#resumed(detail));
    signaling.addEventListener("lost", ({ detail }) => this.#lost(detail));
  }

  // --- getting in and out -----------------------------------------------------------------------------------------

  /** Greet the server with an invitation; resolves with `welcome`. `title` names the meeting if we open it. */
  async open(token, title) {
    this.#token = token;
    this.#title = title;
    this.#leaving = false;
    this.#unheardSeat = false;
    const welcome = await this.#signaling.connect(token);
    this.#iceServers = welcome.ice_servers ?? [];
    this.#store.dispatch({ type: "welcome", welcome });
    return welcome;
  }

  /** Take a seat with the devices that run now. Rejects with a SignalingError. */
  async join(displayName, { muted = false } = {}) {
    if (this.#signaling.state !== "online") await this.open(this.#token, this.#title);
    const { meeting, self } = this.#store.get();
    if (self.role === "host" && !meeting.open) {
      await this.#requests.send("meeting.create", { title: meeting.title || this.#title || "Meeting" }).catch((error) => {
        if (error.code !== "conflict") throw error;
      });
    }
    this.#subscriber = this.#newSubscriber();
    this.own.open({ iceServers: this.#iceServers, publishes: canPublish(self.role), muted });
    if (this.#unheardSeat) this.#requests.send("leave").catch(() => {});
    this.#unheardSeat = false;
    const seat = this.#requests.send("join", { display_name: displayName, auto_subscribe: true });
    const published = this.own.publishDevices();
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
    this.own.follow(joined.role);
    this.#quality.start();
    await published;
    this.own.resizePicture();
  }

  #newSubscriber() {
    const subscriber = new Subscriber({ request: this.#requests.send, iceServers: this.#iceServers });
    subscriber.addEventListener("state", ({ detail }) => this.#store.dispatch({ type: "transport", transport: "subscriber", value: detail }));
    subscriber.addEventListener("media", () => this.dispatchEvent(new CustomEvent("media")));
    subscriber.addEventListener("failed", ({ detail }) => this.#requests.notice("error", refusalWords(detail)));
    return subscriber;
  }

  /** In the lobby: tell the hosts who one is and why one comes; resolves with whether it was done. */
  knock(displayName, reason) {
    return this.#requests.attempt(() => this.#requests.send("knock", { display_name: displayName, reason }));
  }

  /** Wait no longer to be let in; one may still join later. */
  async stopWaiting() {
    if (!this.#inLobby) return;
    this.#inLobby = false;
    await this.#requests.send("leave").catch(() => {});
  }

  async leave() {
    if (this.#store.get().phase !== "meeting") return;
    this.#leaving = true;
    await Promise.race([this.#requests.send("leave").catch(() => {}), sleep(500)]);
    this.#finish("left", "");
  }

  async endForAll() {
    await this.#requests.attempt(async () => {
      await this.#requests.send("meeting.end");
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
    this.own.stopCapture();
    this.#closeLinks();
    this.#devices.stopAll();
    this.#signaling.close();
    this.#store.dispatch({ type: "ended", code, detail });
  }

  #closeLinks() {
    this.#unready = false;
    this.own.close();
    this.#subscriber?.close();
    this.#subscriber = null;
  }

  // --- what a person does ------------------------------------------------------------------------------------------

  async raiseHand(raised) {
    await this.#requests.attempt(async () => {
      await this.#requests.send("hand.raise", { raised });
      const { participants, self } = this.#store.get();
      const participant = { ...participants[self.participant_id], hand_raised: raised };
      this.#store.dispatch({ type: "event", event: { type: "participant.changed", participant } });
      this.#requests.announce(raised ? "Your hand is raised" : "Your hand is lowered");
    });
  }

  async react(reaction) {
    await this.#requests.attempt(async () => {
      await this.#requests.send("reaction.send", { reaction });
    });
  }

  /** Receive pictures only of those shown; sound of everybody stays. */
  async showPictures(participantIds) {
    const { tracks, slots, self } = this.#store.get();
    const wanted = new Set(participantIds);
    const slotted = new Set(Object.values(slots));
    const cameras = Object.values(tracks).filter((track) => track.source === "camera" && track.participant_id !== self.participant_id);
    const drop = cameras.filter((track) => slotted.has(track.track_id) && !wanted.has(track.participant_id));
    const take = cameras.filter((track) => !slotted.has(track.track_id) && wanted.has(track.participant_id));
    if (drop.length > 0) await this.#requests.send("unsubscribe", { track_ids: drop.map((track) => track.track_id) }).catch(() => {});
    if (take.length > 0) await this.#requests.send("subscribe", { track_ids: take.map((track) => track.track_id) }).catch(() => {});
  }

  /** One's own running track, kind "audio" or "video", or null. */
  localTrack(kind) {
    return this.#devices.track(kind);
  }

  /** The browser's MediaStreamTrack of a track of the meeting, one's own included, or null. */
  mediaTrack(trackId) {
    const { tracks, slots, self } = this.#store.get();
    const track = tracks[trackId];
    if (track?.participant_id === self.participant_id) return this.own.track(track.source);
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
    if (event.type === "breakout.entered") this.#moved();
    this.own.received(event, before);
    if (event.type === "transport.state") this.#mediaLost(event);
    if (event.type === "subscriber.slots") this.dispatchEvent(new CustomEvent("media"));
    const { say, notice } = narrate(before, event);
    if (say) this.#requests.announce(say);
    if (notice) this.#requests.notice("info", notice);
  }

  /** One is in another room: nothing of the old connections counts there, new ones are made as at `join`. */
  async #moved() {
    const { self, place } = this.#store.get();
    this.#requests.moved();
    this.own.stopCapture();
    this.#closeLinks();
    this.#renewals = {};
    this.#subscriber = this.#newSubscriber();
    this.own.open({ iceServers: this.#iceServers, publishes: canPublish(self.role), muted: this.own.wantMuted });
    this.dispatchEvent(new CustomEvent("media"));
    this.#unready = true;
    if (!(await this.#arrive(place)) || this.#store.get().place !== place) return;
    this.#unready = false;
    await this.own.publishDevices();
    this.own.resizePicture();
  }

  /** Tell the server that one knows where one is, until it has heard; resolves with whether it has, and one is still there. */
  async #arrive(place) {
    const subscriber = this.#subscriber;
    while (subscriber === this.#subscriber && this.#store.get().place === place) {
      try {
        await this.#requests.send("breakout.ready", { moves: place.moves });
        return true;
      } catch (error) {
        if (!STALLING.has(error.code)) {
          if (error.code !== "conflict" && error.code !== "connection_lost") this.#requests.notice("error", refusalWords(error));
          return false;
        }
        await sleep(READY_EVERY_MS);
      }
    }
    return false;
  }

  #connectionChanged(connection) {
    this.#store.dispatch({ type: "connection", connection });
    if (connection === "reconnecting") this.#requests.announce("Connection lost, reconnecting");
  }

  /** The server gave a media connection up: make a new one, at once the first time and then with pauses. */
  #mediaLost({ transport, state }) {
    if (state !== "failed" && state !== "closed") return;
    const now = performance.now();
    const due = Math.max(now, this.#renewals[transport] ?? 0);
    this.#renewals[transport] = due + RENEW_EVERY_MS;
    const link = this.#link(transport);
    const renew = () => {
      if (link === null || link !== this.#link(transport)) return;
      if (transport === "publisher") this.own.renew();
      else link.restart();
    };
    if (due === now) renew();
    else setTimeout(renew, due - now);
  }

  #link(transport) {
    return transport === "publisher" ? this.own.publisher : this.#subscriber;
  }

  async #resumed(welcome) {
    const before = this.#store.get();
    if (before.phase !== "meeting") {
      this.#unheardSeat = Boolean(welcome.participant_id);
      return;
    }
    if (welcome.snapshot) this.#store.dispatch({ type: "snapshot", snapshot: welcome.snapshot, title: welcome.title });
    this.dispatchEvent(new CustomEvent("media"));
    this.#requests.announce("Connected again");
    this.#tellMissed(before, welcome.snapshot);
    if (this.#unready || this.#store.get().place.moves !== before.place.moves) {
      await this.#moved();
      return;
    }
    this.own.follow(this.#store.get().self.role);
    try {
      this.#subscriber?.reconcile();
      await this.own.resume(before);
    } catch (error) {
      if (error.code !== "connection_lost") this.#requests.notice("error", refusalWords(error));
    }
  }

  /** One's role and one's room may be others than before the loss. */
  #tellMissed(before, snapshot) {
    const { participants, place } = this.#store.get();
    const participant = participants[before.self.participant_id];
    const missed = participant ? [{ type: "participant.changed", participant }] : [];
    if (place.breakout_id !== before.place.breakout_id) missed.push({ type: "breakout.entered", breakout_id: place.breakout_id, snapshot });
    for (const event of missed) {
      const { notice } = narrate(before, event);
      if (notice) this.#requests.notice("info", notice);
    }
  }

  async #lost(reason) {
    const { phase, self } = this.#store.get();
    if (this.#leaving || (phase !== "meeting" && phase !== "preview")) return;
    if (FINAL.has(reason.code)) {
      this.#finish(reason.code, reason.detail);
      return;
    }
    if (phase === "preview") {
      await this.#knockAgain();
      return;
    }
    this.#store.dispatch({ type: "connection", connection: "reconnecting" });
    await this.#rejoin(self.display_name, reason);
  }

  /** Nobody's place before the door is kept: greet anew, for as long as one waits there, and ask again to be let in. */
  async #knockAgain() {
    while (!this.#leaving && this.#store.get().phase === "preview" && this.#signaling.state === "closed") {
      try {
        await this.open(this.#token, this.#title);
      } catch (error) {
        if (!PASSING.has(error.code)) {
          if (this.#store.get().phase === "preview") this.#finish(error.code, error.detail);
          return;
        }
        await sleep(REJOIN_EVERY_MS);
        continue;
      }
      if (this.#inLobby) this.#store.dispatch({ type: "door", open: true });
      this.#inLobby = false;
    }
  }

  /** The seat is gone, the invitation is not: take a new seat with the same devices. */
  async #rejoin(displayName, reason) {
    this.own.stopCapture();
    this.#closeLinks();
    const until = performance.now() + REJOIN_FOR_MS;
    let last = reason;
    while (performance.now() < until && !this.#leaving) {
      try {
        await this.open(this.#token, this.#title);
        await this.join(displayName, { muted: this.own.wantMuted });
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
    for (const link of [this.own.publisher, this.#subscriber]) {
      if (link?.connectionState === "disconnected") link.restart();
    }
  }

  /** What flows, per track; see README.md. */
  stats() {
    return collectStats(this.#store.get(), this.own.publisher, this.#subscriber);
  }
}
