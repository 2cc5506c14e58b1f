/** Connection quality from getStats: pure functions over report entries. */

/** Figures of one stream between two samples; `now` and `before` are rtp stats entries (inbound or outbound). */
export function streamFigures(now, before) {
  const seconds = before ? (now.timestamp - before.timestamp) / 1000 : 0;
  const delta = (name) => (before ? Math.max(0, (now[name] ?? 0) - (before[name] ?? 0)) : 0);
  const rate = (name) => (seconds > 0 ? delta(name) / seconds : 0);
  const inbound = now.type === "inbound-rtp";
  const lost = delta("packetsLost");
  const received = delta("packetsReceived");
  return {
    kind: now.kind,
    bitrate_bps: Math.round(rate(inbound ? "bytesReceived" : "bytesSent") * 8),
    fps: now.kind === "video" ? Math.round(rate(inbound ? "framesDecoded" : "framesEncoded") * 10) / 10 : null,
    width: now.frameWidth ?? null,
    height: now.frameHeight ?? null,
    loss: inbound && lost + received > 0 ? lost / (lost + received) : 0,
    jitter_ms: now.jitter === undefined ? null : Math.round(now.jitter * 1000),
    freezes: delta("freezeCount"),
    limited_by: now.qualityLimitationReason ?? null,
  };
}

/** Round trip of the selected candidate pair in milliseconds, or null. */
export function roundTripMs(report) {
  for (const entry of report.values()) {
    if (entry.type === "candidate-pair" && entry.nominated && entry.state === "succeeded" && entry.currentRoundTripTime !== undefined) {
      return Math.round(entry.currentRoundTripTime * 1000);
    }
  }
  return null;
}

/** Loss of what we send as the far end reports it, 0-1, keyed by the local outbound entry's id. */
export function reportedLoss(report) {
  const losses = {};
  for (const entry of report.values()) {
    if (entry.type === "remote-inbound-rtp" && entry.localId) losses[entry.localId] = Math.max(0, entry.fractionLost ?? 0);
  }
  return losses;
}

/**
 * 0 (nothing arrives) to 4 (good) bars from loss, round trip and freezes; the worst figure counts. `flows` false means that
 * media is expected and none came.
 */
export function bars({ loss = 0, rtt_ms = null, freezes = 0, flows = true }) {
  if (!flows) return 0;
  const byLoss = loss > 0.15 ? 1 : loss > 0.06 ? 2 : loss > 0.02 ? 3 : 4;
  const rtt = rtt_ms ?? 0;
  const byRtt = rtt > 800 ? 1 : rtt > 400 ? 2 : rtt > 250 ? 3 : 4;
  const byFreezes = freezes > 1 ? 2 : freezes > 0 ? 3 : 4;
  return Math.min(byLoss, byRtt, byFreezes);
}

export const BAR_NAMES = ["No media", "Poor", "Fair", "Good", "Very good"];

export function formatBitrate(bps) {
  if (bps >= 1_000_000) return `${(bps / 1_000_000).toFixed(1)} Mbit/s`;
  return `${Math.round(bps / 1000)} kbit/s`;
}

/** One line for a tooltip. */
export function describe(figures) {
  const parts = [];
  if (figures.rtt_ms !== null && figures.rtt_ms !== undefined) parts.push(`${figures.rtt_ms} ms round trip`);
  parts.push(`${(100 * (figures.loss ?? 0)).toFixed(1)} % loss`);
  if (figures.fps) parts.push(`${Math.round(figures.fps)} fps`);
  if (figures.bitrate_bps) parts.push(formatBitrate(figures.bitrate_bps));
  return `${BAR_NAMES[figures.bars]}: ${parts.join(", ")}`;
}

/**
 * Quality per participant.
 *
 * streams: [{participant_id, figures, expected}] of this sample; rtt_ms: of the transport that carries them.
 */
export function perParticipant(streams, rtt_ms) {
  const quality = {};
  for (const { participant_id, figures, expected } of streams) {
    const entry = (quality[participant_id] ??= { rtt_ms, loss: 0, freezes: 0, bitrate_bps: 0, fps: null, width: null, height: null, flows: true });
    entry.loss = Math.max(entry.loss, figures.loss);
    entry.freezes += figures.freezes;
    entry.bitrate_bps += figures.bitrate_bps;
    if (figures.kind === "video") {
      entry.fps = Math.max(entry.fps ?? 0, figures.fps ?? 0);
      entry.width = figures.width ?? entry.width;
      entry.height = figures.height ?? entry.height;
    }
    if (expected && figures.bitrate_bps === 0) entry.flows = false;
  }
  for (const entry of Object.values(quality)) entry.bars = bars(entry);
  return quality;
}
