/** A random name of this browser, by which the server notices a personal link that is opened somewhere else. */

import { storageOf } from "./storage.js";

const KEY = "conclave.device";
const BYTES = 18;
const FORM = /^[\w-]{16,64}$/;

let unkept = null;

/** The name, made at the first call and kept in `storage`; where nothing can be kept it lasts as long as the page. */
export function deviceId(storage = storageOf("localStorage"), random = globalThis.crypto) {
  try {
    const kept = storage.getItem(KEY);
    if (kept !== null && FORM.test(kept)) return kept;
    const made = newId(random);
    storage.setItem(KEY, made);
    return made;
  } catch {
    unkept ??= newId(random);
    return unkept;
  }
}

function newId(random) {
  const bytes = random.getRandomValues(new Uint8Array(BYTES));
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_");
}
