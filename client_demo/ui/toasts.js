/** Short messages in a corner, and the voice for screen readers. */

import { h, icon, iconButton, setText } from "./dom.js";

const STAY_MS = { info: 5_000, warning: 9_000, error: 12_000 };
const ICONS = { info: "info", warning: "warning", error: "warning" };
const MOST = 4;
/** A long text stays until it can have been read. */
const READING_MS_PER_CHARACTER = 80;

export class Toasts {
  constructor() {
    this.element = h("section.toasts", { "aria-label": "Messages" });
  }

  /**
   * Show {tone: "info" | "warning" | "error", title, text, action}. A repeated title replaces the older message. `action` is
   * {label, onselect} of a button; such a message waits until it is dealt with.
   */
  show({ tone = "info", title, text = "", action = null }) {
    this.dismiss(title);
    const close = iconButton("close", "Dismiss", () => remove());
    const toast = h(
      `div.toast.${tone}`,
      { role: tone === "info" ? "status" : "alert", "data-title": title },
      icon(ICONS[tone]),
      h("div", {}, h("strong", {}, title), text ? h("p", {}, text) : null, action ? actionButton(action, () => remove()) : null),
      close,
    );
    let timer = null;
    const remove = () => {
      clearTimeout(timer);
      toast.remove();
    };
    const wait = () => {
      if (action) return;
      timer = setTimeout(remove, Math.max(STAY_MS[tone], text.length * READING_MS_PER_CHARACTER));
    };
    for (const type of ["pointerenter", "focusin"]) toast.addEventListener(type, () => clearTimeout(timer));
    for (const type of ["pointerleave", "focusout"]) toast.addEventListener(type, wait);
    this.element.append(toast);
    while (this.element.children.length > MOST) this.element.firstElementChild.remove();
    wait();
  }

  /** Take a message away that is not true any more. */
  dismiss(title) {
    for (const toast of [...this.element.children]) {
      if (toast.dataset.title === title) toast.remove();
    }
  }

  clear() {
    this.element.replaceChildren();
  }
}

function actionButton({ label, onselect }, close) {
  const onclick = () => {
    close();
    onselect();
  };
  return h("button.button.small", { type: "button", onclick }, label);
}

/** A polite live region. Texts that come together are read together. */
export class Announcer {
  #texts = [];
  #timer = null;

  constructor() {
    this.element = h("div.visually-hidden", { role: "status", "aria-live": "polite", "aria-label": "Announcements" });
  }

  say(text) {
    this.#texts.push(text);
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      setText(this.element, this.#texts.splice(0).slice(-4).join(". "));
    }, 150);
  }
}
