/** Clear words for what goes wrong with accounts: {title, text} from an AccountError. Pure. */

import { refusalWords } from "./words.js";

const clock = (ms) => new Date(ms).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
const minutes = (seconds) => (seconds < 90 ? "a minute" : `${Math.ceil(seconds / 60)} minutes`);

const sentence = (detail) => (detail ? `${detail[0].toLocaleUpperCase()}${detail.slice(1)}${/[.!?]$/.test(detail) ? "" : "."}` : "");

/** What is the same whatever one does: no connection, too much, no server. Null for the rest. */
function common(error) {
  switch (error?.code) {
    case "connection_lost":
      return { title: "The server cannot be reached", text: "Check your network, then try again." };
    case "timeout":
      return { title: "The server does not answer", text: "Try again in a moment." };
    case "unavailable":
      return { title: "The server cannot do this now", text: `Try again in a moment.${error.incident ? ` Incident ${error.incident}.` : ""}` };
    default:
      return null;
  }
}

/**
 * Why one is not signed in. The server gives one answer for a wrong password and for a locked name, lest a guesser learn more;
 * `lockedUntilMs` is what this page has counted itself, or null.
 */
export function signInWords(error, about, lockedUntilMs = null) {
  const lock = about ? minutes(about.lock_s) : "a while";
  if (error?.code === "rate_limited") {
    return { title: "Too many attempts from your network", text: `Wait ${lock}, then try again.` };
  }
  if (error?.code !== "unauthorized") return common(error) ?? refusalWords(error);
  if (lockedUntilMs !== null) {
    return {
      title: `This name is locked until ${clock(lockedUntilMs)}`,
      text: `There were ${about?.lock_failures ?? "too many"} wrong attempts. Until then even the right password is refused.`,
    };
  }
  const rule = about ? ` After ${about.lock_failures} wrong attempts a name is locked for ${lock}.` : "";
  return { title: "Name or password is wrong", text: `Check both and try again.${rule}` };
}

export function registerWords(error) {
  switch (error?.code) {
    case "conflict":
      return { title: "This name is taken", text: "Choose another one." };
    case "forbidden":
      return { title: "This server makes no accounts for everybody", text: "Ask an administrator for a link to register with." };
    case "unauthorized":
      return { title: "This link to register is not good any more", text: "It is for one account and for a limited time. Ask an administrator for a new one." };
    case "rate_limited":
      return { title: "Too many new accounts from your network", text: "Wait an hour, then try again." };
    case "invalid":
      return { title: "That does not fit yet", text: sentence(error.detail) };
    default:
      return common(error) ?? refusalWords(error);
  }
}

export function passwordWords(error, about) {
  if (error?.code === "forbidden") {
    const rule = about ? ` After ${about.lock_failures} wrong attempts your name is locked for ${minutes(about.lock_s)}.` : "";
    return { title: "The current password is wrong", text: `Nothing has changed.${rule}` };
  }
  if (error?.code === "invalid") return { title: "The new password does not fit yet", text: sentence(error.detail) };
  if (error?.code === "rate_limited") return signInWords(error, about);
  return actionWords(error);
}

/** For everything else that one who is signed in does. */
export function actionWords(error) {
  if (error?.status === 401) return { title: "You are signed out", text: "Your session is over. Sign in again." };
  switch (error?.code) {
    case "unauthorized":
    case "forbidden":
      return { title: "Not allowed for your account", text: sentence(error.detail) };
    case "not_found":
      return { title: "Not there any more", text: sentence(error.detail) };
    case "conflict":
    case "invalid":
      return { title: "That is not possible", text: sentence(error.detail) };
    case "rate_limited":
      return { title: "A little slower", text: "That was too much in too short a time. Wait a moment and try again." };
    default:
      return common(error) ?? refusalWords(error);
  }
}

export function shareWords(error, username) {
  if (error?.code === "not_found") return { title: "No such account", text: `Nobody here is called “${username}”. People find their name in the menu of their account.` };
  if (error?.code === "conflict") return { title: "Already theirs", text: sentence(error.detail) };
  return actionWords(error);
}

/** Counts wrong passwords per name as the server does, to say until when a name is locked. */
export class FailureCount {
  #byName = new Map();
  #now;

  constructor(now = Date.now) {
    this.#now = now;
  }

  /** A wrong password for `name`; returns until when (Unix ms) it must be locked by now, or null. */
  fail(name, about) {
    if (!about) return null;
    const now = this.#now();
    const key = name.trim().toLocaleLowerCase();
    const known = this.#byName.get(key);
    if (known?.lockedUntilMs > now) return known.lockedUntilMs;
    const spanMs = about.lock_s * 1_000;
    const current = known && !known.lockedUntilMs && now < known.sinceMs + spanMs ? known : { failures: 0, sinceMs: now, lockedUntilMs: null };
    current.failures += 1;
    if (current.failures >= about.lock_failures) current.lockedUntilMs = now + spanMs;
    this.#byName.set(key, current);
    return current.lockedUntilMs;
  }

  succeed(name) {
    this.#byName.delete(name.trim().toLocaleLowerCase());
  }
}
