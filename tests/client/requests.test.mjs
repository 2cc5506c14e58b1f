import assert from "node:assert/strict";
import { test } from "node:test";

import { SignalingError } from "../../client_demo/protocol.js";
import { Requests } from "../../client_demo/requests.js";

function make() {
  const requests = new Requests({ request: async () => ({}) });
  const notices = [];
  requests.addEventListener("notice", ({ detail }) => notices.push(detail));
  const failing = (code) => async () => {
    throw new SignalingError(code, "");
  };
  return { requests, notices, failing };
}

test("what was done is not spoken of", async () => {
  const { requests, notices } = make();
  assert.equal(await requests.attempt(() => requests.send("x", {})), true);
  assert.deepEqual(notices, []);
});

test("a refusal is told, and undone only where it means that one may not", async () => {
  const { requests, notices, failing } = make();
  const undone = [];
  for (const code of ["forbidden", "unauthorized", "rate_limited"]) {
    assert.equal(await requests.attempt(failing(code), { refused: () => undone.push(code) }), false);
  }
  assert.deepEqual(undone, ["forbidden", "unauthorized"]);
  assert.equal(notices.length, 3);
});

test("a lost connection needs no words for what is sent again", async () => {
  const { requests, notices, failing } = make();
  await requests.attempt(failing("connection_lost"), { resent: true });
  assert.deepEqual(notices, []);
  await requests.attempt(failing("connection_lost"));
  assert.equal(notices.length, 1);
});
