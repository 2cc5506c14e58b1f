/** What the code of a refusal or of a closed connection means for the seat. */

/** Losses after which coming back by itself would be wrong. */
export const FINAL = new Set(["replaced", "removed", "denied", "ended", "unauthorized", "forbidden", "rate_limited", "too_large", "invalid"]);
/** Refusals of a new seat that may pass, as a host takes a moment to open the meeting again. */
export const PASSING = new Set(["connection_lost", "timeout", "unavailable", "not_found"]);
/** Refusals after which asking again in a moment helps. */
export const STALLING = new Set(["rate_limited", "timeout", "unavailable"]);
/** Refusals of what one turns on, after which it must be off. */
export const HELD = new Set(["forbidden", "unauthorized"]);
