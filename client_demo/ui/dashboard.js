/** The page of one who is signed in: meetings of one's own and shared ones, making another, and the account. */

import { actionWords } from "../account_words.js";
import { confirmSignOutEverywhere, inviteUserDialog, passwordDialog, signInsDialog } from "./account_dialogs.js";
import { confirmDialog } from "./dialogs.js";
import { avatar, brand, h, icon } from "./dom.js";
import { field, onSend, problemBox, submitButton } from "./form.js";
import { invitationsDialog } from "./invitations.js";
import { joinCard } from "./join_form.js";
import { MeetingRow } from "./meeting_row.js";
import { menuButton } from "./menu.js";
import { shareDialog } from "./share_dialog.js";
import { themeButton } from "./theme.js";

const REFRESH_MS = 15_000;

export class DashboardPage {
  #accounts;
  #toasts;
  #onenter;
  #rows = new Map();
  #problem = problemBox();
  #list = h("ul.meetings", { "aria-label": "Your meetings", "aria-busy": "true" });
  #loading = h("p.hint.loading", { role: "status" }, h("span.spinner", { "aria-hidden": "true" }), "Fetching your meetings…");
  #empty;
  #stopped = false;
  #timer = setInterval(() => this.#refreshIfSeen(), REFRESH_MS);
  #onvisible = () => this.#refreshIfSeen();

  /** onenter({token, title, sharePath}) is called to go into a meeting. */
  constructor({ accounts, toasts, onenter }) {
    this.#accounts = accounts;
    this.#toasts = toasts;
    this.#onenter = onenter;
    this.#empty = this.#emptyState();
    this.element = this.#build();
    document.addEventListener("visibilitychange", this.#onvisible);
    this.#refresh();
  }

  stop() {
    this.#stopped = true;
    clearInterval(this.#timer);
    document.removeEventListener("visibilitychange", this.#onvisible);
    for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
  }

  #build() {
    return h(
      "div.page",
      {},
      h("header.page-head", {}, brand(), h("span.row", {}, this.#accountMenu(), themeButton())),
      h(
        "main.page-main.dashboard",
        {},
        h(
          "div.dashboard-head",
          {},
          h("h1", {}, "Your meetings"),
          this.#accounts.may("write") ? h("button.button.small.narrow-only", { type: "button", onclick: () => this.element.querySelector("#new-title").focus() }, "New meeting") : null,
        ),
        h(
          "div.dashboard-columns",
          {},
          h("section.stack", { "aria-label": "Meetings" }, this.#problem.element, this.#loading, this.#empty, this.#list),
          h("div.stack", {}, this.#accounts.may("write") ? this.#createCard() : null, joinCard(this.#onenter)),
        ),
      ),
    );
  }

  #emptyState() {
    const text = this.#accounts.may("write")
      ? "Create your first one: it keeps its place here, and you decide who comes in."
      : "Meetings that somebody shares with you appear here.";
    return h("div.empty", { hidden: true }, h("span.ended-mark", {}, icon("calendar")), h("h2", {}, "No meetings yet"), h("p.hint", {}, text));
  }

  #createCard() {
    const title = field({ id: "new-title", label: "What is it about?", required: true, maxlength: 200, autocomplete: "off", placeholder: "Weekly round" });
    const problem = problemBox();
    const submit = submitButton("Create meeting", { id: "create-meeting" });
    const form = h("form.card.stack", { "aria-labelledby": "create-heading" }, h("h2", { id: "create-heading" }, "New meeting"), title.element, problem.element, submit.button);
    onSend(form, {
      submit,
      problem,
      words: actionWords,
      working: "Creating…",
      job: async () => {
        const meeting = await this.#accounts.createMeeting(title.input.value.trim());
        title.input.value = "";
        await this.#refresh();
        this.#rows.get(meeting.meeting_id)?.focus();
      },
    });
    return form;
  }

  // --- the account -------------------------------------------------------------------------------------------------

  #accountMenu() {
    const { username } = this.#accounts.user;
    const button = h("button.account-button", { type: "button", id: "account", title: "Your account" }, avatar(username), h("span.account-name", {}, username), icon("chevron-down"));
    return menuButton(button, () => this.#accountItems(), { className: "under" });
  }

  #accountItems() {
    const accounts = this.#accounts;
    const { username, role } = accounts.user;
    return [
      { title: `${username} · ${role === "admin" ? "administrator" : role}` },
      accounts.may("admin") ? { label: "Invite somebody to register", icon: "plus-person", onselect: () => inviteUserDialog(accounts) } : null,
      { label: "Change password", icon: "key", onselect: () => passwordDialog(accounts, this.#toasts) },
      { label: "Where you are signed in", icon: "screen", onselect: () => signInsDialog(accounts) },
      { label: "Sign out", icon: "door", onselect: () => this.#attempt(() => accounts.signOut()) },
      { label: "Sign out everywhere", icon: "lock", danger: true, onselect: () => this.#attempt(() => confirmSignOutEverywhere(accounts)) },
    ];
  }

  // --- the meetings ------------------------------------------------------------------------------------------------

  /** Do what one asked for; a refusal is told. Resolves with whether it was done. */
  async #attempt(job) {
    try {
      await job();
      return true;
    } catch (error) {
      if (error.status !== 401) this.#toasts.show({ tone: "error", ...actionWords(error) });
      return false;
    }
  }

  #refreshIfSeen() {
    if (document.visibilityState === "visible") this.#refresh();
  }

  async #refresh() {
    let meetings;
    try {
      meetings = await this.#accounts.meetings();
    } catch (error) {
      if (!this.#stopped) this.#problem.show(actionWords(error));
      this.#loading.hidden = true;
      return;
    }
    if (this.#stopped) return;
    this.#problem.show(null);
    this.#loading.hidden = true;
    this.#list.setAttribute("aria-busy", "false");
    this.#empty.hidden = meetings.length > 0;
    this.#show(meetings);
  }

  /** Those that go on now come first. */
  #show(meetings) {
    const ids = new Set(meetings.map(({ meeting_id }) => meeting_id));
    for (const [id, row] of this.#rows) {
      if (ids.has(id)) continue;
      row.element.remove();
      this.#rows.delete(id);
    }
    const ordered = meetings.toSorted((a, b) => Number(b.present !== null) - Number(a.present !== null));
    ordered.forEach((meeting, index) => {
      const row = this.#rows.get(meeting.meeting_id) ?? this.#newRow(meeting.meeting_id);
      row.update(meeting);
      if (this.#list.children[index] !== row.element) this.#list.insertBefore(row.element, this.#list.children[index] ?? null);
    });
  }

  #newRow(id) {
    const row = new MeetingRow(id, {
      onenter: (meeting) => this.#enter(meeting),
      oninvite: (meeting) => this.#invite(meeting),
      onshare: (meeting) => shareDialog(this.#accounts, meeting),
      ondelete: (meeting) => this.#delete(meeting),
    });
    this.#rows.set(id, row);
    return row;
  }

  async #enter(meeting) {
    await this.#attempt(async () => {
      const { token } = await this.#accounts.enter(meeting.meeting_id);
      this.#onenter({ token, title: meeting.title, sharePath: null });
    });
  }

  #invite({ meeting_id, title }) {
    const desk = {
      list: () => this.#accounts.invitations(meeting_id),
      create: (wish) => this.#accounts.invite(meeting_id, wish),
      revoke: (jti, remove) => this.#accounts.revokeInvitation(meeting_id, jti, remove),
    };
    invitationsDialog({ title: `Invitations to “${title}”`, role: "host", desk, words: actionWords });
  }

  async #delete({ meeting_id, title, present }) {
    const now = present === null ? "" : " It is going on now: everybody is sent out.";
    const sure = await confirmDialog(`Delete “${title}”?`, `It disappears for everybody it is shared with.${now} This cannot be undone.`, "Delete the meeting");
    if (!sure || !(await this.#attempt(() => this.#accounts.deleteMeeting(meeting_id)))) return;
    await this.#refresh();
    this.element.querySelector("h1").focus();
  }
}
