/** What one does with one's account: password, where one is signed in, and an administrator's links for new accounts. */

import { actionWords, passwordWords } from "../account_words.js";
import { spanWords } from "../invitation_list.js";
import { confirmDialog, copyRow, openDialog } from "./dialogs.js";
import { h, icon } from "./dom.js";
import { onSend, passwordField, problemBox, selectField, submitButton } from "./form.js";

const ACCOUNT_ROLES = [
  ["user", "User: has meetings"],
  ["viewer", "Viewer: only sees what is shared"],
  ["service", "Service: a program"],
  ["admin", "Administrator"],
];

/** toasts: where the success is told. */
export function passwordDialog(accounts, toasts) {
  openDialog("Change your password", (close) => {
    const current = passwordField({ id: "current-password", label: "Current password", autocomplete: "current-password", autofocus: true });
    const next = passwordField({ id: "new-password", label: "New password", autocomplete: "new-password", hint: "You stay signed in here; everywhere else you are signed out." });
    /* Password managers file the new password under this name. */
    const name = h("input.visually-hidden", { type: "text", autocomplete: "username", value: accounts.user.username, readonly: true, tabIndex: -1, "aria-hidden": "true" });
    const problem = problemBox();
    const submit = submitButton("Change password", { id: "change-password" });
    const form = h(
      "form.stack",
      {},
      problem.element,
      name,
      current.element,
      next.element,
      h("div.dialog-actions", {}, h("button.button.quiet", { type: "button", onclick: close }, "Cancel"), submit.button),
    );
    onSend(form, {
      submit,
      problem,
      working: "Changing…",
      job: async () => {
        await accounts.changePassword(current.input.value, next.input.value);
        close();
        toasts.show({ title: "Password changed", text: "Every other sign-in has ended." });
      },
      words: (error) => passwordWords(error, accounts.about),
    });
    return form;
  });
}

export function signInsDialog(accounts) {
  openDialog("Where you are signed in", (close) => {
    const list = h("ul.invitations", { "aria-label": "Sign-ins" });
    const problem = problemBox();
    const refresh = async () => {
      try {
        const signIns = await accounts.signIns();
        list.replaceChildren(...signIns.map((signIn) => signInRow(signIn, end)));
      } catch (error) {
        problem.show(actionWords(error));
      }
    };
    const end = async (signIn) => {
      try {
        await accounts.endSignIn(signIn.sign_in_id);
      } catch (error) {
        problem.show(actionWords(error));
      }
      await refresh();
    };
    const everywhere = async () => {
      close();
      await confirmSignOutEverywhere(accounts);
    };
    refresh();
    return [
      problem.element,
      list,
      h("div.dialog-actions", {}, h("button.button.danger", { type: "button", onclick: everywhere }, "Sign out everywhere")),
    ];
  });
}

function signInRow(signIn, end) {
  const ago = Math.max(0, Date.now() / 1_000 - signIn.used_at_s);
  const used = ago < 60 ? "used just now" : `last used ${spanWords(ago)} ago`;
  const since = new Date(signIn.created_at_s * 1_000).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
  const kind = signIn.kind === "browser" ? "Browser" : "Program";
  return h(
    "li.invitation",
    { "data-sign-in": signIn.sign_in_id },
    h("span.invitation-mark", { "aria-hidden": "true" }, icon(signIn.kind === "browser" ? "screen" : "key")),
    h(
      "span.invitation-words",
      {},
      h("span.invitation-line", {}, h("strong", {}, kind), signIn.current ? h("span.chip.accent", {}, "This one") : null),
      h("span.hint", {}, `Since ${since} · ${used}`),
    ),
    signIn.current ? null : h("button.button.small.quiet", { type: "button", "aria-label": `Sign out the ${kind.toLowerCase()} of ${since}`, onclick: () => end(signIn) }, "Sign out"),
  );
}

/** Resolves when one is signed out, or changed one's mind; rejects with an AccountError. */
export async function confirmSignOutEverywhere(accounts) {
  const sure = await confirmDialog(
    "Sign out everywhere?",
    "Every browser and program is signed out of your account, this one too, and you leave meetings that you joined with it.",
    "Sign out everywhere",
  );
  if (sure) await accounts.signOutEverywhere();
}

export function inviteUserDialog(accounts) {
  openDialog("Invite somebody to make an account", () => {
    const role = selectField({ id: "account-role", label: "The account becomes", options: ACCOUNT_ROLES, value: "user" });
    const problem = problemBox();
    const submit = submitButton("Create link", { id: "create-registration" });
    const result = h("div", { "aria-live": "polite" });
    const form = h("form.stack", {}, role.element, problem.element, h("div.dialog-actions", {}, submit.button), result);
    onSend(form, {
      submit,
      problem,
      words: actionWords,
      working: "Creating…",
      job: async () => {
        const { token, expires_at_s } = await accounts.inviteUser(role.select.value);
        const row = copyRow(`${location.origin}/#register=${token}`, "Link to register with");
        result.replaceChildren(row, h("p.hint", {}, `For one account, within ${spanWords(expires_at_s - Date.now() / 1_000 + 60)}. It is not shown again.`));
        row.querySelector("button").focus();
      },
    });
    return form;
  });
}
