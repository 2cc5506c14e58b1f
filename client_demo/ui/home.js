/** What is shown outside of meetings: the first page, signing in, or the dashboard of whoever is signed in. */

import { DashboardPage } from "./dashboard.js";
import { landingPage } from "./landing.js";
import { registerPage, signInPage } from "./sign_in.js";

export class Home {
  #accounts;
  #toasts;
  #show;
  #onenter;
  #page = null;
  #registration = null;

  /** show(element, controller) replaces the page; onenter({token, title, sharePath}) is called with an invitation. */
  constructor({ accounts, toasts, show, onenter }) {
    this.#accounts = accounts;
    this.#toasts = toasts;
    this.#show = show;
    this.#onenter = onenter;
    accounts.addEventListener("changed", ({ detail }) => this.#changed(detail));
  }

  /** Show the page that fits: the dashboard, or the first page. */
  open() {
    if (this.#accounts.user) this.#dashboard();
    else if (this.#registration) this.#register();
    else this.#landing();
  }

  /** Another page took the place. */
  close() {
    this.#page = null;
  }

  /** An administrator's link to make an account with; whoever is signed in does not need it. */
  invitedToRegister(registration) {
    this.#registration = registration;
    if (this.#page !== null && !this.#accounts.user) this.#register();
  }

  #changed({ user, reason }) {
    if (user !== null) this.#registration = null;
    if (this.#page === null) return;
    if (user !== null) this.#dashboard();
    else if (reason === "expired") this.#signIn(true);
    else if (this.#page === "dashboard") this.#landing();
  }

  #put(name, element, controller = null) {
    this.#page = name;
    this.#show(element, controller);
  }

  #landing() {
    this.#put("landing", landingPage({ about: this.#accounts.about, onenter: this.#onenter, onsignin: () => this.#signIn(false) }));
  }

  #signIn(expired) {
    const open = this.#accounts.about?.registration === "open" || this.#registration !== null;
    const onregister = open ? () => this.#register() : null;
    this.#put("sign_in", signInPage(this.#accounts, { onregister, expired, onback: () => this.#landing() }));
    document.querySelector("#username").focus();
  }

  #register() {
    const onsignin = () => this.#signIn(false);
    this.#put("register", registerPage(this.#accounts, { registration: this.#registration, onsignin, onback: () => this.#landing() }));
    document.querySelector("#username").focus();
  }

  #dashboard() {
    const page = new DashboardPage({ accounts: this.#accounts, toasts: this.#toasts, onenter: this.#onenter });
    this.#put("dashboard", page.element, page);
  }
}
