/** Which page is shown: landing, preview, meeting, end. */

import { forget, guestNameOf, keep, keptTitle, roleOf } from "../invitation.js";
import { joinWords, refusalWords } from "../words.js";
import { focusHeading, h } from "./dom.js";
import { endedPage, unsupportedPage } from "./ended.js";
import { Home } from "./home.js";
import { revokeDialog } from "./invitations.js";
import { MeetingPage } from "./meeting.js";
import { PreviewPage } from "./preview.js";
import { Announcer, Toasts } from "./toasts.js";

export class App {
  #root;
  #page = h("div", {});
  #current = null;
  #phase = null;
  #toasts = new Toasts();
  #announcer = new Announcer();
  #services;
  #token = null;
  #title = null;
  #home;
  #waiting = null;
  #inLobby = false;
  #reason = "";

  /** services: {store, call, devices, accounts}. */
  constructor(root, services) {
    this.#root = root;
    this.#services = services;
    root.append(this.#page, this.#toasts.element, this.#announcer.element);
    services.store.subscribe((state) => this.#render(state));
    services.call.addEventListener("notice", ({ detail }) => this.#notice(detail));
    this.#home = new Home({
      accounts: services.accounts,
      toasts: this.#toasts,
      show: (element, controller) => this.#show(element, controller),
      onenter: (invitation) => this.#accept(invitation),
    });
    services.call.addEventListener("announce", ({ detail }) => this.#announcer.say(detail.text));
  }

  /** An invitation came by the address. Whoever is in a meeting stays there. */
  invited(token) {
    if (this.#phase === "meeting") {
      this.#toasts.show({ tone: "warning", title: "You are in a meeting", text: "Leave it first, then open the new invitation." });
      return;
    }
    this.#services.call.dismiss();
    this.#accept({ token, title: null, sharePath: null });
  }

  /** An administrator's link to make an account with. */
  invitedToRegister(registration) {
    this.#home.invitedToRegister(registration);
  }

  /** Show the first page; with an invitation kept from before a reload that is the preview. */
  start(token) {
    if (token) this.#enter({ token, title: keptTitle() });
    else this.#render(this.#services.store.get());
  }

  showUnsupported(words) {
    this.#show(unsupportedPage(words), null);
  }

  /** A notice about an invitation comes with what can be done about it. */
  #notice({ jti = null, label, ...words }) {
    const { call } = this.#services;
    const revoke = () => revokeDialog({ jti, label, seats: 1 }, { desk: call.invitations, words: refusalWords });
    this.#toasts.show({ ...words, action: jti === null ? null : { label: "Revoke the link", onselect: revoke } });
  }

  #show(element, controller) {
    this.#current?.stop?.();
    this.#current = controller;
    this.#toasts.clear();
    this.#page.replaceWith(element);
    this.#page = element;
    focusHeading(element);
  }

  #render(state) {
    const { phase } = state;
    if (phase !== this.#phase) {
      this.#phase = phase;
      this.#change(phase, state);
    }
    this.#current?.update?.(state);
    if (phase === "preview" && this.#waiting && (this.#inLobby ? state.admitted : state.meeting.open)) this.#join(this.#waiting);
  }

  #change(phase, state) {
    const { store, call, devices, accounts } = this.#services;
    if (phase === "landing") this.#home.open();
    else this.#home.close();
    if (phase === "preview") {
      const name = guestNameOf(this.#token) ?? accounts.user?.username ?? "";
      const page = new PreviewPage({
        devices,
        name,
        title: this.#title,
        onjoin: (choice) => this.#join(choice),
        onback: () => this.#goHome(),
        onknock: (reason) => this.#knock(reason),
        onstop: () => this.#stopWaiting(),
      });
      this.#show(page.element, page);
      page.focusName();
    } else if (phase === "meeting") {
      const page = new MeetingPage({ store, call, devices, toasts: this.#toasts });
      this.#show(page.element, page);
      this.#announcer.say(`You are in the meeting ${state.meeting.title ?? ""}`);
    } else if (phase === "ended") {
      const page = endedPage(state.ended, { onrejoin: () => this.#enter({ token: this.#token, title: state.meeting.title }), onhome: () => this.#goHome() });
      this.#show(page, null);
    }
  }

  #accept({ token, title, sharePath }) {
    keep({ token, title, sharePath });
    this.#enter({ token, title });
  }

  /** Preview: devices and signaling start side by side, so that joining later is quick. */
  async #enter({ token, title }) {
    const { store, call } = this.#services;
    this.#token = token;
    this.#title = title;
    this.#waiting = null;
    this.#reason = "";
    store.dispatch({ type: "reset", phase: "preview" });
    this.#render(store.get());
    const page = this.#current;
    if (roleOf(token) !== "viewer") page.start();
    await this.#connect(page, call, token, title);
  }

  async #connect(page, call, token, title) {
    page.setBusy("Connecting…");
    page.showProblem(null);
    try {
      await call.open(token, title);
      page.setBusy(null);
    } catch (error) {
      page.setBusy(null);
      page.showProblem(joinWords(error));
    }
  }

  async #join(choice) {
    const { store, call } = this.#services;
    const page = this.#current;
    this.#waiting = null;
    page.showProblem(null);
    page.showWaiting(null);
    page.setBusy("Joining…");
    try {
      await call.join(choice.name, { muted: choice.muted });
    } catch (error) {
      if (this.#current !== page) return;
      if (error.code === "lobby" || (error.code === "not_found" && store.get().self.role !== "host")) {
        this.#wait(choice, error.code === "lobby");
        return;
      }
      page.setBusy(null);
      page.showProblem(joinWords(error));
    }
  }

  #wait(choice, inLobby) {
    this.#waiting = choice;
    this.#inLobby = inLobby;
    this.#current.setBusy(null);
    this.#current.showWaiting(inLobby ? "lobby" : "host");
    if (inLobby && this.#reason) this.#knock(this.#reason);
  }

  /** The reason stays for the next time, as a lobby forgets who was away. */
  #knock(reason) {
    this.#reason = reason;
    return this.#services.call.knock(this.#waiting.name, reason);
  }

  async #stopWaiting() {
    this.#waiting = null;
    this.#current.showWaiting(null);
    await this.#services.call.stopWaiting();
  }

  #goHome() {
    const { store, call } = this.#services;
    forget();
    this.#token = null;
    this.#waiting = null;
    call.dismiss();
    store.dispatch({ type: "reset", phase: "landing" });
  }
}
