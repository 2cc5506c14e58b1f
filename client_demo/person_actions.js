/** What one may do to somebody in the meeting, by one's role and how that person stands. Pure. */

import { ROLES, ROLE_NAMES, canPublish, isHost, may, ranksWith } from "./roles.js";
import { isHeld, isSuspended, trackOf } from "./store.js";

/**
 * Entries in the order of a menu: {title} heads a group; {label, icon, run, danger?, confirm?} is an action, where `run` is
 * [method of Moderation, ...arguments] and `confirm` {title, text, action} is asked first.
 */
export function personActions(state, id) {
  const { self, participants } = state;
  const person = participants[id];
  if (!person || id === self.participant_id) return [];
  if (isHost(person.role) && !isHost(self.role)) return [];
  const groups = [
    may(self.role, "participant.mute") && canPublish(person.role) ? mediaActions(state, person) : [],
    may(self.role, "screen_share.control") && canPublish(person.role) ? shareActions(state, person) : [],
    may(self.role, "meeting.modify") ? roleActions(person) : [],
    may(self.role, "participant.remove") ? removals(person) : [],
  ];
  return groups.flat();
}

const MEDIA = {
  microphone: { icon: "mic", off: "Mute", hold: "Keep muted", allow: "Allow to unmute", ask: "Ask to unmute" },
  camera: { icon: "camera", off: "Stop video", hold: "Keep video off", allow: "Allow video", ask: "Ask to start video" },
};

function mediaActions(state, { participant_id }) {
  return Object.entries(MEDIA).flatMap(([source, words]) => {
    const track = trackOf(state, participant_id, source);
    const on = track !== undefined && !track.muted;
    const held = isHeld(state, participant_id, source);
    const frozen = isSuspended(state);
    const to = (label, icon, ...run) => ({ label, icon, run });
    return [
      on ? to(words.off, `${words.icon}-off`, "mute", participant_id, source, false) : null,
      held ? null : to(words.hold, "lock", "mute", participant_id, source, true),
      held && !frozen ? to(words.allow, words.icon, "allow", participant_id, source) : null,
      !held && !on && !frozen ? to(words.ask, words.icon, "allow", participant_id, source) : null,
    ].filter(Boolean);
  });
}

function shareActions(state, { participant_id, role }) {
  const share = (label, allowed) => ({ label, icon: allowed ? "screen" : "screen-stop", run: ["share", participant_id, allowed] });
  if (isHeld(state, participant_id, "screen")) return [share("Allow screen share", true)];
  if (trackOf(state, participant_id, "screen")) return [share("Stop screen share", false)];
  const hostsOnly = state.meeting.settings.screen_share === "hosts" && !ranksWith(role, "co-host");
  return hostsOnly ? [share("Let share the screen", true)] : [share("Forbid screen share", false)];
}

function roleActions({ participant_id, display_name, role }) {
  const promote = ROLES.filter((other) => other !== role && other !== "host").map((other) => ({
    label: `Make ${ROLE_NAMES[other].toLowerCase()}`,
    icon: ranksWith(other, role) ? "up" : "down",
    run: ["setRole", participant_id, other],
    confirm: other === "viewer" ? viewerWords(display_name) : undefined,
  }));
  const host = isHost(role)
    ? []
    : [
        { label: "Make host too", icon: "crown", run: ["setRole", participant_id, "host"], confirm: secondHostWords(display_name) },
        { label: "Hand over as host", icon: "crown", run: ["passHost", participant_id], confirm: handOverWords(display_name) },
      ];
  return [{ title: `Role: ${ROLE_NAMES[role]}` }, ...promote.reverse(), ...host];
}

const viewerWords = (name) => ({
  title: `Make ${name} a viewer?`,
  text: `${name} is no longer heard or seen, and only watches.`,
  action: "Make viewer",
});
const secondHostWords = (name) => ({
  title: `Make ${name} host too?`,
  text: `${name} can then do all that you can: remove people, suspend and end the meeting.`,
  action: "Make host",
});
const handOverWords = (name) => ({
  title: `Make ${name} the host?`,
  text: `${name} can then end the meeting and choose another host. You become co-host.`,
  action: "Hand over",
});

function removals({ participant_id, display_name }) {
  const remove = (label, text, ban) => ({
    label,
    icon: ban ? "ban" : "door",
    danger: true,
    run: ["remove", participant_id, ban],
    confirm: { title: `${ban ? "Remove and ban" : "Remove"} ${display_name}?`, text, action: ban ? "Remove and ban" : "Remove" },
  });
  return [
    { title: "" },
    remove("Remove from the meeting", "A personal link is used up by that; with a link that is meant for several people they can come back.", false),
    remove("Remove and ban", "The link, the device and the network they came with are refused from now on, for everybody who uses them.", true),
  ];
}
