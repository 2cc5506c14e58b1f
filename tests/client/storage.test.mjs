import assert from "node:assert/strict";
import { test } from "node:test";

import { deviceId } from "../../client_demo/device_id.js";
import { forget, keep, keptTitle, keptToken } from "../../client_demo/invitation.js";
import { storageOf } from "../../client_demo/storage.js";

const blocked = Object.defineProperty({}, "localStorage", {
  get() {
    throw new DOMException("blocked", "SecurityError");
  },
});

for (const [name, scope] of [["throws", blocked], ["is not there", {}]]) {
  test(`where the storage ${name} the page keeps things itself`, () => {
    const storage = storageOf("localStorage", scope);
    storage.setItem("a", 1);
    assert.equal(storageOf("localStorage", scope).getItem("a"), "1");
    storage.removeItem("a");
    assert.equal(storage.getItem("a"), null);
  });
}

test("what the browser keeps is used where there is something", () => {
  const storage = { getItem: () => "kept" };
  assert.equal(storageOf("localStorage", { localStorage: storage }), storage);
});

test("an invitation and the name of the browser last as long as the page where the browser keeps nothing", () => {
  for (const name of ["localStorage", "sessionStorage"]) Object.defineProperty(globalThis, name, { configurable: true, get: Object.getOwnPropertyDescriptor(blocked, "localStorage").get });
  keep({ token: "a.b.c", title: "Weekly" });
  assert.deepEqual([keptToken(), keptTitle()], ["a.b.c", "Weekly"]);
  forget();
  assert.equal(keptToken(), null);
  assert.equal(deviceId(), deviceId());
});
