/** How an invitation reads in a list. Pure. */

import { ROLE_NAMES } from "./roles.js";

export const LIFETIMES = [
  [3_600, "One hour"],
  [86_400, "One day"],
  [7 * 86_400, "One week"],
  [30 * 86_400, "30 days"],
];
export const USUAL_LIFETIME_S = 86_400;

/** What was made for a day a moment ago lasts a day and not 23 hours. */
const ROUNDING_S = 59;

const UNITS = [
  [86_400, "day"],
  [3_600, "hour"],
  [60, "minute"],
];

/** "3 hours", "1 day": the largest unit that fits, rounded down; under a minute "less than a minute". */
export function spanWords(seconds) {
  const unit = UNITS.find(([length]) => seconds >= length);
  if (unit === undefined) return "less than a minute";
  const count = Math.floor(seconds / unit[0]);
  return `${count} ${unit[1]}${count === 1 ? "" : "s"}`;
}

export const isPersonal = (invitation) => invitation.seats === 1;

/** What to call it: its label, or what kind it is. */
export function nameOf(invitation) {
  return invitation.label || (isPersonal(invitation) ? "Personal link" : "Shareable link");
}

/** Its name for a sentence: "Bob’s personal link", "the personal link", "the shareable link “Newsletter”". */
export function phraseOf({ label, seats }) {
  if (seats === 1) return label ? `${label}’s personal link` : "a personal link";
  return label ? `the shareable link “${label}”` : "a shareable link";
}

/** {name, kind, role, facts: [texts], state: "good" | "revoked" | "spent" | "expired"}; `tried`: refused attempts from elsewhere. */
export function describe(invitation, nowS, tried = 0) {
  const { uses, max_uses, present, revoked, expires_at_s } = invitation;
  const left = expires_at_s - nowS;
  const spent = max_uses > 0 && uses >= max_uses;
  const facts = [
    present > 0 ? `${present} here now` : null,
    usesWords(uses, max_uses),
    revoked ? null : left > 0 ? `expires in ${spanWords(left + ROUNDING_S)}` : "expired",
    tried > 0 ? `refused ${tried === 1 ? "once" : `${tried} times`} on another device` : null,
  ];
  return {
    name: nameOf(invitation),
    kind: isPersonal(invitation) ? "Personal" : "Shareable",
    role: ROLE_NAMES[invitation.role],
    facts: facts.filter((fact) => fact !== null),
    state: revoked ? "revoked" : left <= 0 ? "expired" : spent ? "spent" : "good",
  };
}

function usesWords(uses, most) {
  const used = uses === 0 ? "not used yet" : uses === 1 ? "used once" : `used ${uses} times`;
  return most > 0 ? `${used} of ${most}` : used;
}

/** Those one can act on first, in each part the newest last made first. */
export function inOrder(invitations, nowS) {
  const idle = (invitation) => Number(invitation.revoked || invitation.expires_at_s <= nowS);
  return invitations.toReversed().sort((a, b) => idle(a) - idle(b));
}
