import assert from "node:assert/strict";
import { test } from "node:test";

import { MeetingInvitations } from "../../client_demo/meeting_invitations.js";

test("invitations are listed, made and revoked by requests of the protocol", async () => {
  const sent = [];
  const send = async (type, fields) => {
    sent.push({ type, ...fields });
    return { invitations: [{ jti: "j" }], path: "/#a.b.c" };
  };
  const desk = new MeetingInvitations({ send });
  assert.deepEqual(await desk.list(), [{ jti: "j" }]);
  assert.equal((await desk.create({ role: "viewer", shared: false, label: "Bob", expires_in_s: 3_600 })).path, "/#a.b.c");
  await desk.revoke("j", true);
  assert.deepEqual(sent, [
    { type: "invitation.list" },
    { type: "invitation.create", role: "viewer", shared: false, label: "Bob", expires_in_s: 3_600 },
    { type: "invitation.revoke", jti: "j", remove: true },
  ]);
});
