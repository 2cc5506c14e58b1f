/** Forms: a labelled field, a password that can be looked at, a button that says that it works, words for what went wrong. */

import { h, icon, setIcon, setText } from "./dom.js";

/** An input with its label and an optional hint. Returns {element, input}; `input` takes attributes as h() does. */
export function field({ id, label, hint = null, ...attributes }) {
  const hintId = `${id}-hint`;
  const input = h("input.input", { id, type: "text", "aria-describedby": hint ? hintId : null, ...attributes });
  const below = hint ? h("p.hint", { id: hintId }, hint) : null;
  return { element: h("div.field", {}, h("label", { for: id }, label), input, below), input };
}

/** A password with a button that shows it. `autocomplete`: "current-password" or "new-password". */
export function passwordField({ id, label, autocomplete, hint = null, autofocus = false }) {
  const { element, input } = field({ id, label, hint, type: "password", autocomplete, autofocus, required: true, maxlength: 1024, spellcheck: "false" });
  const picture = icon("eye");
  const button = h("button.icon-button", { type: "button", "aria-label": "Show the password", title: "Show the password", "aria-controls": id, "aria-pressed": "false" }, picture);
  button.addEventListener("click", () => {
    const shown = input.type === "password";
    input.type = shown ? "text" : "password";
    setIcon(picture, shown ? "eye-off" : "eye");
    button.setAttribute("aria-pressed", String(shown));
    button.title = shown ? "Hide the password" : "Show the password";
  });
  const row = h("div.password-row", {}, button);
  input.replaceWith(row);
  row.prepend(input);
  return { element, input };
}

/** A choice from a list of [value, text]. Returns {element, select}. */
export function selectField({ id, label, options, value }) {
  const select = h("select.select", { id }, options.map(([key, text]) => h("option", { value: key }, text)));
  select.value = String(value);
  return { element: h("div.field", {}, h("label", { for: id }, label), select), select };
}

/** Room for {title, text} of what went wrong; show(null) empties it. */
export function problemBox() {
  const element = h("div.notice.error", { role: "alert", hidden: true });
  return {
    element,
    show(words) {
      element.hidden = words === null;
      element.replaceChildren(...(words === null ? [] : [icon("warning"), h("div", {}, h("strong", {}, words.title), words.text)]));
    },
  };
}

/** The button that sends a form. busy(true) says that it works; it keeps its place and its focus. */
export function submitButton(text, attributes = {}) {
  const spinner = h("span.spinner", { hidden: true, "aria-hidden": "true" });
  const said = h("span", {}, text);
  const button = h("button.button.primary", { type: "submit", ...attributes }, spinner, said);
  return {
    button,
    get busy() {
      return button.getAttribute("aria-disabled") === "true";
    },
    setBusy(busy, words = text) {
      button.setAttribute("aria-disabled", String(busy));
      spinner.hidden = !busy;
      setText(said, busy ? words : text);
    },
  };
}

/**
 * Run `job` when the form is sent, once at a time. Empty required fields are pointed at first; `words(error)` says what went wrong.
 */
export function onSend(form, { submit, problem, job, words, working }) {
  form.noValidate = true;
  form.addEventListener("input", ({ target }) => target.removeAttribute("aria-invalid"));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (submit.busy) return;
    const missing = form.querySelector(":invalid:not(fieldset)");
    if (missing) {
      missing.setAttribute("aria-invalid", "true");
      problem.show({ title: "Something is missing", text: `Fill in “${missing.labels[0].textContent}”.` });
      missing.focus();
      return;
    }
    submit.setBusy(true, working);
    problem.show(null);
    try {
      await job();
    } catch (error) {
      problem.show(words(error));
    }
    submit.setBusy(false);
  });
}
