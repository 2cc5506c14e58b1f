/** What a role lets the page offer. The server decides; this only keeps buttons away that would be refused. */

export const ROLES = ["viewer", "participant", "co-host", "host"];

export const ROLE_NAMES = { host: "Host", "co-host": "Co-host", participant: "Participant", viewer: "Viewer" };

export const ROLE_HINTS = {
  host: "Everything, and can end the meeting",
  "co-host": "Also lets people in, mutes, records and moves people between rooms",
  participant: "Talks, shows a picture, shares a screen",
  viewer: "Watches and listens, can raise a hand and react",
};

/** What each role has that the role under it has not, as in the server's table. */
const ADDS = {
  viewer: ["session.use", "meeting.attend", "media.receive", "chat.send", "reactions.send", "hand.raise"],
  participant: ["media.publish", "audio.toggle", "video.toggle", "screen_share.start"],
  "co-host": ["participant.admit", "participant.mute", "recording.start", "recording.stop", "screen_share.control", "breakout_rooms.manage"],
  host: ["meeting.create", "meeting.delete", "meeting.modify", "participant.remove", "recording.download", "breakout_rooms.create"],
};

/** Role -> every permission that it holds. */
export const GRANTS = Object.freeze(
  Object.fromEntries(ROLES.map((role, rank) => [role, new Set(ROLES.slice(0, rank + 1).flatMap((lower) => ADDS[lower]))])),
);

export const may = (role, permission) => GRANTS[role]?.has(permission) ?? false;

/** Whether `role` stands at least as high on the ladder as `other`. */
export const ranksWith = (role, other) => ROLES.indexOf(role) >= ROLES.indexOf(other);

export const canPublish = (role) => may(role, "media.publish");
export const canInvite = (role) => may(role, "participant.admit");
export const canModerate = (role) => may(role, "participant.mute");
export const isHost = (role) => role === "host";

/** Roles for which someone of `role` may write an invitation, the most usual first. */
export const invitableRoles = (role) => ["participant", "viewer", "co-host", "host"].filter((other) => ranksWith(role, other));
