/** Building elements without markup strings. */

const SVG = "http://www.w3.org/2000/svg";
const SPRITE = new URL("../icons.svg", import.meta.url).pathname;
const AS_PROPERTY = new Set(["hidden", "disabled", "checked", "value", "autoplay", "playsInline", "muted", "tabIndex", "open", "autofocus"]);

/**
 * h("button.primary", {type: "button", onclick: f, "aria-label": "..."}, ...children): an element with classes,
 * listeners (on...), properties, attributes (null leaves one out), and children (nodes, strings, lists, null).
 */
export function h(spec, props = {}, ...children) {
  const [tag, ...classes] = spec.split(".");
  const element = document.createElement(tag);
  if (classes.length > 0) element.classList.add(...classes);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (AS_PROPERTY.has(name)) element[name] = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat(2).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** A picture of the sprite; says nothing to screen readers. */
export function icon(name, className = "") {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", `icon ${className}`.trim());
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("focusable", "false");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `${SPRITE}#${name}`);
  svg.append(use);
  return svg;
}

/** Show another picture in an existing icon, touching the page only on change. */
export function setIcon(svg, name) {
  const href = `${SPRITE}#${name}`;
  const use = svg.firstElementChild;
  if (use.getAttribute("href") !== href) use.setAttribute("href", href);
}

export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function setAttribute(element, name, value) {
  if (value === null) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, String(value));
}

/** A square button that shows a picture only; `label` is its name and tooltip. */
export function iconButton(name, label, onclick, props = {}) {
  return h("button.icon-button", { type: "button", "aria-label": label, title: label, onclick, ...props }, icon(name));
}

export function brand() {
  return h("span.brand", {}, h("span.brand-mark", {}, icon("key")), "Conclave");
}

/** Initials of a name, at most two letters. */
export function initials(name) {
  const words = name.trim().split(/\s+/u).filter(Boolean);
  const letters = words.length > 1 ? [words[0], words.at(-1)] : words;
  return letters.map((word) => [...word][0].toLocaleUpperCase()).join("") || "?";
}

/** A round picture with initials; its colour follows the name. */
export function avatar(name) {
  const element = h("span.avatar", { "aria-hidden": "true" });
  paintAvatar(element, name);
  return element;
}

export function paintAvatar(element, name) {
  let hash = 7;
  for (const character of name) hash = (hash * 31 + character.codePointAt(0)) % 360;
  setText(element, initials(name));
  element.style.setProperty("--avatar", `hsl(${hash} 42% 34%)`);
}

/** Put focus on a heading, so that a screen reader starts there after a change of page. */
export function focusHeading(root) {
  const heading = root.querySelector("h1");
  if (!heading) return;
  heading.tabIndex = -1;
  heading.focus({ preventScroll: true });
}
