/** The page after a meeting, or when nothing can be done. */

import { endedWords } from "../words.js";
import { brand, h, icon } from "./dom.js";
import { themeButton } from "./theme.js";

function messagePage(name, { title, text }, actions) {
  return h(
    "div.page",
    {},
    h("header.page-head", {}, brand(), themeButton()),
    h(
      "main.page-main",
      {},
      h("div.ended", {}, h("span.ended-mark", {}, icon(name)), h("h1", {}, title), h("p", {}, text), h("div.row", {}, actions)),
    ),
  );
}

/** `ended` is {code, detail}; one can come back unless the meeting is over. */
export function endedPage(ended, { onrejoin, onhome }) {
  const over = ended.code === "meeting_ended" || ended.code === "ended";
  return messagePage(over || ended.code === "left" ? "door" : "warning", endedWords(ended), [
    over ? null : h("button.button.primary", { type: "button", id: "rejoin", onclick: onrejoin }, "Join again"),
    h("button.button.quiet", { type: "button", id: "home", onclick: onhome }, "Back to the start page"),
  ]);
}

export function unsupportedPage(words) {
  return messagePage("warning", words, []);
}
