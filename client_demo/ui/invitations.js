/** Invitations of one meeting: who has which link, making another, revoking one. */

import { LIFETIMES, USUAL_LIFETIME_S, describe, inOrder, isPersonal, phraseOf } from "../invitation_list.js";
import { ROLE_HINTS, ROLE_NAMES, invitableRoles } from "../roles.js";
import { copyRow, openDialog } from "./dialogs.js";
import { h, icon, setText } from "./dom.js";
import { field, onSend, problemBox, selectField, submitButton } from "./form.js";

const REFRESH_MS = 5_000;
const SHARED_WARNING =
  "Whoever gets hold of a shareable link can join, also people it was passed on to. You cannot tell them apart by the link, and revoking it shuts out all of them.";
const STATES = { revoked: "Revoked", spent: "Used up", expired: "Expired" };

const nowS = () => Date.now() / 1_000;

/**
 * Open the dialog. desk: {list(), create(wish), revoke(jti, remove)}, each a promise; words(error) says why one failed; tried() gives
 * the refused attempts by jti; role: whose invitations one may not exceed.
 */
export function invitationsDialog({ title, role, desk, words, tried = () => ({}) }) {
  const list = new InvitationList({ desk, words, tried });
  const timer = setInterval(() => list.refresh(), REFRESH_MS);
  const opened = openDialog(
    title,
    () => [createForm({ role, desk, words, oncreated: () => list.refresh() }), list.element],
    () => clearInterval(timer),
  );
  opened.dialog.classList.add("wide");
  list.refresh();
  return opened;
}

function createForm({ role, desk, words, oncreated }) {
  const kinds = h(
    "fieldset.choices.kinds",
    {},
    h("legend.field-label", {}, "What kind of link?"),
    kindChoice("personal", "Personal link", "For one person. It works on the first device that opens it, and nowhere else.", true),
    kindChoice("shared", "Shareable link", "For a group or a calendar entry. Anybody who has it can join, or knock where the waiting room is on.", false),
  );
  const warning = h("div.notice", { role: "status", hidden: true }, icon("warning"), h("div", {}, SHARED_WARNING));
  const label = field({ id: "invitation-label", label: "Who is it for? (optional)", maxlength: 64, autocomplete: "off" });
  const roles = invitableRoles(role);
  const as = selectField({ id: "invitation-role", label: "Joins as", options: roles.map((name) => [name, ROLE_NAMES[name]]), value: roles[0] });
  const hint = h("p.hint", {}, ROLE_HINTS[roles[0]]);
  const lifetime = selectField({ id: "invitation-lifetime", label: "Valid for", options: LIFETIMES, value: USUAL_LIFETIME_S });
  const problem = problemBox();
  const submit = submitButton("Create link", { id: "create-invitation" });
  const result = h("div", { "aria-live": "polite" });
  const shared = () => kinds.querySelector(":checked").value === "shared";
  const form = h(
    "form.stack.invitation-form",
    { "aria-label": "New invitation" },
    kinds,
    warning,
    label.element,
    h("div.field-pair", {}, as.element, lifetime.element),
    hint,
    problem.element,
    h("div.dialog-actions", {}, submit.button),
    result,
  );
  kinds.addEventListener("change", () => {
    warning.hidden = !shared();
    setText(label.element.querySelector("label"), shared() ? "What is it for? (optional)" : "Who is it for? (optional)");
    result.replaceChildren();
    submit.button.classList.add("primary");
  });
  as.select.addEventListener("change", () => setText(hint, ROLE_HINTS[as.select.value]));
  onSend(form, {
    submit,
    problem,
    words,
    working: "Creating…",
    job: async () => {
      const wish = { role: as.select.value, shared: shared(), label: label.input.value.trim(), expires_in_s: Number(lifetime.select.value) };
      const { path } = await desk.create(wish);
      showLink(result, path, wish);
      submit.button.classList.remove("primary");
      label.input.value = "";
      oncreated();
    },
  });
  return form;
}

function kindChoice(value, name, text, checked) {
  return h(
    "label.choice",
    {},
    h("input", { type: "radio", name: "kind", value, checked }),
    h("span", {}, h("strong", {}, name), h("span.hint", {}, text)),
  );
}

function showLink(result, path, { shared, label }) {
  const row = copyRow(new URL(path, location.origin).href);
  const whom = label && !shared ? ` to ${label} only` : shared ? "" : " to one person only";
  result.replaceChildren(row, h("p.hint", {}, `Copy it now and send it${whom}: it is not shown again.`));
  row.querySelector("button").focus();
}

class InvitationList {
  #desk;
  #words;
  #tried;
  #rows = new Map();
  #problem = problemBox();
  #empty = h("p.hint", { hidden: true }, "No links yet. Those you create, and those by which people came, stand here.");
  #list = h("ul.invitations", { "aria-label": "Invitations" });

  constructor({ desk, words, tried }) {
    this.#desk = desk;
    this.#words = words;
    this.#tried = tried;
    this.element = h("section.stack", { "aria-label": "Links of this meeting" }, h("h3.field-label", {}, "Links of this meeting"), this.#problem.element, this.#empty, this.#list);
  }

  async refresh() {
    let invitations;
    try {
      invitations = await this.#desk.list();
    } catch (error) {
      this.#problem.show(this.#words(error));
      return;
    }
    this.#problem.show(null);
    this.#empty.hidden = invitations.length > 0;
    const known = new Set(invitations.map(({ jti }) => jti));
    for (const [jti, row] of this.#rows) {
      if (known.has(jti)) continue;
      row.element.remove();
      this.#rows.delete(jti);
    }
    inOrder(invitations, nowS()).forEach((invitation, index) => {
      const row = this.#rows.get(invitation.jti) ?? this.#newRow(invitation.jti);
      row.update(invitation, this.#tried()[invitation.jti] ?? 0);
      if (this.#list.children[index] !== row.element) this.#list.insertBefore(row.element, this.#list.children[index] ?? null);
    });
  }

  #newRow(jti) {
    const row = new InvitationRow(jti, (invitation) => revokeDialog(invitation, { desk: this.#desk, words: this.#words, ondone: () => this.refresh() }));
    this.#rows.set(jti, row);
    return row;
  }
}

class InvitationRow {
  #mark = h("span.invitation-mark", { "aria-hidden": "true" });
  #name = h("strong.invitation-name");
  #role = h("span.chip");
  #state = h("span.chip.danger", { hidden: true });
  #facts = h("span.hint");
  #revoke;
  #invitation = null;

  constructor(jti, onrevoke) {
    this.#revoke = h("button.button.small.quiet", { type: "button", onclick: () => onrevoke(this.#invitation) }, "Revoke");
    this.element = h(
      "li.invitation",
      { "data-invitation": jti },
      this.#mark,
      h("span.invitation-words", {}, h("span.invitation-line", {}, this.#name, this.#role, this.#state), this.#facts),
      this.#revoke,
    );
  }

  update(invitation, tried) {
    const { name, kind, role, facts, state } = describe(invitation, nowS(), tried);
    if (this.#invitation === null) this.#mark.append(icon(isPersonal(invitation) ? "person" : "link"));
    this.#invitation = invitation;
    setText(this.#name, name);
    setText(this.#role, role);
    this.#state.hidden = state === "good";
    setText(this.#state, STATES[state] ?? "");
    setText(this.#facts, [kind, ...facts].join(" · "));
    this.element.classList.toggle("idle", state !== "good");
    this.element.classList.toggle("tried", tried > 0 && state === "good");
    this.#revoke.hidden = state === "revoked" || state === "expired";
    this.#revoke.setAttribute("aria-label", `Revoke ${name}`);
  }
}

/** Ask, then revoke. invitation: {jti, label, seats, present}, `present` absent where it is not known. */
export function revokeDialog(invitation, { desk, words, ondone = () => {} }) {
  openDialog(`Revoke ${phraseOf(invitation)}?`, (close) => {
    const remove = h("input", { type: "checkbox", id: "revoke-remove" });
    const problem = problemBox();
    const submit = submitButton("Revoke the link", { id: "revoke-invitation" });
    submit.button.classList.replace("primary", "danger");
    const form = h(
      "form.stack",
      {},
      h("p", {}, "Nobody can join by this link from now on. Whoever came by it stays, unless you remove them too."),
      invitation.present === 0 ? null : h("label.check-row", { for: "revoke-remove" }, remove, "Also remove who came by it"),
      problem.element,
      h("div.dialog-actions", {}, h("button.button.quiet", { type: "button", onclick: close }, "Cancel"), submit.button),
    );
    onSend(form, {
      submit,
      problem,
      words,
      working: "Revoking…",
      job: async () => {
        await desk.revoke(invitation.jti, remove.checked);
        close();
        ondone();
      },
    });
    return form;
  });
}
