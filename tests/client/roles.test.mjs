import assert from "node:assert/strict";
import { test } from "node:test";

import { canInvite, canPublish, invitableRoles, isHost, may, ranksWith } from "../../client_demo/roles.js";

test("viewers neither publish nor invite", () => {
  assert.equal(canPublish("viewer"), false);
  assert.equal(canInvite("viewer"), false);
  assert.deepEqual(["participant", "co-host", "host"].map(canPublish), [true, true, true]);
});

test("nobody is offered to invite above their own role", () => {
  assert.deepEqual(invitableRoles("co-host"), ["participant", "viewer", "co-host"]);
  assert.deepEqual(invitableRoles("host"), ["participant", "viewer", "co-host", "host"]);
});

test("an unknown role may do nothing", () => {
  assert.deepEqual([canPublish("king"), canInvite("king"), isHost("king"), may("king", "meeting.attend")], [false, false, false, false]);
  assert.equal(ranksWith("king", "viewer"), false);
});
