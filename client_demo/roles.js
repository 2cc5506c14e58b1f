/** What a role lets the page offer. The server decides; this only keeps buttons away that would be refused. */

const RANK = { viewer: 0, participant: 1, "co-host": 2, host: 3 };

export const ROLES = ["viewer", "participant", "co-host", "host"];

export const ROLE_NAMES = { host: "Host", "co-host": "Co-host", participant: "Participant", viewer: "Viewer" };

export const ROLE_HINTS = {
  host: "Everything, and can end the meeting",
  "co-host": "Talks, shows, shares and invites",
  participant: "Talks, shows a picture, shares a screen",
  viewer: "Watches and listens, can raise a hand and react",
};

export const canPublish = (role) => RANK[role] >= RANK.participant;
export const canInvite = (role) => RANK[role] >= RANK["co-host"];
export const canModerate = (role) => RANK[role] >= RANK["co-host"];
export const isHost = (role) => role === "host";

/** Roles for which someone of `role` may write an invitation, the most usual first. */
export const invitableRoles = (role) =>
  ["participant", "viewer", "co-host", "host"].filter((other) => RANK[other] <= RANK[role]);
