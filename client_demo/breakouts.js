/** Breakout rooms: opening, entering, moving people, telling all rooms something, calling everybody back. */

/** What the server takes in a row from one connection without a pause, and then a second (PROTOCOL.md, section 9). */
const MOVES_AT_ONCE = 10;
const MOVES_PAUSE_MS = 250;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** What the server says of one who is not to be moved, while all others are. */
const STAYS = /^(no such participant|a client without signaling)/;

function passOver(error) {
  if (!STAYS.test(error.detail)) throw error;
}

/** Each resolves with whether it was done. */
export class Breakouts {
  #requests;

  constructor(requests) {
    this.#requests = requests;
  }

  #ask(type, fields) {
    return this.#requests.attempt(() => this.#requests.send(type, fields));
  }

  create(titles, self_choose) {
    return this.#ask("breakout.create", { titles, self_choose });
  }

  /** Go into a room; null leads back into the main room. */
  enter(breakout_id) {
    return this.#ask("breakout.enter", { breakout_id });
  }

  move(participant_id, breakout_id) {
    return this.#ask("breakout.manage", { participant_id, breakout_id });
  }

  /**
   * `moves`: list of [participant_id, breakout_id]. Who has gone or cannot change the room is passed over; any other refusal ends it.
   * `onprogress(done)` after each.
   */
  async moveAll(moves, onprogress = () => {}) {
    for (const [index, [participant_id, breakout_id]] of moves.entries()) {
      if (index >= MOVES_AT_ONCE) await sleep(MOVES_PAUSE_MS);
      const job = () => this.#requests.send("breakout.manage", { participant_id, breakout_id }).catch(passOver);
      if (!(await this.#requests.attempt(job))) return false;
      onprogress(index + 1);
    }
    return true;
  }

  announce(text) {
    return this.#ask("breakout.announce", { text });
  }

  /** Everybody comes back into the main room after `countdown_s` seconds; sent again it sets them anew. */
  close(countdown_s) {
    return this.#ask("breakout.close", { countdown_s });
  }
}

/**
 * Who goes where when `people` (participant ids) are spread evenly over `rooms` (breakout ids): [participant_id, breakout_id]
 * for each. `random()` gives numbers from 0 to below 1.
 */
export function spread(people, rooms, random = Math.random) {
  const shuffled = [...people];
  for (let last = shuffled.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    [shuffled[last], shuffled[other]] = [shuffled[other], shuffled[last]];
  }
  return rooms.length === 0 ? [] : shuffled.map((id, index) => [id, rooms[index % rooms.length]]);
}
