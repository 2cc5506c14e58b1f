/** Where the invitation of this tab comes from and where it is kept: fragment, then sessionStorage. Never in the address. */

import { storageOf } from "./storage.js";

const TOKEN_KEY = "conclave.invitation";
const TITLE_KEY = "conclave.title";
const SHARE_KEY = "conclave.share_path";

const tab = () => storageOf("sessionStorage");

/**
 * Split a fragment "#<token>&codec=json" into {token, registration, codec}. A token is base64url text with dots; "register=<token>" is
 * an administrator's leave to make an account.
 */
export function parseFragment(fragment) {
  const found = { token: null, registration: null, codec: null };
  for (const part of fragment.replace(/^#/, "").split("&")) {
    if (part === "codec=json" || part === "codec=msgpack") found.codec = part.slice(6);
    else if (part.startsWith("register=") && isToken(part.slice(9))) found.registration = part.slice(9);
    else if (isToken(part)) found.token = part;
  }
  return found;
}

const isToken = (text) => /^[\w-]+\.[\w-]+\.[\w-]+$/.test(text) && text.length <= 4096;

/** The role that a token claims, or null; the server checks it, this only spares a viewer the question for devices. */
export const roleOf = (token) => claimsOf(token).role ?? null;

/** The name that a personal invitation suggests for its owner, or null. */
export function guestNameOf(token) {
  const { name } = claimsOf(token);
  return typeof name === "string" ? name : null;
}

function claimsOf(token) {
  try {
    const payload = token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(payload), (character) => character.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes)) ?? {};
  } catch {
    return {};
  }
}

/** The token in what somebody pasted: a link with a fragment, or the bare token; null if there is none. */
export function tokenOf(text) {
  const trimmed = text.trim();
  if (isToken(trimmed)) return trimmed;
  const hash = trimmed.indexOf("#");
  return hash < 0 ? null : parseFragment(trimmed.slice(hash)).token;
}

/** Empty the address bar's fragment at once. Returns {token, registration, codec}, null what was not in it. */
export function takeFromAddress() {
  const found = parseFragment(location.hash);
  if (location.hash) history.replaceState(null, "", location.pathname);
  return found;
}

/** The invitation that this tab had before a reload, or null. */
export const keptToken = () => tab().getItem(TOKEN_KEY);

/** Keep {token, title, sharePath} for reloads of this tab. */
export function keep({ token, title = null, sharePath = null }) {
  tab().setItem(TOKEN_KEY, token);
  for (const [key, value] of [[TITLE_KEY, title], [SHARE_KEY, sharePath]]) {
    if (value === null) tab().removeItem(key);
    else tab().setItem(key, value);
  }
}

export const keptTitle = () => tab().getItem(TITLE_KEY);
export const keptSharePath = () => tab().getItem(SHARE_KEY);

export function forget() {
  for (const key of [TOKEN_KEY, TITLE_KEY, SHARE_KEY]) tab().removeItem(key);
}

/**
 * Ask the server for a new meeting. Resolves with {token, sharePath}: one's own host invitation and the path of the link for others.
 * Rejects with an Error whose message is for people.
 */
export async function startMeeting() {
  let response;
  try {
    response = await fetch("/api/v1/meetings", { method: "POST" });
  } catch {
    throw new Error("The server cannot be reached. Check your network.");
  }
  if (response.status === 401 || response.status === 403) {
    throw new Error("This server lets only its operators start meetings. Use an invitation link instead.");
  }
  if (response.status === 429) throw new Error("Too many new meetings from your network. Wait a minute, then try again.");
  if (!response.ok) throw new Error(`The server cannot start a meeting now (${response.status}).`);
  const { invitations } = await response.json();
  const of = (role) => invitations.find((invitation) => invitation.role === role);
  return { token: of("host").token, sharePath: of("participant")?.path ?? null };
}
