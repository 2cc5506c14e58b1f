/** The first page: start a meeting where anybody may, join one with a link, or sign in. */

import { startMeeting } from "../invitation.js";
import { brand, h, icon, setText } from "./dom.js";
import { joinCard } from "./join_form.js";
import { themeButton } from "./theme.js";

const PROMISES = [
  ["lock", "Sound, pictures and messages are encrypted between every browser and the server. Nothing travels in the clear."],
  ["link", "Invitations are signed. Each opens one meeting, in one role, for a limited time."],
  ["door", "Nothing to install, and guests need no account. Close the tab and you are gone."],
];

/**
 * onenter({token, title, sharePath}) is called with an invitation. about: what the server offers to newcomers, null when it did not say.
 */
export function landingPage({ about, onenter, onsignin }) {
  const open = about?.open_creation ?? true;
  return h(
    "div.page",
    {},
    h(
      "header.page-head",
      {},
      brand(),
      h("span.row", {}, h("button.button.small.quiet", { type: "button", id: "to-sign-in", onclick: onsignin }, "Sign in"), themeButton()),
    ),
    h(
      "main.page-main",
      {},
      h(
        "div.landing",
        {},
        h(
          "div.landing-words",
          {},
          h("h1", {}, "Meet behind a locked door."),
          h("p", {}, "Conclave is a meeting room in your browser: see and hear each other, show your screen, raise a hand."),
          h("ul.promises", {}, PROMISES.map(([name, words]) => h("li", {}, icon(name), h("span", {}, words)))),
        ),
        h("div.landing-cards", {}, open ? startCard(onenter) : null, joinCard(onenter), open ? null : signInCard(onsignin)),
      ),
    ),
  );
}

function signInCard(onsignin) {
  return h(
    "section.card.stack",
    { "aria-labelledby": "own-heading" },
    h("h2", { id: "own-heading" }, "Hold your own meetings"),
    h("p.hint", {}, "On this server meetings belong to people with an account."),
    h("button.button.primary", { type: "button", onclick: onsignin }, "Sign in"),
  );
}

function startCard(onenter) {
  const title = h("input.input", { id: "meeting-title", type: "text", maxlength: 200, placeholder: "Weekly round", autocomplete: "off" });
  const error = h("p.error-text", { role: "alert", hidden: true });
  const button = h("button.button.primary", { type: "submit", id: "start-meeting" }, "Start a meeting");
  const form = h(
    "form.card.stack",
    { "aria-labelledby": "start-heading" },
    h("h2", { id: "start-heading" }, "Start a meeting"),
    h("div.field", {}, h("label", { for: "meeting-title" }, "What is it about? (optional)"), title),
    button,
    error,
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    error.hidden = true;
    try {
      const { token, sharePath } = await startMeeting();
      onenter({ token, sharePath, title: title.value.trim() || "Meeting" });
    } catch (problem) {
      setText(error, problem.message);
      error.hidden = false;
      button.disabled = false;
    }
  });
  return form;
}
