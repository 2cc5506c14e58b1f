/**
 * The two peer connections: a publisher that offers, a subscriber that answers. They talk through `request`, a function
 * (type, fields) -> Promise of the result, and know neither socket nor page.
 */

const DISCONNECTED_PATIENCE_MS = 2_000;
const RESTART_EVERY_MS = 4_000;

const PUBLISH_TYPE = { microphone: "audio.publish", camera: "video.publish", screen: "screen.publish" };

const CAMERA_STEPS = [
  { people: 2, height: 720, maxBitrate: 1_500_000, maxFramerate: 30 },
  { people: 6, height: 360, maxBitrate: 500_000, maxFramerate: 24 },
  { people: 9, height: 270, maxBitrate: 300_000, maxFramerate: 20 },
  { people: Infinity, height: 180, maxBitrate: 150_000, maxFramerate: 15 },
];

/**
 * How to encode a camera picture of `height` lines when `people` are in the meeting: there is one encoding for all
 * viewers, so small tiles must not cost everybody a large picture.
 */
export function cameraEncoding(people, height = 720) {
  const step = CAMERA_STEPS.find((candidate) => people <= candidate.people);
  const { maxBitrate, maxFramerate } = step;
  return { scaleResolutionDownBy: Math.max(1, height / step.height), maxBitrate, maxFramerate };
}

const ENCODINGS = {
  microphone: { maxBitrate: 40_000, priority: "high", networkPriority: "high" },
  screen: { maxBitrate: 2_500_000 },
  screen_audio: { maxBitrate: 96_000 },
};

const kindOf = (source) => (source === "microphone" || source === "screen_audio" ? "audio" : "video");
/** The session id in an SDP's o= line, "" without one. */
const sessionOf = (sdp) => /^o=\S+ (\S+)/m.exec(sdp)?.[1] ?? "";

const heightOf = (track) => track?.getSettings?.().height ?? undefined;

/** Calls one job after the other; a failed job does not stop the next. */
export class Queue {
  #tail = Promise.resolve();

  run(job) {
    const result = this.#tail.then(job);
    this.#tail = result.catch(() => {});
    return result;
  }
}

/** Watches a connection: fires "state" at its link, and restarts the link when it breaks, again and again until it is back. */
class Watch {
  #link;
  #timer = null;

  constructor(pc, link) {
    this.#link = link;
    pc.addEventListener("connectionstatechange", () => {
      link.dispatchEvent(new CustomEvent("state", { detail: pc.connectionState }));
      clearTimeout(this.#timer);
      this.#timer = null;
      if (pc.connectionState === "failed") this.#again(0);
      if (pc.connectionState === "disconnected") this.#again(DISCONNECTED_PATIENCE_MS);
    });
  }

  #again(delayMs) {
    this.#timer = setTimeout(() => {
      this.#link.restart();
      this.#again(RESTART_EVERY_MS);
    }, delayMs);
  }

  stop() {
    clearTimeout(this.#timer);
    this.#timer = null;
  }
}

/** Publishes local tracks by source. Fires "state" {detail: connectionState} and "failed" {detail: error}. */
export class Publisher extends EventTarget {
  #request;
  #pc;
  #queue = new Queue();
  #watch;
  /** source -> {transceiver, track, trackId} */
  #sources = new Map();
  #idle = [];
  #people = 1;
  #unanswered = false;
  #closed = false;
  #renewing = false;
  #configuration;

  constructor({ request, iceServers }) {
    super();
    this.#request = request;
    this.#configuration = { iceServers, bundlePolicy: "max-bundle" };
    this.#connect();
  }

  #connect() {
    this.#pc = new RTCPeerConnection(this.#configuration);
    this.#watch = new Watch(this.#pc, this);
  }

  get connectionState() {
    return this.#pc.connectionState;
  }

  has(source) {
    return this.#sources.has(source);
  }

  trackId(source) {
    return this.#sources.get(source)?.trackId ?? null;
  }

  /**
   * Make an m-section for each {source: track}; nothing is sent to the server before `negotiate`. `takeOver` ends others' screen shares.
   */
  add(tracks, { takeOver = false } = {}) {
    for (const [source, track] of Object.entries(tracks)) {
      if (!track || this.#sources.has(source)) continue;
      this.#sources.set(source, { transceiver: this.#transceiver(source, track), track, trackId: null, takeOver });
    }
  }

  #transceiver(source, track) {
    const spare = this.#idle.findIndex((item) => item.source === source);
    if (spare >= 0) {
      const { transceiver } = this.#idle.splice(spare, 1)[0];
      transceiver.direction = "sendonly";
      transceiver.sender.replaceTrack(track);
      return transceiver;
    }
    const encoding = source === "camera" ? cameraEncoding(this.#people, heightOf(track)) : ENCODINGS[source];
    return this.#pc.addTransceiver(track ?? kindOf(source), { direction: "sendonly", sendEncodings: [encoding] });
  }

  /**
   * Offer what was added: declarations and offer go out together, then the answer is applied. Resolves with
   * [{source, track_id}] of newly declared tracks. With nothing to send and no connection yet it does nothing.
   */
  negotiate({ iceRestart = false } = {}) {
    return this.#queue.run(() => this.#negotiate(iceRestart));
  }

  async #negotiate(iceRestart) {
    if (this.#closed || this.#pc.getTransceivers().length === 0) return [];
    const offer = await this.#pc.createOffer({ iceRestart });
    await this.#pc.setLocalDescription(offer);
    this.#unanswered = true;
    const fresh = this.#undeclared();
    const declarations = this.#declare(fresh);
    const answer = this.#request("publisher.offer", { sdp: offer.sdp });
    const results = await Promise.allSettled([...declarations.map((item) => item.result), answer]);
    const refused = results.find((result) => result.status === "rejected");
    if (refused) {
      await this.#rollBack(fresh, refused.reason);
      throw refused.reason;
    }
    await this.#pc.setRemoteDescription({ type: "answer", sdp: (await answer).sdp });
    this.#unanswered = false;
    declarations.forEach(({ sources }, index) => {
      sources.forEach((source, place) => {
        const entry = this.#sources.get(source);
        if (entry) entry.trackId = results[index].value.track_ids[place];
      });
    });
    return fresh.map((source) => ({ source, track_id: this.trackId(source) }));
  }

  #undeclared() {
    return [...this.#sources].filter(([, entry]) => entry.trackId === null).map(([source]) => source);
  }

  #declare(sources) {
    const declarations = [];
    const mid = (source) => this.#sources.get(source).transceiver.mid;
    for (const source of sources) {
      if (source === "screen_audio") continue;
      const withSound = source === "screen" && sources.includes("screen_audio");
      const fields = withSound ? { mid: mid(source), audio_mid: mid("screen_audio") } : { mid: mid(source) };
      if (source === "screen" && this.#sources.get(source).takeOver) fields.take_over = true;
      declarations.push({
        sources: withSound ? ["screen", "screen_audio"] : [source],
        result: this.#request(PUBLISH_TYPE[source], fields),
      });
    }
    return declarations;
  }

  /**
   * A refusal takes away what was added. A lost connection keeps it for the next try, and the offer too: the server may have
   * answered it, and a browser gives sections that were rolled back other mids.
   */
  async #rollBack(fresh, reason) {
    if (this.#closed || reason.code === "connection_lost" || reason.code === "timeout") return;
    if (this.#pc.signalingState === "have-local-offer") await this.#pc.setLocalDescription({ type: "rollback" });
    this.#unanswered = false;
    for (const source of fresh) {
      const entry = this.#sources.get(source);
      this.#sources.delete(source);
      entry?.transceiver.stop();
    }
  }

  /** Swap what a source sends without negotiation; null sends nothing. */
  async replace(source, track) {
    const entry = this.#sources.get(source);
    if (!entry) return;
    entry.track = track;
    await entry.transceiver.sender.replaceTrack(track);
  }

  /** Take sources away for good, for example a screen share that ended. */
  async remove(sources) {
    const present = sources.filter((source) => this.#sources.has(source));
    const ids = [];
    for (const source of present) {
      const { transceiver, trackId } = this.#sources.get(source);
      this.#sources.delete(source);
      transceiver.sender.replaceTrack(null);
      transceiver.direction = "inactive";
      this.#idle.push({ source, transceiver });
      if (trackId) ids.push(trackId);
    }
    if (present.length === 0) return;
    await Promise.allSettled(ids.map((track_id) => this.#request("unpublish", { track_id })));
    await this.negotiate();
  }

  /**
   * After a resume: take over the track ids the server knows, forget those it does not, and offer again if needed. When it
   * knows none, the connection failed meanwhile and is renewed.
   * `known` maps source -> track_id.
   */
  async reconcile(known) {
    const declared = [...this.#sources].filter(([, entry]) => entry.trackId !== null);
    if (!this.#unanswered && declared.length > 0 && declared.every(([source]) => !known[source])) {
      await this.renew();
      return;
    }
    let open = this.#unanswered;
    for (const [source, entry] of this.#sources) {
      entry.trackId = known[source] ?? null;
      open ||= entry.trackId === null;
    }
    const broken = ["failed", "disconnected"].includes(this.#pc.connectionState);
    if (open || broken) await this.negotiate({ iceRestart: broken });
  }

  /**
   * The server gave the connection up, and with it its tracks: send all sources over a new one, under new track ids.
   * Resolves as `negotiate` does; null when a renewal is under way already.
   */
  async renew() {
    if (this.#closed || this.#renewing) return null;
    this.#renewing = true;
    this.#watch.stop();
    try {
      return await this.#queue.run(() => this.#negotiateAnew());
    } finally {
      this.#renewing = false;
    }
  }

  async #negotiateAnew() {
    if (this.#closed) return [];
    this.#watch.stop();
    this.#pc.close();
    this.#connect();
    this.#idle = [];
    for (const [source, entry] of this.#sources) {
      entry.trackId = null;
      entry.transceiver = this.#transceiver(source, entry.track);
    }
    return this.#negotiate(false);
  }

  /** The offer's SDP sizes the picture; this follows the size of the meeting. */
  async setPeople(people) {
    this.#people = people;
    const sender = this.#sources.get("camera")?.transceiver.sender;
    if (!sender) return;
    const parameters = sender.getParameters();
    const wanted = cameraEncoding(people, heightOf(sender.track));
    const encoding = parameters.encodings?.[0];
    if (!encoding || Object.keys(wanted).every((name) => encoding[name] === wanted[name])) return;
    Object.assign(encoding, wanted);
    await sender.setParameters(parameters).catch(() => {});
  }

  restart() {
    if (this.#closed || this.#renewing || this.#sources.size === 0) return;
    this.negotiate({ iceRestart: true }).catch((error) => {
      if (!this.#renewing && error.code !== "connection_lost") this.dispatchEvent(new CustomEvent("failed", { detail: error }));
    });
  }

  /** Entries {source, mid, report} of what is sent, and the whole report. */
  async stats() {
    const report = await this.#pc.getStats();
    const sources = [...this.#sources].map(([source, { transceiver }]) => ({ source, mid: transceiver.mid }));
    return { report, sources };
  }

  close() {
    this.#closed = true;
    this.#watch.stop();
    this.#pc.close();
  }
}

/** Receives by slots. Fires "state" {detail: connectionState}, "media" when receivers came or went, "failed". */
export class Subscriber extends EventTarget {
  #request;
  #pc;
  #queue = new Queue();
  #watch;
  #closed = false;
  #session = null;
  #configuration;

  constructor({ request, iceServers }) {
    super();
    this.#request = request;
    this.#configuration = { iceServers, bundlePolicy: "max-bundle" };
    this.#connect();
  }

  #connect() {
    this.#pc = new RTCPeerConnection(this.#configuration);
    this.#watch = new Watch(this.#pc, this);
  }

  get connectionState() {
    return this.#pc.connectionState;
  }

  /**
   * Answer an offer of the server, strictly in the order of arrival. Another SDP session than before means that the server
   * gave the connection up and opened a new one, which needs a new one here.
   */
  offered({ revision, sdp }) {
    return this.#queue
      .run(async () => {
        if (this.#closed) return;
        const session = sessionOf(sdp);
        if (this.#session !== null && this.#session !== session) {
          this.#watch.stop();
          this.#pc.close();
          this.#connect();
        }
        this.#session = session;
        await this.#pc.setRemoteDescription({ type: "offer", sdp });
        const answer = await this.#pc.createAnswer();
        await this.#pc.setLocalDescription(answer);
        this.dispatchEvent(new CustomEvent("media"));
        await this.#request("subscriber.answer", { revision, sdp: answer.sdp });
      })
      .catch((error) => {
        if (!this.#closed && error.code !== "connection_lost") this.dispatchEvent(new CustomEvent("failed", { detail: error }));
      });
  }

  /** The MediaStreamTrack of an m-section, or null. */
  receiverTrack(mid) {
    return this.#pc.getTransceivers().find((transceiver) => transceiver.mid === mid)?.receiver.track ?? null;
  }

  restart() {
    if (this.#closed || this.#session === null) return;
    this.#request("subscriber.restart", {}).catch(() => {});
  }

  /** After a resume: a connection that broke meanwhile needs a new start. */
  reconcile() {
    if (["failed", "disconnected"].includes(this.#pc.connectionState)) this.restart();
  }

  async stats() {
    return this.#pc.getStats();
  }

  close() {
    this.#closed = true;
    this.#watch.stop();
    this.#pc.close();
  }
}
