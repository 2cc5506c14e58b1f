/** The first page: start a meeting, or join one with a link. */

import { startMeeting, tokenOf } from "../invitation.js";
import { brand, h, icon, setText } from "./dom.js";
import { themeButton } from "./theme.js";

const PROMISES = [
  ["lock", "Sound, pictures and messages are encrypted between every browser and the server. Nothing travels in the clear."],
  ["link", "Invitations are signed. Each opens one meeting, in one role, for a limited time."],
  ["door", "Nothing to install, no account. Close the tab and you are gone."],
];

/** onenter({token, title, sharePath}) is called with an invitation. */
export function landingPage({ onenter }) {
  return h(
    "div.page",
    {},
    h("header.page-head", {}, brand(), themeButton()),
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
        h("div.landing-cards", {}, startCard(onenter), joinCard(onenter)),
      ),
    ),
  );
}

function startCard(onenter) {
  const title = h("input.input", { id: "meeting-title", type: "text", maxlength: 200, placeholder: "Weekly round", autocomplete: "off" });
  const error = h("p.error-text", { role: "alert", hidden: true });
  const button = h("button.button.primary", { type: "submit", id: "start-meeting" }, "Start a meeting");
  const form = h(
    "form.card",
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

function joinCard(onenter) {
  const link = h("input.input", {
    id: "invitation-link", type: "text", inputmode: "url", autocomplete: "off", spellcheck: "false",
    placeholder: "https://…/#…", "aria-describedby": "link-error",
  });
  const error = h("p.error-text", { id: "link-error", role: "alert", hidden: true });
  const form = h(
    "form.card",
    { "aria-labelledby": "join-heading" },
    h("h2", { id: "join-heading" }, "Join with an invitation"),
    h("div.field", {}, h("label", { for: "invitation-link" }, "Paste the link you were sent"), link),
    error,
    h("button.button", { type: "submit", id: "use-invitation" }, "Continue"),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const token = tokenOf(link.value);
    error.hidden = token !== null;
    link.setAttribute("aria-invalid", String(token === null));
    if (token) {
      onenter({ token, title: null, sharePath: null });
      return;
    }
    setText(error, link.value.trim() ? "This is not an invitation link. It should contain a # and a long code." : "Paste an invitation link first.");
    link.focus();
  });
  return form;
}
