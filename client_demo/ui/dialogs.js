/** Modal dialogs: the element <dialog> brings focus trap, Escape and return of focus. */

import { saveSettings } from "../devices.js";
import { h, icon, iconButton, setText } from "./dom.js";

let serial = 0;

/** Open a dialog; `build(close)` gives its content. Returns {dialog, close}. */
export function openDialog(title, build, onclose = () => {}) {
  serial += 1;
  const id = `dialog-${serial}`;
  const dialog = h("dialog.dialog", { "aria-labelledby": id });
  const close = () => dialog.close();
  dialog.append(
    h("header.dialog-head", {}, h("h2", { id }, title), iconButton("close", "Close", close)),
    h("div.dialog-body", {}, build(close)),
  );
  dialog.addEventListener("close", () => {
    dialog.remove();
    onclose();
  });
  dialog.addEventListener("pointerdown", (event) => {
    if (event.target === dialog) close();
  });
  document.body.append(dialog);
  dialog.showModal();
  return { dialog, close };
}

/** A read-only link with a button that copies it. */
export function copyRow(link, label = "Invitation link") {
  const input = h("input.input", { type: "text", value: link, "aria-label": label, readonly: true, onfocus: () => input.select() });
  const said = h("span", {}, "Copy link");
  const button = h("button.button.primary", { type: "button" }, icon("copy"), said);
  const status = h("span.visually-hidden", { role: "status" });
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(link);
    } catch {
      input.select();
      setText(status, "Copy with the keyboard, the link is selected");
      return;
    }
    setText(said, "Copied");
    setText(status, "The link is copied");
    setTimeout(() => setText(said, "Copy link"), 2_500);
  });
  return h("div.copy-row", {}, input, button, status);
}

export const SHORTCUTS = [
  ["M", "Mute or unmute the microphone"],
  ["V", "Camera on or off"],
  ["S", "Share the screen, or stop"],
  ["H", "Raise or lower your hand"],
  ["R", "Choose a reaction"],
  ["P", "Show or hide people"],
  ["?", "This list"],
];

export function shortcutsDialog(settings) {
  openDialog("Keyboard shortcuts", () => {
    const check = h("input", { type: "checkbox", checked: settings.shortcuts, id: "shortcuts-on" });
    check.addEventListener("change", () => {
      settings.shortcuts = check.checked;
      saveSettings(settings);
    });
    return [
      h("dl.key-table", {}, SHORTCUTS.map(([key, words]) => [h("dt", {}, h("kbd", {}, key)), h("dd", {}, words)])),
      h("label.check-row", { for: "shortcuts-on" }, check, "Use single-key shortcuts"),
    ];
  });
}

/** Ask before something that cannot be undone; resolves with true or false. */
export function confirmDialog(title, text, action) {
  return new Promise((resolve) => {
    let answer = false;
    openDialog(
      title,
      (close) => [
        h("p", {}, text),
        h(
          "div.dialog-actions",
          {},
          h("button.button.quiet", { type: "button", onclick: close }, "Cancel"),
          h("button.button.danger", { type: "button", onclick: () => ((answer = true), close()) }, action),
        ),
      ],
      () => resolve(answer),
    );
  });
}
