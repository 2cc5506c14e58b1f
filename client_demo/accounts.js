/**
 * Accounts over HTTP: who is signed in, and the meetings of the one who is. Knows no page.
 *
 * The session is a cookie that no script can read; beside it this keeps the CSRF token and the access token in memory alone.
 * `storage` holds the public id of the sign-in, so that guests are not asked about and other tabs notice a change.
 *
 * Fires "changed" {user, reason}: reason is "signed_in", "signed_out" or "expired".
 */

import { storageOf } from "./storage.js";

const HINT = "conclave.account";
const TIMEOUT_MS = 15_000;
/** An access token that is good for less is exchanged. */
const SPARE_MS = 60_000;
const GUEST = Object.freeze({ user: null, csrf: null, signInId: null });

/** `code` is one of the server's stable codes, or "connection_lost", "timeout". `status` is 0 when there was no answer. */
export class AccountError extends Error {
  constructor(code, detail, { status = 0, incident = null } = {}) {
    super(`${code}: ${detail}`);
    this.name = "AccountError";
    this.code = code;
    this.detail = detail;
    this.status = status;
    this.incident = incident;
  }
}

export class Accounts extends EventTarget {
  #fetch;
  #storage;
  #now;
  #session = GUEST;
  /** {token, untilMs} or null. */
  #access = null;
  #ready = null;
  #about = null;

  constructor({ fetch = (...request) => globalThis.fetch(...request), storage = storageOf("localStorage"), now = Date.now } = {}) {
    super();
    this.#fetch = fetch;
    this.#storage = storage;
    this.#now = now;
  }

  /** {user_id, username, email, role, permissions, ...} or null. */
  get user() {
    return this.#session.user;
  }

  /** What the server offers to newcomers: {registration, open_creation, lock_failures, lock_s}; null before `begin`, or if it did not say. */
  get about() {
    return this.#about;
  }

  may(permission) {
    return this.user?.permissions.includes(permission) ?? false;
  }

  /** Find out who is signed in and what the server offers; resolves in any case, and asks once. */
  begin() {
    this.#ready ??= Promise.all([this.restore(), this.#learn()]);
    return this.#ready;
  }

  /** Take up the session of this browser, if there is one. */
  async restore() {
    if (this.#hint() === null) {
      this.#forget("signed_out");
      return;
    }
    try {
      const session = await this.#request("GET", "/auth/session");
      this.#enter({ ...session, access_token: null });
    } catch (error) {
      if (error.status === 401) this.#forget("expired");
    }
  }

  /** Another tab signed in or out: `key` is of a storage event. */
  async storageChanged(key) {
    if (key === HINT && this.#hint() !== this.#session.signInId) await this.restore();
  }

  async #learn() {
    try {
      this.#about = await this.#request("GET", "/about");
    } catch {
      this.#about = null;
    }
  }

  // --- the session -----------------------------------------------------------------------------------------------

  /** Rejects with an AccountError, as everything below. */
  async signIn(username, password) {
    this.#enter(await this.#request("POST", "/auth/login", { username, password, browser: true }, { guest: true }));
  }

  /** Make an account and sign in with it. `registration` is the token of an administrator's link, or null. */
  async register({ username, password, email = "", registration = null }) {
    await this.#request("POST", "/auth/register", { username, password, email, registration }, { guest: true });
    await this.signIn(username, password);
  }

  async signOut() {
    await this.#leave("/auth/logout");
  }

  async signOutEverywhere() {
    await this.#leave("/auth/logout-all");
  }

  /** All other sign-ins end. */
  async changePassword(current_password, new_password) {
    this.#enter(await this.#request("POST", "/auth/password", { current_password, new_password }));
  }

  /** Where one is signed in: [{sign_in_id, kind, created_at_s, used_at_s, current}]. */
  async signIns() {
    return (await this.#request("GET", "/me/sign-ins")).sign_ins;
  }

  async endSignIn(signInId) {
    await this.#request("DELETE", `/me/sign-ins/${signInId}`);
  }

  /** What `hello` says about the account: {access_token}, or nothing for a guest. */
  async identity() {
    await this.begin();
    if (this.user === null) return {};
    try {
      return { access_token: await this.#accessToken() };
    } catch (error) {
      if (error.status === 401) return {};
      throw error;
    }
  }

  async #accessToken() {
    if (this.#access === null || this.#access.untilMs - this.#now() < SPARE_MS) {
      this.#keepAccess(await this.#request("POST", "/auth/token"));
    }
    return this.#access.token;
  }

  // --- meetings of the account -----------------------------------------------------------------------------------

  /** [{meeting_id, title, owner, owned, role, created_at_s, present}], the newest first. */
  async meetings() {
    return (await this.#request("GET", "/me/meetings")).meetings;
  }

  createMeeting(title) {
    return this.#request("POST", "/me/meetings", { title });
  }

  deleteMeeting(meetingId) {
    return this.#request("DELETE", `/meetings/${meetingId}`);
  }

  /** An invitation of one's own, with which one goes in: {role, token, path, expires_at_s}. */
  enter(meetingId) {
    return this.#request("POST", `/meetings/${meetingId}/link`);
  }

  /** [{user_id, username, role}] */
  async shares(meetingId) {
    return (await this.#request("GET", `/meetings/${meetingId}/shares`)).shares;
  }

  share(meetingId, username, role) {
    return this.#request("POST", `/meetings/${meetingId}/shares`, { username, role });
  }

  unshare(meetingId, userId) {
    return this.#request("DELETE", `/meetings/${meetingId}/shares/${userId}`);
  }

  /** [{jti, role, seats, max_uses, uses, present, expires_at_s, label, revoked}] */
  async invitations(meetingId) {
    return (await this.#request("GET", `/meetings/${meetingId}/invitations`)).invitations;
  }

  /** wish: {role, shared, label, expires_in_s}; resolves with {jti, token, path, expires_at_s}. */
  invite(meetingId, wish) {
    return this.#request("POST", `/meetings/${meetingId}/invitations`, wish);
  }

  revokeInvitation(meetingId, jti, remove) {
    return this.#request("POST", `/meetings/${meetingId}/invitations/${jti}/revoke`, { remove });
  }

  /** For administrators: {token, role, expires_at_s} with which somebody makes an account. */
  inviteUser(role) {
    return this.#request("POST", "/registrations", { role });
  }

  // --- how it is asked -------------------------------------------------------------------------------------------

  /** `guest`: nobody need be signed in, so that a 401 is about the request and not about the session. */
  async #request(method, path, body, { guest = false } = {}) {
    const response = await this.#send(method, path, body);
    if (response.ok) return response.status === 204 ? null : response.json();
    const error = await errorOf(response);
    if (response.status === 401 && !guest && this.user !== null) this.#forget("expired");
    throw error;
  }

  async #send(method, path, body) {
    const headers = {};
    if (body !== undefined) headers["Content-Type"] = "application/json";
    if (method !== "GET" && this.#session.csrf !== null) headers["X-CSRF-Token"] = this.#session.csrf;
    try {
      return await this.#fetch(`/api/v1${path}`, {
        method,
        headers,
        body: body === undefined ? undefined : JSON.stringify(body),
        credentials: "same-origin",
        cache: "no-store",
        redirect: "error",
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
    } catch (error) {
      if (error?.name === "TimeoutError") throw new AccountError("timeout", `no answer to ${method} ${path}`);
      throw new AccountError("connection_lost", "the server could not be reached");
    }
  }

  /** Signed out here in any case: who presses the button must not stay signed in because the session was over already. */
  async #leave(path) {
    try {
      await this.#request("POST", path, undefined, { guest: true });
    } catch (error) {
      if (error.status !== 401) throw error;
    }
    this.#forget("signed_out");
  }

  #enter({ user, sign_in_id, csrf_token, access_token = null, expires_in_s = 0 }) {
    const others = this.user?.user_id !== user.user_id;
    if (sign_in_id !== this.#session.signInId) this.#access = null;
    this.#session = { user, csrf: csrf_token, signInId: sign_in_id };
    if (access_token !== null) this.#keepAccess({ access_token, expires_in_s });
    this.#keepHint(sign_in_id);
    if (others) this.#tell("signed_in");
  }

  #keepAccess({ access_token, expires_in_s }) {
    this.#access = { token: access_token, untilMs: this.#now() + expires_in_s * 1_000 };
  }

  #forget(reason) {
    const was = this.user;
    this.#session = GUEST;
    this.#access = null;
    this.#keepHint(null);
    if (was !== null) this.#tell(reason);
  }

  #tell(reason) {
    this.dispatchEvent(new CustomEvent("changed", { detail: { user: this.user, reason } }));
  }

  #hint() {
    try {
      return this.#storage.getItem(HINT);
    } catch {
      return null;
    }
  }

  #keepHint(signInId) {
    try {
      if (signInId === null) this.#storage.removeItem(HINT);
      else this.#storage.setItem(HINT, signInId);
    } catch {
      /* A browser that keeps nothing asks again after a reload. */
    }
  }
}

async function errorOf(response) {
  const about = { status: response.status };
  try {
    const { code, detail, incident = null } = await response.json();
    if (typeof code === "string") return new AccountError(code, String(detail ?? ""), { ...about, incident });
  } catch {
    return new AccountError("unavailable", `status ${response.status}`, about);
  }
  return new AccountError("unavailable", `status ${response.status}`, about);
}
