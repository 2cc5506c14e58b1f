/** What hosts and co-hosts ask for about others and about the meeting. Each resolves with whether it was done. */

const RELEASE_BURST = 10;
const RELEASE_EVERY_MS = 250;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class Moderation {
  #requests;

  constructor(requests) {
    this.#requests = requests;
  }

  #ask(type, fields = {}) {
    return this.#requests.attempt(() => this.#requests.send(type, fields));
  }

  /** `hard`: until a host allows it again. */
  mute(participant_id, source, hard = false) {
    return this.#ask("participant.mute", { participant_id, source, hard });
  }

  /** Everybody but hosts and co-hosts. */
  muteAll(source, hard = false) {
    return this.#ask("participants.mute", { source, hard });
  }

  /** Lift a hard mute and ask the person to turn `source` on. */
  allow(participant_id, source) {
    return this.#ask("participant.allow_unmute", { participant_id, source });
  }

  /** The same for many; no faster than the server takes requests. */
  async allowAll(participantIds, source) {
    for (const [index, id] of participantIds.entries()) {
      if (index >= RELEASE_BURST) await sleep(RELEASE_EVERY_MS);
      if (!(await this.allow(id, source))) return false;
    }
    return true;
  }

  /** Stop somebody's screen share and forbid another, or allow it again. */
  share(participant_id, allowed) {
    return this.#ask("screen_share.control", { participant_id, allowed });
  }

  setRole(participant_id, role) {
    return this.#ask("participant.set_role", { participant_id, role });
  }

  passHost(participant_id) {
    return this.#ask("host.pass", { participant_id });
  }

  remove(participant_id, ban = false) {
    return this.#ask("participant.remove", { participant_id, ban });
  }

  /** Without a guest everybody who waits is let in. */
  admit(guest_id = null) {
    return this.#ask("participant.admit", { guest_id });
  }

  /** `block`: the guest cannot come back. */
  deny(guest_id, block = false) {
    return this.#ask("lobby.deny", { guest_id, block });
  }

  lock(locked) {
    return this.#ask("meeting.lock", { locked });
  }

  suspend() {
    return this.#ask("meeting.suspend");
  }

  resume() {
    return this.#ask("meeting.resume");
  }

  /** changes: those of title, screen_share, chat, unmute, roster, waiting_room, admit_personal that are to be so. */
  change(changes) {
    return this.#ask("meeting.modify", changes);
  }
}
