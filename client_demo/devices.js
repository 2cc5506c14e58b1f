/** Cameras, microphones, screens and loudspeakers of this machine; level metering. No signaling, no page elements. */

const CAPTURE = {
  auto: { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 24, max: 30 } },
  standard: { width: { ideal: 640 }, height: { ideal: 360 }, frameRate: { ideal: 24, max: 30 } },
  saver: { width: { ideal: 320 }, height: { ideal: 180 }, frameRate: { ideal: 12, max: 15 } },
};

/** Sharp rather than fluent: a screen is mostly text. */
const SCREEN = { width: { max: 1920 }, height: { max: 1200 }, frameRate: { ideal: 15, max: 15 } };

const FEW_CORES = 4;

/** With few cores a large picture costs more, in stutter, than it gives. */
function captureClass(quality) {
  if (quality in CAPTURE && quality !== "auto") return quality;
  return (navigator.hardwareConcurrency ?? FEW_CORES) < FEW_CORES ? "standard" : "auto";
}

const SETTINGS_KEY = "conclave.settings";
const DEFAULT_SETTINGS = { audio: "", video: "", output: "", quality: "auto", display_name: "", shortcuts: true, mirror: true };

/** Settings of this browser, kept in localStorage where there is one. */
export function loadSettings() {
  try {
    return { ...DEFAULT_SETTINGS, ...JSON.parse(localStorage.getItem(SETTINGS_KEY) ?? "{}") };
  } catch {
    return { ...DEFAULT_SETTINGS };
  }
}

export function saveSettings(settings) {
  try {
    localStorage.setItem(SETTINGS_KEY, JSON.stringify(settings));
  } catch {
    return;
  }
}

/**
 * The local camera and microphone.
 *
 * Fires "track" {kind, track} when a track starts, is replaced or (track null) stops, and "lost" {kind} when a device
 * went away by itself, "devices" when the list changed.
 */
export class Devices extends EventTarget {
  #tracks = { audio: null, video: null };
  /** kind -> what `start` gave while its device opens; another one, or null, when it is not wanted any more. */
  #opening = { audio: null, video: null };

  constructor(settings) {
    super();
    this.settings = settings;
    navigator.mediaDevices?.addEventListener("devicechange", () => this.dispatchEvent(new CustomEvent("devices")));
  }

  track(kind) {
    return this.#tracks[kind];
  }

  /** Start both with one question to the user where possible. Returns the errors by kind; an empty object if all went well. */
  async startBoth() {
    const both = this.#open({ audio: this.#constraints("audio"), video: this.#constraints("video") });
    const outcomes = await Promise.allSettled([this.#begin("audio", both), this.#begin("video", both)]);
    if (outcomes.every(({ status }) => status === "fulfilled")) return {};
    const errors = {};
    for (const kind of ["audio", "video"]) {
      try {
        await this.start(kind);
      } catch (error) {
        errors[kind] = error;
      }
    }
    return errors;
  }

  /**
   * Start one device, or give the running track; null when it was stopped before it ran. Rejects with the DOMException of
   * getUserMedia.
   */
  async start(kind) {
    return this.#tracks[kind] ?? this.#opening[kind] ?? this.#begin(kind, this.#openOne(kind));
  }

  async #openOne(kind) {
    try {
      return await this.#open({ [kind]: this.#constraints(kind) });
    } catch (error) {
      if (error.name !== "OverconstrainedError" || !this.settings[kind]) throw error;
      this.settings[kind] = "";
      return this.#open({ [kind]: this.#constraints(kind) });
    }
  }

  /** Take the track of `kind` once the stream is there, unless `stop` came first: then nothing may be captured any longer. */
  #begin(kind, streaming) {
    const wanted = () => this.#opening[kind] === opening;
    const opening = streaming
      .then(
        (stream) => {
          const track = stream.getTracks().find((one) => one.kind === kind);
          if (wanted()) return this.#adopt(kind, track);
          track.stop();
          return null;
        },
        (error) => {
          if (wanted()) throw error;
          return null;
        },
      )
      .finally(() => {
        if (wanted()) this.#opening[kind] = null;
      });
    this.#opening[kind] = opening;
    return opening;
  }

  stop(kind) {
    this.#opening[kind] = null;
    const track = this.#tracks[kind];
    if (!track) return;
    this.#tracks[kind] = null;
    track.onended = null;
    track.stop();
    this.dispatchEvent(new CustomEvent("track", { detail: { kind, track: null } }));
  }

  stopAll() {
    this.stop("audio");
    this.stop("video");
  }

  /** Take another device; a running one is replaced. */
  async choose(kind, deviceId) {
    this.settings[kind] = deviceId;
    saveSettings(this.settings);
    if (!this.#tracks[kind]) return null;
    const enabled = this.#tracks[kind].enabled;
    const old = this.#tracks[kind];
    this.#tracks[kind] = null;
    old.onended = null;
    old.stop();
    try {
      const track = await this.start(kind);
      if (track) track.enabled = enabled;
      else this.dispatchEvent(new CustomEvent("track", { detail: { kind, track: null } }));
      return track;
    } catch (error) {
      this.dispatchEvent(new CustomEvent("track", { detail: { kind, track: null } }));
      throw error;
    }
  }

  /** Known devices: {audioinput, videoinput, audiooutput}, each a list of {deviceId, label}. */
  async list() {
    const lists = { audioinput: [], videoinput: [], audiooutput: [] };
    const all = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
    for (const { kind, deviceId, label } of all) {
      if (deviceId) lists[kind]?.push({ deviceId, label: label || `Device ${lists[kind].length + 1}` });
    }
    return lists;
  }

  #open(constraints) {
    if (!navigator.mediaDevices?.getUserMedia) {
      return Promise.reject(new DOMException("no access to devices on this page", "SecurityError"));
    }
    return navigator.mediaDevices.getUserMedia(constraints);
  }

  #constraints(kind) {
    const chosen = this.settings[kind] ? { deviceId: { exact: this.settings[kind] } } : {};
    if (kind === "audio") return { echoCancellation: true, noiseSuppression: true, autoGainControl: true, ...chosen };
    return { ...CAPTURE[captureClass(this.settings.quality)], ...chosen };
  }

  #adopt(kind, track) {
    if (kind === "video") track.contentHint = "motion";
    track.onended = () => {
      if (this.#tracks[kind] !== track) return;
      this.stop(kind);
      this.dispatchEvent(new CustomEvent("lost", { detail: { kind } }));
    };
    this.#tracks[kind] = track;
    this.dispatchEvent(new CustomEvent("track", { detail: { kind, track } }));
    return track;
  }
}

/** Ask for a screen, window or tab; resolves with {video, audio} tracks, audio null when the surface has no sound. */
export async function captureScreen() {
  const stream = await navigator.mediaDevices.getDisplayMedia({ video: SCREEN, audio: true });
  const video = stream.getVideoTracks()[0];
  video.contentHint = "detail";
  return { video, audio: stream.getAudioTracks()[0] ?? null };
}

let audioContext = null;
let meters = 0;

function sharedAudioContext() {
  if (audioContext === null) {
    audioContext = new AudioContext({ latencyHint: "interactive" });
    const wake = () => meters > 0 && audioContext.state === "suspended" && audioContext.resume().catch(() => {});
    for (const type of ["pointerdown", "keydown"]) addEventListener(type, wake, { capture: true });
  }
  return audioContext;
}

/**
 * Measure the level of an audio track: calls `onLevel(level)` about 15 times a second with 0-1 (about -60 to 0 dBFS).
 * Works on a clone, so that a muted track can still be measured. Returns a function that stops it.
 */
export function meterLevel(track, onLevel) {
  const context = sharedAudioContext();
  meters += 1;
  context.resume().catch(() => {});
  const clone = track.clone();
  clone.enabled = true;
  const source = context.createMediaStreamSource(new MediaStream([clone]));
  const analyser = new AnalyserNode(context, { fftSize: 1024, smoothingTimeConstant: 0.3 });
  source.connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    let sum = 0;
    for (const sample of samples) sum += sample * sample;
    const decibels = 20 * Math.log10(Math.sqrt(sum / samples.length) || 1e-6);
    onLevel(Math.min(1, Math.max(0, 1 + decibels / 60)));
  }, 66);
  return () => {
    clearInterval(timer);
    source.disconnect();
    clone.stop();
    meters -= 1;
    if (meters === 0) context.suspend().catch(() => {});
  };
}
