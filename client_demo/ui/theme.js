/** Dark, light, or as the system likes it. */

import { h, icon, setIcon } from "./dom.js";

const THEMES = ["auto", "light", "dark"];
const ICONS = { auto: "contrast", light: "sun", dark: "moon" };
export const THEME_NAMES = { auto: "as the system", light: "light", dark: "dark" };

export function currentTheme() {
  return document.documentElement.dataset.theme ?? "auto";
}

export function nextTheme() {
  const theme = THEMES[(THEMES.indexOf(currentTheme()) + 1) % THEMES.length];
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  try {
    localStorage.setItem("conclave.theme", theme);
  } catch {
    return theme;
  }
  return theme;
}

export function themeButton() {
  const picture = icon(ICONS[currentTheme()]);
  const label = () => `Colours: ${THEME_NAMES[currentTheme()]}`;
  const button = h("button.icon-button", { type: "button", "aria-label": label(), title: label() }, picture);
  button.addEventListener("click", () => {
    nextTheme();
    setIcon(picture, ICONS[currentTheme()]);
    button.setAttribute("aria-label", label());
    button.title = label();
  });
  return button;
}
