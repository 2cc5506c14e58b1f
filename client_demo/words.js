/** Clear words for what can go wrong: {title, text} for a person, from an error's name or code. Pure. */

const DEVICE_NAMES = { audio: "microphone", video: "camera", screen: "screen" };

/** error: a DOMException of getUserMedia or getDisplayMedia; kind: "audio" | "video" | "screen". */
export function deviceWords(error, kind) {
  const device = DEVICE_NAMES[kind] ?? "device";
  const Device = device[0].toUpperCase() + device.slice(1);
  switch (error?.name) {
    case "NotAllowedError":
    case "SecurityError":
      if (kind === "screen") return { title: "Screen not shared", text: "The share was cancelled, or the system does not let this browser record the screen." };
      return { title: `${Device} is blocked`, text: `Allow the ${device} for this site in the browser’s address bar, then try again.` };
    case "NotFoundError":
    case "DevicesNotFoundError":
      return { title: `No ${device} found`, text: `Plug in a ${device}, then try again. You can join without it.` };
    case "NotReadableError":
    case "TrackStartError":
    case "AbortError":
      return { title: `${Device} is busy`, text: `Another program may be using the ${device}. Close it, then try again.` };
    case "OverconstrainedError":
      return { title: `${Device} not available`, text: `The chosen ${device} is gone. Choose another one.` };
    default:
      return { title: `${Device} does not start`, text: error?.message || "The browser gave no reason." };
  }
}

const REFUSALS = {
  unauthorized: ["Not allowed for your role", "The server refused this: your role in the meeting does not include it."],
  forbidden: ["Not possible right now", "The server refused this in the meeting’s present state."],
  invalid: ["The server did not understand", "This page may be out of date. Reload it and try again."],
  not_found: ["Not there any more", "What this was about is gone."],
  conflict: ["Somebody was faster", "The state changed in the meantime. Try again."],
  rate_limited: ["A little slower", "That was too much in too short a time. Wait a moment and try again."],
  too_large: ["Too large", "The server does not take messages of that size."],
  unavailable: ["Not available", "The server cannot do this at the moment."],
  connection_lost: ["Connection lost", "The server cannot be reached. Check your network."],
  timeout: ["No answer", "The server did not answer in time."],
};

/** What the server says about why -> title, text. */
const REASONS = [
  [/^the meeting is suspended/, "The meeting is suspended", "Nothing goes on until a host resumes it."],
  [/^the meeting is locked/, "The meeting is locked", "Nobody else can come in now. Ask a host to unlock it, then try again."],
  [/^a host has muted you/, "A host keeps you muted", "Raise your hand to ask for the word."],
  [/^a host has stopped your screen share/, "You may not share now", "A host has stopped your screen share. Ask a host to allow it again."],
  [/^only hosts share/, "Only hosts share their screen here", "Ask a host to let you share."],
  [/^somebody else shares the screen/, "Somebody shares already", "One screen at a time: wait until that share ends."],
  [/^only a host |by hosts alone/, "Only a host can do that to a host", "Your role does not reach that far."],
  [/^a host removed you/, "You cannot come back", "A host removed you from this meeting."],
  [/^access was revoked/, "You were signed out", "Your access was withdrawn. Sign in again, or ask a host for a link."],
  [/^the meeting is not shared with you/, "Not shared with you any more", "Whoever it belongs to has withdrawn the meeting from you."],
  [/^the meeting was deleted/, "The meeting was deleted", "Whoever it belonged to has deleted it."],
  [/^the breakout rooms are closing/, "The rooms are closing", "Everybody comes back into the main room."],
  [/^you were not assigned to that room/, "That room is not yours", "Ask a host to send you there."],
  [/^no such breakout room/, "That room is closed", "Choose another one, or stay where you are."],
  [/^a client without signaling/, "A program cannot change rooms", "It stays in the main room."],
  [/^the invitation was revoked/, "This invitation is not valid any more", "A host withdrew it. Ask for a new link."],
  [/^the invitation is used up|^all seats of this invitation/, "This invitation is used up", "Ask a host for a link of your own."],
  [/^this personal invitation is in use/, "This link belongs to somebody else", "It is a personal link, and it is in use on another device. Ask a host for one of your own."],
  [/^the waiting room is full/, "Too many people wait already", "Try again in a moment."],
  [/^too many attempts to be let in/, "Too many attempts", "Wait a minute, then try again."],
  [/^the meeting is recorded already/, "It is recorded already", "Another host was faster."],
  [/^that recording is over/, "That recording is over", "Another one runs. Its mark above lets you agree to it."],
  [/^the meeting is not recorded/, "Nothing is recorded", "The recording has ended meanwhile."],
  [/cannot download recordings/, "Only a host’s invitation opens recordings", "You came by another one. Ask who opened the meeting."],
];

function reasonWords(detail) {
  const found = REASONS.find(([pattern]) => pattern.test(detail ?? ""));
  return found ? { title: found[1], text: found[2] } : null;
}

export const SUSPENDED_WORDS = reasonWords("the meeting is suspended");

const HELD = {
  microphone: { title: "A host keeps you muted", text: "Raise your hand to ask for the word. You are asked when you may unmute." },
  camera: { title: "A host keeps your camera off", text: "You are asked when you may turn it on again." },
  screen: { title: "You may not share now", text: "A host has stopped your screen share. Ask a host to allow it again." },
};

/** Why a source cannot be turned on while a host holds it. */
export const heldWords = (source) => HELD[source] ?? HELD.screen;

const MUTED = {
  microphone: { title: "A host muted you", text: "Unmute yourself when it is your turn." },
  camera: { title: "A host stopped your camera", text: "Turn it on again when you like." },
};

/** What a host did to one's own source, which one may undo. */
export const mutedWords = (source) => MUTED[source] ?? MUTED.camera;

const ASKED = {
  microphone: { title: "A host asks you to unmute", text: "Only you can turn your microphone on.", action: "Unmute", later: "Stay muted" },
  camera: { title: "A host asks you to turn your camera on", text: "Only you can do that.", action: "Turn camera on", later: "Not now" },
  screen: { title: "You may share your screen", text: "A host allows it.", action: "Share", later: "Not now" },
};

/** What the mark of a recording says where one is: {text, title}. */
export function recordingWords({ recording, self, place }) {
  const paused = recording.state === "paused";
  if (place.breakout_id !== null) {
    const title = paused ? "The recording is paused" : "The main room is being recorded";
    return { text: paused ? "Recording paused" : "Recording, not here", title: `${title}; breakout rooms never are` };
  }
  const mine = recording.recorded.includes(self.participant_id) ? "with you" : "without you";
  return { text: paused ? "Recording paused" : `Recording, ${mine}`, title: `${paused ? "The recording is paused" : "The meeting is being recorded"}, ${mine}` };
}

/** The question behind an `unmute.requested`: {title, text, action, later}. */
export const askedWords = (source) => ASKED[source] ?? ASKED.screen;

/** error: a SignalingError. */
export function refusalWords(error) {
  const known = reasonWords(error?.detail);
  if (known) return known;
  const [title, text] = REFUSALS[error?.code] ?? ["Something went wrong", error?.message ?? "Unknown error."];
  const reason = error?.detail && !["connection_lost", "timeout"].includes(error.code) ? ` (${error.detail})` : "";
  const incident = error?.incident ? ` Incident ${error.incident}.` : "";
  return { title, text: `${text}${reason}${incident}` };
}

/** Why one cannot get into a meeting. error: a SignalingError of hello, meeting.create or join. */
export function joinWords(error) {
  const detail = error?.detail ?? "";
  if (/expired/i.test(detail)) return { title: "This invitation has expired", text: "Ask the host for a new link." };
  const known = reasonWords(detail);
  if (known) return known;
  switch (error?.code) {
    case "unauthorized":
      return { title: "This invitation is not valid", text: `Ask the host for a new link.${detail ? ` (${detail})` : ""}` };
    case "too_large":
    case "rate_limited":
      if (error.code === "rate_limited") return { title: "Too many attempts", text: "Wait a minute, then try again." };
      return { title: "The meeting is full", text: "Nobody else can join until somebody leaves." };
    case "unavailable":
      return /full|limit|seats?/i.test(detail)
        ? { title: "The meeting is full", text: "Nobody else can join until somebody leaves." }
        : { title: "The server cannot take you in", text: detail || "Try again in a moment." };
    case "not_found":
      return { title: "The meeting has not started, or is over", text: "Wait for the host to open it, then try again." };
    case "forbidden":
    case "conflict":
      return /full|limit|seats?/i.test(detail)
        ? { title: "The meeting is full", text: "Nobody else can join until somebody leaves." }
        : { title: "You cannot join now", text: detail || "The host has not opened the meeting." };
    default:
      return refusalWords(error);
  }
}

/** Why the meeting is over for this page. */
export function endedWords({ code, detail }) {
  switch (code) {
    case "left":
      return { title: "You left the meeting", text: "You can join again while the meeting lasts." };
    case "meeting_ended":
    case "ended":
      return { title: "The meeting has ended", text: detail === "host" ? "The host ended it for everybody." : "Nobody is there any more." };
    case "replaced":
      return { title: "Continued elsewhere", text: "You joined this meeting from another tab or device." };
    case "lobby":
      return { title: "A host lets people in", text: "Join again and wait until one of them lets you in." };
    case "denied":
      return { title: "You were not let in", text: "A host did not let you into the meeting." };
    case "removed":
      return { title: "You were removed", text: "A host removed you from the meeting." };
    case "shutdown":
      return { title: "The server is going down", text: "Join again in a moment." };
    case "unauthorized":
    case "forbidden":
    case "conflict":
      return joinWords({ code, detail });
    case "rate_limited":
      return { title: "Disconnected", text: "This page sent too many requests. Wait a minute and join again." };
    default:
      return { title: "Connection lost", text: "The connection to the meeting could not be restored. Check your network and join again." };
  }
}

/** Why this browser cannot take part at all, or null. `scope` is the window. */
export function unsupportedWords(scope) {
  if (scope.isSecureContext === false) {
    return { title: "This page is not secure", text: "Browsers give camera and microphone to pages over https only. Open the address with https://." };
  }
  if (typeof scope.RTCPeerConnection !== "function" || typeof scope.WebSocket !== "function") {
    return { title: "This browser cannot join meetings", text: "It lacks WebRTC. Use a current Firefox, Chrome, Edge or Safari." };
  }
  return null;
}
