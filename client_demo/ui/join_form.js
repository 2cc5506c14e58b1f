/** Joining with a link that one was sent. */

import { tokenOf } from "../invitation.js";
import { h, setText } from "./dom.js";

/** onenter({token, title, sharePath}) is called with the invitation. */
export function joinCard(onenter) {
  const link = h("input.input", {
    id: "invitation-link", type: "text", inputmode: "url", autocomplete: "off", spellcheck: "false",
    placeholder: "https://…/#…", "aria-describedby": "link-error",
  });
  const error = h("p.error-text", { id: "link-error", role: "alert", hidden: true });
  const form = h(
    "form.card.stack",
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
