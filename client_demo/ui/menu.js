/** A button with a menu (WAI-ARIA menu button pattern): arrows, Home, End, Escape, first letters. */

import { h, icon } from "./dom.js";

/**
 * items(): list of {label, icon, onselect, danger, checked, hint} or {title} or null. `checked` (a boolean) makes it a radio item.
 * Returns the element that anchors both.
 */
export function menuButton(button, items, { className = "", onopen = null } = {}) {
  const anchor = h("span.menu-anchor", {}, button);
  let menu = null;
  button.setAttribute("aria-haspopup", "menu");
  button.setAttribute("aria-expanded", "false");

  const close = (refocus = true) => {
    if (!menu) return;
    menu.remove();
    menu = null;
    button.setAttribute("aria-expanded", "false");
    document.removeEventListener("pointerdown", outside, true);
    if (refocus) button.focus();
  };
  const outside = (event) => {
    if (!anchor.contains(event.target)) close(false);
  };
  const open = async () => {
    const entries = (await items()).filter(Boolean);
    if (menu) return;
    menu = h(`div.menu${className ? `.${className.replaceAll(" ", ".")}` : ""}`, { role: "menu", "aria-label": button.getAttribute("aria-label") });
    menu.append(...entries.map((entry) => menuEntry(entry, close)));
    menu.addEventListener("keydown", (event) => move(event, menu, close));
    menu.addEventListener("focusout", (event) => {
      if (menu && event.relatedTarget && !anchor.contains(event.relatedTarget)) close(false);
    });
    anchor.append(menu);
    keepInside(menu);
    button.setAttribute("aria-expanded", "true");
    document.addEventListener("pointerdown", outside, true);
    onopen?.();
    (menu.querySelector("[aria-checked=true]") ?? menu.querySelector("[role^=menuitem]"))?.focus();
  };
  button.addEventListener("click", () => (menu ? close() : open()));
  button.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      open();
    }
  });
  return anchor;
}

function menuEntry(entry, close) {
  if (entry.title) return h("div.menu-title", { role: "presentation" }, entry.title);
  const radio = typeof entry.checked === "boolean";
  return h(
    `button.menu-item${entry.danger ? ".danger" : ""}`,
    {
      type: "button",
      role: radio ? "menuitemradio" : "menuitem",
      "aria-checked": radio ? entry.checked : null,
      "aria-label": entry.name ?? null,
      tabIndex: -1,
      onclick: () => {
        close();
        entry.onselect();
      },
    },
    entry.icon ? icon(entry.icon) : null,
    h("span", {}, entry.label),
    entry.hint ? h("span.hint", { "aria-hidden": "true" }, entry.hint) : null,
    entry.checked ? icon("check", "tick") : null,
  );
}

function move(event, menu, close) {
  const items = [...menu.querySelectorAll("[role^=menuitem]")];
  const at = items.indexOf(document.activeElement);
  const steps = { ArrowDown: at + 1, ArrowRight: at + 1, ArrowUp: at - 1, ArrowLeft: at - 1, Home: 0, End: items.length - 1 };
  if (event.key in steps) {
    items.at(steps[event.key] % items.length)?.focus();
  } else if (event.key === "Escape") {
    close();
  } else if (event.key === "Tab") {
    close();
    return;
  } else if (event.key.length === 1 && event.key !== " ") {
    const rest = [...items.slice(at + 1), ...items.slice(0, at + 1)];
    rest.find((item) => item.textContent.trim().toLowerCase().startsWith(event.key.toLowerCase()))?.focus();
  } else {
    return;
  }
  if (event.key !== "Enter") event.preventDefault();
  event.stopPropagation();
}

/** Shift a menu that would leave the window. */
function keepInside(menu) {
  const box = menu.getBoundingClientRect();
  const margin = 8;
  const shift = box.left < margin ? margin - box.left : Math.min(0, innerWidth - margin - box.right);
  if (shift !== 0) menu.style.translate = `${Math.round(shift)}px 0`;
}
