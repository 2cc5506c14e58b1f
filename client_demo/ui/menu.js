/** A button with a menu (WAI-ARIA menu button pattern): arrows, Home, End, Escape, first letters. */

import { h, icon } from "./dom.js";

const MARGIN_PX = 8;

/**
 * items(): list of {label, icon, onselect, danger, checked, hint} or {title} ("" is a line) or null. `checked` (a boolean) makes it a
 * radio item. `onclose` is called when the menu has gone. `floating`: the menu lies above everything, as its button stands in something that scrolls or cuts off.
 * Returns the element that anchors both.
 */
export function menuButton(button, items, { className = "", onopen = null, onclose = null, floating = false } = {}) {
  const anchor = h("span.menu-anchor", {}, button);
  let menu = null;
  button.setAttribute("aria-haspopup", "menu");
  button.setAttribute("aria-expanded", "false");

  const holds = (element) => anchor.contains(element) || menu?.contains(element);
  const close = (refocus = true) => {
    if (!menu) return;
    menu.remove();
    menu = null;
    button.setAttribute("aria-expanded", "false");
    document.removeEventListener("pointerdown", outside, true);
    removeEventListener("resize", moved);
    if (refocus) button.focus();
    onclose?.();
  };
  const outside = (event) => {
    if (!holds(event.target)) close(false);
  };
  const moved = () => close(false);
  const open = async () => {
    const entries = (await items()).filter(Boolean);
    if (menu) return;
    menu = h(`div.menu${className ? `.${className.replaceAll(" ", ".")}` : ""}`, { role: "menu", "aria-label": button.getAttribute("aria-label") });
    menu.append(...entries.map((entry) => menuEntry(entry, close)));
    menu.addEventListener("keydown", (event) => move(event, menu, close));
    menu.addEventListener("focusout", (event) => {
      if (menu && event.relatedTarget && !holds(event.relatedTarget)) close(false);
    });
    if (floating) float(menu, button);
    else anchor.append(menu);
    keepInside(menu);
    button.setAttribute("aria-expanded", "true");
    document.addEventListener("pointerdown", outside, true);
    if (floating) addEventListener("resize", moved);
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
  if ("title" in entry) {
    return entry.title ? h("div.menu-title", { role: "presentation" }, entry.title) : h("div.menu-line", { role: "separator" });
  }
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

/** Lay a menu over everything, under its button where there is room, else wherever it fits. */
function float(menu, button) {
  menu.classList.add("floating");
  (button.closest("main, aside") ?? document.body).append(menu);
  const at = button.getBoundingClientRect();
  const { width, height } = menu.getBoundingClientRect();
  const below = at.bottom + 4;
  const top = below + height <= innerHeight - MARGIN_PX ? below : Math.max(MARGIN_PX, Math.min(at.top - 4 - height, innerHeight - MARGIN_PX - height));
  menu.style.top = `${Math.round(top)}px`;
  menu.style.left = `${Math.round(at.right - width)}px`;
}

/** Shift a menu that would leave the window. */
function keepInside(menu) {
  const box = menu.getBoundingClientRect();
  const shift = box.left < MARGIN_PX ? MARGIN_PX - box.left : Math.min(0, innerWidth - MARGIN_PX - box.right);
  if (shift !== 0) menu.style.translate = `${Math.round(shift)}px 0`;
}
