/** What to say aloud about an event, for those who do not look at the screen. Pure. */

import { phraseOf } from "./invitation_list.js";
import { ROLE_HINTS, ROLE_NAMES, may } from "./roles.js";

const NOTHING = {};

/**
 * `before` is the state before the event. Returns {say?, notice?}: a sentence for screen readers, and {title, text} for
 * everybody's eyes, with `tone` where it is no mere news, and `jti` of an invitation to act on.
 */
export function narrate(before, event) {
  return TOLD[event.type]?.(before, event) ?? NOTHING;
}

const nameOf = (state, id) => state.participants[id]?.display_name ?? "Somebody";

const TOLD = {
  "participant.joined": (before, { participant }) =>
    participant.participant_id === before.self.participant_id ? NOTHING : { say: `${participant.display_name} joined` },
  "participant.left": (before, { participant_id, reason }) =>
    participant_id === before.self.participant_id || reason === "hidden"
      ? NOTHING
      : { say: `${nameOf(before, participant_id)} ${reason === "moved" ? "went into another room" : "left"}` },
  "participants.moved": tellArrivals,
  "breakouts.changed": tellRooms,
  "breakout.entered": (_, { breakout_id, snapshot }) =>
    breakout_id === null
      ? { notice: { title: "You are back in the main room", text: "" } }
      : { notice: { title: `You are in ${roomTitle(snapshot.breakouts, breakout_id)}`, text: "Only those in this room hear and see you." } },
  "breakout.announced": (_, { text, display_name }) => ({ notice: { title: `${display_name} to all rooms`, text } }),
  "participant.changed": tellChange,
  "track.published": (before, { track }) =>
    track.source === "screen" && track.participant_id !== before.self.participant_id
      ? { say: `${nameOf(before, track.participant_id)} shares the screen` }
      : NOTHING,
  "track.unpublished": (before, { track_id }) => {
    const track = before.tracks[track_id];
    return track?.source === "screen" && track.participant_id !== before.self.participant_id
      ? { say: `${nameOf(before, track.participant_id)} stopped sharing` }
      : NOTHING;
  },
  "lobby.changed": tellGuests,
  "invitation.reused": (_, { jti, label }) => ({
    notice: {
      tone: "warning",
      title: `Somebody tried to use ${phraseOf({ label, seats: 1 })} from another device`,
      text: "They were refused. If the link got into wrong hands, revoke it.",
      jti,
      label,
    },
  }),
  "meeting.changed": tellMeeting,
  "recording.changed": tellRecording,
  reaction: (before, { participant_id, reaction }) => ({ say: `${nameOf(before, participant_id)} reacts ${reaction}` }),
};

/** One who knocks again, with a name or a reason, is said as well; nobody hears a sound. */
function tellGuests(before, { guests }) {
  const known = new Map(before.lobby.map((guest) => [guest.guest_id, guest]));
  const fresh = guests.filter((guest) => !known.has(guest.guest_id));
  if (fresh.length > 1) return { say: `${fresh.length} people wait to be let in` };
  if (fresh.length === 1) return { say: `${fresh[0].display_name} waits to be let in` };
  const told = guests.find((guest) => guest.reason && guest.reason !== known.get(guest.guest_id).reason);
  return told ? { say: `${told.display_name}, who waits, says: ${told.reason}` } : NOTHING;
}

const STATES = {
  suspended: "The meeting is suspended. Nobody is heard or seen",
  locked: "The meeting is locked. Nobody else can come in",
  active: "The meeting is open again",
};

function tellMeeting({ meeting }, { state }) {
  if (!state || state === meeting.state) return NOTHING;
  const resumed = meeting.state === "suspended" ? "The meeting goes on" : null;
  return { say: resumed ?? STATES[state] };
}

function tellRecording({ recording }, { recording: now }) {
  if (now.state === recording.state) return NOTHING;
  if (now.state === "off") return { say: "The recording has ended" };
  if (now.state === "paused") return { say: "The recording is paused" };
  return { say: recording.state === "paused" ? "The recording goes on" : "The meeting is being recorded" };
}

function roomTitle(rooms, breakout_id) {
  return rooms.find((room) => room.breakout_id === breakout_id)?.title ?? "another room";
}

function tellArrivals(before, { participants }) {
  const here = participants.filter(
    ({ participant_id, breakout_id }) => (breakout_id ?? null) === before.place.breakout_id && participant_id !== before.self.participant_id,
  );
  if (here.length === 0) return NOTHING;
  return { say: here.length > 3 ? `${here.length} people came in` : here.map(({ display_name }) => `${display_name} came in`).join(", ") };
}

function tellRooms(before, { breakouts, self_choose, closes_in_s }) {
  const { rooms, closes_in_s: closing } = before.breakouts;
  if (breakouts.length === 0) return rooms.length > 0 ? { notice: { title: "The breakout rooms are closed", text: "" } } : NOTHING;
  if (closes_in_s !== null && closes_in_s !== undefined && closing === null) {
    return { say: `The breakout rooms close in ${closes_in_s} seconds` };
  }
  if (rooms.length === 0 && !may(before.self.role, "breakout_rooms.manage")) {
    return { notice: { title: "Breakout rooms are open", text: self_choose ? "Choose one in the rooms panel." : "A host sends you into one." } };
  }
  return NOTHING;
}

function tellChange(before, { participant }) {
  const id = participant.participant_id;
  const old = before.participants[id];
  const mine = id === before.self.participant_id;
  if (!old) return NOTHING;
  if (participant.role === "host" && old.role !== "host") {
    return { notice: { title: mine ? "You are the host now" : `${participant.display_name} is the host now`, text: "" } };
  }
  if (mine && participant.role !== old.role) {
    return { notice: { title: `You are ${ROLE_NAMES[participant.role].toLowerCase()} now`, text: ROLE_HINTS[participant.role] } };
  }
  if (mine && old.held?.includes("screen") && !participant.held?.includes("screen")) {
    return { notice: { title: "You may share your screen again", text: "" } };
  }
  if (!mine && participant.hand_raised !== old.hand_raised) {
    return { say: `${participant.display_name} ${participant.hand_raised ? "raised" : "lowered"} a hand` };
  }
  if (!mine && participant.connected !== old.connected) {
    return { say: `${participant.display_name} ${participant.connected ? "is back" : "lost the connection"}` };
  }
  return NOTHING;
}
