/** Quality as bars, and the table behind them. */

import { BAR_NAMES, describe, formatBitrate } from "../quality.js";
import { openDialog } from "./dialogs.js";
import { h, setAttribute } from "./dom.js";

const TONES = ["poor", "poor", "fair", "good", "good"];

export class BarsView {
  #shown = null;

  constructor() {
    this.element = h("span.bars", { "aria-hidden": "true" }, Array.from({ length: 4 }, () => document.createElement("i")));
  }

  /** bars: 0-4, or null when nothing is known yet. */
  show(bars) {
    if (bars === this.#shown) return;
    this.#shown = bars;
    this.element.hidden = bars === null;
    if (bars === null) return;
    [...this.element.children].forEach((bar, index) => bar.classList.toggle("lit", index < Math.max(1, bars)));
    for (const tone of ["poor", "fair", "good"]) this.element.classList.toggle(tone, TONES[bars] === tone);
  }
}

/** A button with bars whose tooltip tells the figures and which opens the table. */
export class QualityButton {
  #bars = new BarsView();

  constructor(onclick) {
    this.element = h("button.icon-button", { type: "button", onclick, hidden: true, "aria-label": "Connection" }, this.#bars.element);
  }

  show(figures, whose) {
    this.element.hidden = !figures;
    this.#bars.show(figures ? figures.bars : null);
    if (!figures) return;
    setAttribute(this.element, "title", describe(figures));
    setAttribute(this.element, "aria-label", `Connection of ${whose}: ${BAR_NAMES[figures.bars]}. Show details`);
  }
}

/** A table of everybody's figures that stays up to date while it is open. */
export function qualityDialog(store) {
  const body = h("tbody");
  const table = h(
    "table.figures",
    {},
    h("thead", {}, h("tr", {}, ["Who", "Quality", "Loss", "Round trip", "Picture", "Rate"].map((name) => h("th", { scope: "col" }, name)))),
    body,
  );
  const render = (state) => {
    const rows = state.order.filter((id) => state.quality[id]).map((id) => figuresRow(state, id));
    body.replaceChildren(...(rows.length > 0 ? rows : [h("tr", {}, h("td", { colspan: 6 }, "Nothing is measured yet."))]));
  };
  const stop = store.subscribe(render);
  openDialog("Connection quality", () => [h("div.scroll-x", { tabIndex: 0, role: "region", "aria-label": "Figures" }, table), transportWords(store.get())], stop);
  render(store.get());
}

function figuresRow(state, id) {
  const { bars, loss, rtt_ms, fps, width, height, bitrate_bps } = state.quality[id];
  const view = new BarsView();
  view.show(bars);
  const mine = id === state.self.participant_id;
  const picture = fps ? `${width ?? "?"}×${height ?? "?"}, ${Math.round(fps)} fps` : "–";
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, `${state.participants[id]?.display_name ?? "?"}${mine ? " (you, sent)" : ""}`),
    h("td", {}, view.element, ` ${BAR_NAMES[bars]}`),
    h("td", {}, `${(loss * 100).toFixed(1)} %`),
    h("td", {}, rtt_ms === null ? "–" : `${rtt_ms} ms`),
    h("td", {}, picture),
    h("td", {}, formatBitrate(bitrate_bps)),
  );
}

function transportWords({ transports }) {
  return h("p.hint", {}, `Sending connection: ${transports.publisher}. Receiving connection: ${transports.subscriber}.`);
}
