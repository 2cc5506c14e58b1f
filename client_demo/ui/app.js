/** Which page is shown: landing, preview, meeting, end. */

import { forget, keep, keptTitle, roleOf } from "../invitation.js";
import { joinWords } from "../words.js";
import { focusHeading, h } from "./dom.js";
import { endedPage, unsupportedPage } from "./ended.js";
import { landingPage } from "./landing.js";
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
  #waiting = null;
  #inLobby = false;
  #reason = "";

  /** services: {store, call, devices}. */
  constructor(root, services) {
    this.#root = root;
    this.#services = services;
    root.append(this.#page, this.#toasts.element, this.#announcer.element);
    services.store.subscribe((state) => this.#render(state));
    services.call.addEventListener("notice", ({ detail }) => this.#toasts.show(detail));
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

  /** Show the first page; with an invitation kept from before a reload that is the preview. */
  start(token) {
    if (token) this.#enter({ token, title: keptTitle() });
    else this.#render(this.#services.store.get());
  }

  showUnsupported(words) {
    this.#show(unsupportedPage(words), null);
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
    const phase = state.phase === "joining" ? "preview" : state.phase;
    if (phase !== this.#phase) {
      this.#phase = phase;
      this.#change(phase, state);
    }
    this.#current?.update?.(state);
    if (phase === "preview" && this.#waiting && (this.#inLobby ? state.admitted : state.meeting.open)) this.#join(this.#waiting);
  }

  #change(phase, state) {
    const { store, call, devices } = this.#services;
    if (phase === "landing") {
      this.#show(landingPage({ onenter: (invitation) => this.#accept(invitation) }), null);
    } else if (phase === "preview") {
      const page = new PreviewPage({
        devices,
        onjoin: (choice) => this.#join(choice),
        onback: () => this.#home(),
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
      const page = endedPage(state.ended, { onrejoin: () => this.#enter({ token: this.#token, title: state.meeting.title }), onhome: () => this.#home() });
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

  #home() {
    const { store, call } = this.#services;
    forget();
    this.#token = null;
    this.#waiting = null;
    call.dismiss();
    store.dispatch({ type: "reset", phase: "landing" });
  }
}
