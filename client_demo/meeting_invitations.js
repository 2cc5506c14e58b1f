/** Invitations of the meeting one is in, for hosts and co-hosts. Each rejects with a SignalingError. */

export class MeetingInvitations {
  #requests;

  constructor(requests) {
    this.#requests = requests;
  }

  /** [{jti, role, seats, max_uses, uses, present, expires_at_s, label, revoked}] */
  async list() {
    return (await this.#requests.send("invitation.list", {})).invitations;
  }

  /** wish: {role, shared, label, expires_in_s}; resolves with {token, path, expires_at_s}. */
  create({ role, shared, label, expires_in_s }) {
    return this.#requests.send("invitation.create", { role, shared, label, expires_in_s });
  }

  /** With `remove` whoever came by it is removed too. */
  async revoke(jti, remove) {
    await this.#requests.send("invitation.revoke", { jti, remove });
  }
}
