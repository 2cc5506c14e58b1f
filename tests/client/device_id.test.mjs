import assert from "node:assert/strict";
import { test } from "node:test";

import { deviceId } from "../../client_demo/device_id.js";

function storageWith(kept = new Map()) {
  return { kept, getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value) };
}

test("a browser keeps its name, and two browsers have two", () => {
  const [one, other] = [storageWith(), storageWith()];
  const id = deviceId(one);
  assert.match(id, /^[\w-]{24}$/);
  assert.equal(deviceId(one), id);
  assert.notEqual(deviceId(other), id);
});

test("what is kept but is no name of ours is replaced", () => {
  const storage = storageWith(new Map([["conclave.device", "short"]]));
  assert.match(deviceId(storage), /^[\w-]{24}$/);
  assert.equal(storage.kept.get("conclave.device"), deviceId(storage));
});

test("where nothing can be kept the name lasts as long as the page", () => {
  const denied = { getItem: () => { throw new DOMException("denied", "SecurityError"); } };
  assert.equal(deviceId(denied), deviceId(denied));
});
