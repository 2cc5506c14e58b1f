/** With which accounts a meeting is shared: adding one, taking one back. */

import { actionWords, shareWords } from "../account_words.js";
import { ROLE_HINTS, ROLE_NAMES } from "../roles.js";
import { openDialog } from "./dialogs.js";
import { avatar, h, setText } from "./dom.js";
import { field, onSend, problemBox, selectField, submitButton } from "./form.js";

const ROLES = ["participant", "viewer", "co-host", "host"];

export function shareDialog(accounts, meeting) {
  openDialog(`Share “${meeting.title}”`, () => {
    const list = h("ul.invitations", { "aria-label": "Accounts it is shared with" });
    const empty = h("p.hint", { hidden: true }, "Not shared with anybody yet.");
    const problem = problemBox();
    const refresh = async () => {
      try {
        const shares = await accounts.shares(meeting.meeting_id);
        empty.hidden = shares.length > 0;
        list.replaceChildren(...shares.map((share) => shareRow(share, withdraw)));
      } catch (error) {
        problem.show(actionWords(error));
      }
    };
    const withdraw = async (share) => {
      try {
        await accounts.unshare(meeting.meeting_id, share.user_id);
        problem.show(null);
      } catch (error) {
        problem.show(actionWords(error));
      }
      await refresh();
    };
    refresh();
    return [
      h("p.hint", {}, "People with an account here find the meeting on their own page. For everybody else make an invitation link."),
      shareForm(accounts, meeting, problem, refresh),
      h("section.stack", { "aria-label": "Shared with" }, h("h3.field-label", {}, "Shared with"), empty, list),
      h("p.hint", {}, "Whom you withdraw the meeting from leaves it at once, and cannot come back by the link they had."),
    ];
  });
}

function shareForm(accounts, meeting, problem, refresh) {
  const username = field({ id: "share-username", label: "Name of the account", autofocus: true, required: true, maxlength: 64, autocomplete: "off", autocapitalize: "none", spellcheck: "false" });
  const role = selectField({ id: "share-role", label: "Joins as", options: ROLES.map((name) => [name, ROLE_NAMES[name]]), value: "participant" });
  const hint = h("p.hint", {}, ROLE_HINTS.participant);
  role.select.addEventListener("change", () => setText(hint, ROLE_HINTS[role.select.value]));
  const submit = submitButton("Share", { id: "share" });
  const form = h("form.stack", { "aria-label": "Share with an account" }, problem.element, h("div.field-pair", {}, username.element, role.element), hint, h("div.dialog-actions", {}, submit.button));
  onSend(form, {
    submit,
    problem,
    working: "Sharing…",
    job: async () => {
      await accounts.share(meeting.meeting_id, username.input.value.trim(), role.select.value);
      username.input.value = "";
      await refresh();
    },
    words: (error) => shareWords(error, username.input.value.trim()),
  });
  return form;
}

function shareRow(share, withdraw) {
  return h(
    "li.invitation",
    { "data-user": share.user_id },
    avatar(share.username || "?"),
    h("span.invitation-words", {}, h("strong.invitation-name", {}, share.username), h("span.hint", {}, ROLE_NAMES[share.role])),
    h("button.button.small.quiet", { type: "button", "aria-label": `Stop sharing with ${share.username}`, onclick: () => withdraw(share) }, "Withdraw"),
  );
}
