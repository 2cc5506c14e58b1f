/** What this browser keeps for the page. Where it keeps nothing, as with site data blocked, it lasts as long as the page. */

class Memory {
  #items = new Map();

  getItem(key) {
    return this.#items.get(key) ?? null;
  }

  setItem(key, value) {
    this.#items.set(key, String(value));
  }

  removeItem(key) {
    this.#items.delete(key);
  }
}

const memories = new Map();

/** `name`: "localStorage" (all tabs) or "sessionStorage" (this tab). Merely to look at one that is blocked throws. */
export function storageOf(name, scope = globalThis) {
  try {
    if (scope[name]) return scope[name];
  } catch {
    return memoryOf(name);
  }
  return memoryOf(name);
}

function memoryOf(name) {
  if (!memories.has(name)) memories.set(name, new Memory());
  return memories.get(name);
}
