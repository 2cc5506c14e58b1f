/** Signing in, and making an account where the server allows it. */

import { FailureCount, registerWords, signInWords } from "../account_words.js";
import { brand, h, iconButton } from "./dom.js";
import { field, onSend, passwordField, problemBox, submitButton } from "./form.js";
import { themeButton } from "./theme.js";

const failures = new FailureCount();

function accountPage(heading, lead, content, onback) {
  return h(
    "div.page",
    {},
    h("header.page-head", {}, brand(), h("span.row", {}, themeButton(), iconButton("close", "Back to the start page", onback))),
    h("main.page-main", {}, h("section.card.account-card", {}, h("header", {}, h("h1", {}, heading), lead ? h("p.hint", {}, lead) : null), content)),
  );
}

const usernameField = (hint = null) =>
  field({ id: "username", label: "Name", hint, autocomplete: "username", required: true, maxlength: 64, autocapitalize: "none", spellcheck: "false" });

/** onregister is null where one cannot register here. `expired` says that one was signed out by the server. */
export function signInPage(accounts, { onregister, onback, expired = false }) {
  const username = usernameField();
  const password = passwordField({ id: "password", label: "Password", autocomplete: "current-password" });
  const problem = problemBox();
  const submit = submitButton("Sign in", { id: "sign-in" });
  const form = h("form.stack", {}, problem.element, username.element, password.element, submit.button);
  onSend(form, {
    submit,
    problem,
    working: "Signing in…",
    job: async () => {
      await accounts.signIn(username.input.value, password.input.value);
      failures.succeed(username.input.value);
    },
    words: (error) => {
      password.input.value = "";
      password.input.focus();
      const lockedUntilMs = error.code === "unauthorized" ? failures.fail(username.input.value, accounts.about) : null;
      return signInWords(error, accounts.about, lockedUntilMs);
    },
  });
  const other = onregister
    ? h("p.account-other", {}, "No account yet? ", h("button.link-button", { type: "button", id: "to-register", onclick: onregister }, "Create one"))
    : null;
  const lead = expired ? "Your session is over. Sign in again." : "For your own meetings. Guests need a link only.";
  return accountPage("Sign in", lead, [form, other], onback);
}

/** `registration`: the token of an administrator's link, or null where anybody may register. */
export function registerPage(accounts, { registration, onsignin, onback }) {
  const username = usernameField("Letters, digits, and . _ - + @ between them.");
  const email = field({ id: "email", label: "E-mail address (optional)", type: "email", autocomplete: "email", maxlength: 254 });
  const password = passwordField({ id: "password", label: "Password", autocomplete: "new-password", hint: "A few unusual words are stronger than one with signs in it." });
  const problem = problemBox();
  const submit = submitButton("Create account", { id: "register" });
  const form = h("form.stack", {}, problem.element, username.element, email.element, password.element, submit.button);
  onSend(form, {
    submit,
    problem,
    working: "Creating your account…",
    job: () =>
      accounts.register({ username: username.input.value, email: email.input.value.trim(), password: password.input.value, registration }),
    words: registerWords,
  });
  const other = h("p.account-other", {}, "You have an account? ", h("button.link-button", { type: "button", onclick: onsignin }, "Sign in"));
  return accountPage("Create an account", registration ? "An administrator invited you to this server." : null, [form, other], onback);
}
