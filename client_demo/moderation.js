/** What hosts and co-hosts ask for about others and about the meeting. Each resolves with whether it was done. */

export class Moderation {
  #requests;

  constructor(requests) {
    this.#requests = requests;
  }

  #ask(type, fields = {}) {
    return this.#requests.attempt(() => this.#requests.send(type, fields));
  }

  mute(participant_id) {
    return this.#ask("participant.mute", { participant_id });
  }

  passHost(participant_id) {
    return this.#ask("host.pass", { participant_id });
  }

  remove(participant_id, ban) {
    return this.#ask("participant.remove", { participant_id, ban });
  }

  /** Without a guest everybody who waits is let in. */
  admit(guest_id = null) {
    return this.#ask("participant.admit", { guest_id });
  }

  deny(guest_id) {
    return this.#ask("lobby.deny", { guest_id });
  }

  /** Resolves with {token, path, expires_at_s}; rejects with a SignalingError. */
  invite(role, expires_in_s) {
    return this.#requests.send("invitation.create", { role, expires_in_s, shared: true });
  }
}
