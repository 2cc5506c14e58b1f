/** Reads getStats of both peer connections against the state: quality per participant, and figures per track. */

import { perParticipant, reportedLoss, roundTripMs, streamFigures } from "./quality.js";

const SAMPLE_EVERY_MS = 2_000;

/** Turns successive reports into quality per participant. */
export class QualitySampler {
  #before = new Map();

  reset() {
    this.#before.clear();
  }

  async sample(state, publisher, subscriber) {
    const quality = {};
    if (subscriber) {
      const report = await subscriber.stats();
      Object.assign(quality, perParticipant(this.#inbound(state, report), roundTripMs(report)));
    }
    if (publisher) {
      const { report } = await publisher.stats();
      Object.assign(quality, perParticipant(this.#outbound(state, report), roundTripMs(report)));
    }
    return quality;
  }

  /** Figures against the sample before, or null for the first, and for a slot that shows another track since. */
  #figures(entry, trackId) {
    const before = this.#before.get(entry.id);
    this.#before.set(entry.id, { entry, trackId });
    return before && before.trackId === trackId ? streamFigures(entry, before.entry) : null;
  }

  #inbound({ slots, tracks }, report) {
    const streams = [];
    for (const entry of report.values()) {
      if (entry.type !== "inbound-rtp") continue;
      const track = tracks[slots[entry.mid]];
      const figures = this.#figures(entry, track?.track_id);
      if (figures && track) streams.push({ participant_id: track.participant_id, figures, expected: !track.muted });
    }
    return streams;
  }

  #outbound({ self, local }, report) {
    const losses = reportedLoss(report);
    const streams = [];
    for (const entry of report.values()) {
      if (entry.type !== "outbound-rtp") continue;
      const figures = this.#figures(entry, null);
      if (!figures) continue;
      figures.loss = losses[entry.id] ?? 0;
      const expected = entry.kind === "audio" && local.microphone === "on";
      streams.push({ participant_id: self.participant_id, figures, expected });
    }
    return streams;
  }
}

function receivedFigures(entry, track, participants) {
  return {
    track_id: track.track_id,
    participant_id: track.participant_id,
    display_name: participants[track.participant_id]?.display_name ?? null,
    source: track.source,
    mid: entry.mid,
    packets_received: entry.packetsReceived,
    packets_lost: entry.packetsLost,
    bytes_received: entry.bytesReceived,
    frames_decoded: entry.framesDecoded ?? null,
    frame_width: entry.frameWidth ?? null,
    frame_height: entry.frameHeight ?? null,
    total_audio_energy: entry.totalAudioEnergy ?? null,
    audio_level: entry.audioLevel ?? null,
    nack_count: entry.nackCount ?? null,
    pli_count: entry.pliCount ?? null,
    freeze_count: entry.freezeCount ?? null,
  };
}

function sentFigures(entry, source) {
  return {
    source,
    mid: entry.mid,
    packets_sent: entry.packetsSent,
    bytes_sent: entry.bytesSent,
    frames_encoded: entry.framesEncoded ?? null,
    frame_width: entry.frameWidth ?? null,
    frame_height: entry.frameHeight ?? null,
    nack_count: entry.nackCount ?? null,
    pli_count: entry.pliCount ?? null,
  };
}

/** Samples every two seconds. `links()` gives [state, publisher, subscriber]; `told(quality)` gets what came of it. */
export class QualityWatch {
  #sampler = new QualitySampler();
  #links;
  #told;
  #timer = null;

  constructor(links, told) {
    this.#links = links;
    this.#told = told;
  }

  start() {
    this.stop();
    const sample = async () => this.#told(await this.#sampler.sample(...this.#links()));
    this.#timer = setInterval(() => sample().catch(() => {}), SAMPLE_EVERY_MS);
  }

  stop() {
    clearInterval(this.#timer);
    this.#timer = null;
    this.#sampler.reset();
  }
}

/** What flows on both connections, per track. Holds no secrets: no tokens, addresses or keys. */
export async function collectStats(state, publisher, subscriber) {
  const received = [];
  if (subscriber) {
    for (const entry of (await subscriber.stats()).values()) {
      const track = entry.type === "inbound-rtp" ? state.tracks[state.slots[entry.mid]] : undefined;
      if (track) received.push(receivedFigures(entry, track, state.participants));
    }
  }
  const sent = [];
  if (publisher) {
    const { report, sources } = await publisher.stats();
    const sourceOf = Object.fromEntries(sources.map(({ source, mid }) => [mid, source]));
    for (const entry of report.values()) {
      if (entry.type === "outbound-rtp") sent.push(sentFigures(entry, sourceOf[entry.mid] ?? null));
    }
  }
  return {
    publisher: { connection_state: publisher?.connectionState ?? "none", sent },
    subscriber: { connection_state: subscriber?.connectionState ?? "none", received },
  };
}
