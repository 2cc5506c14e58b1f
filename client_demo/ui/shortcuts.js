/** Single keys for what one does all the time; off while somebody types, and when switched off in the settings. */

/** actions: {m: f, v: f, ...}. Returns a function that stops listening. */
export function listenForShortcuts(settings, actions) {
  const onkeydown = (event) => {
    if (!settings.shortcuts && event.key !== "?") return;
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.defaultPrevented) return;
    if (event.target.closest?.("input, select, textarea, [contenteditable], [role=menu]")) return;
    if (document.querySelector("dialog[open]")) return;
    const action = actions[event.key.toLowerCase()];
    if (!action) return;
    event.preventDefault();
    action();
  };
  document.addEventListener("keydown", onkeydown);
  return () => document.removeEventListener("keydown", onkeydown);
}
