/** What to say aloud about an event, for those who do not look at the screen. Pure. */

const NOTHING = {};

/**
 * `before` is the state before the event. Returns {say?, notice?}: a sentence for screen readers, and {title, text} for
 * everybody's eyes.
 */
export function narrate(before, event) {
  return TOLD[event.type]?.(before, event) ?? NOTHING;
}

const nameOf = (state, id) => state.participants[id]?.display_name ?? "Somebody";

const ASKED = { microphone: "unmute your microphone", camera: "turn your camera on" };

const TOLD = {
  "participant.joined": (before, { participant }) =>
    participant.participant_id === before.self.participant_id ? NOTHING : { say: `${participant.display_name} joined` },
  "participant.left": (before, { participant_id }) =>
    participant_id === before.self.participant_id ? NOTHING : { say: `${nameOf(before, participant_id)} left` },
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
  "lobby.changed": (before, { guests }) =>
    guests.length > before.lobby.length
      ? { notice: { title: `${guests.at(-1).display_name} waits to be let in`, text: "Open the people panel to answer." } }
      : NOTHING,
  "unmute.requested": (_, { source }) => ({ notice: { title: `A host asks you to ${ASKED[source] ?? "go on"}`, text: "Only you can do that." } }),
  reaction: (before, { participant_id, reaction }) => ({ say: `${nameOf(before, participant_id)} reacts ${reaction}` }),
};

function tellChange(before, { participant }) {
  const id = participant.participant_id;
  const old = before.participants[id];
  const mine = id === before.self.participant_id;
  if (!old) return NOTHING;
  if (participant.role === "host" && old.role !== "host") {
    return { notice: { title: mine ? "You are the host now" : `${participant.display_name} is the host now`, text: "" } };
  }
  if (!mine && participant.hand_raised !== old.hand_raised) {
    return { say: `${participant.display_name} ${participant.hand_raised ? "raised" : "lowered"} a hand` };
  }
  if (!mine && participant.connected !== old.connected) {
    return { say: `${participant.display_name} ${participant.connected ? "is back" : "lost the connection"}` };
  }
  return NOTHING;
}
