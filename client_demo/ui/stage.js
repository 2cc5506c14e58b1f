/** Arranges tiles: a grid that fits, or a stage with a strip beside it. */

import { gridLayout, stageLayout } from "../layout.js";
import { pageOf, roster, screenTracks } from "../store.js";
import { h, iconButton, setText } from "./dom.js";
import { personItems } from "./person_menu.js";
import { OwnScreenTile, ParticipantTile, ScreenTile } from "./tile.js";

const MOST_TILES = 25;
const LEAST_TILE_AREA = 15_000;
const REACTION_MS = 2_700;
const PICTURES_DELAY_MS = 600;

export class Stage {
  #store;
  #call;
  #settings;
  #actions;
  #tiles = new Map();
  #area = h("div.tiles");
  #back;
  #forward;
  #count = h("div.page-count", { role: "status", hidden: true });
  #size = { width: 0, height: 0 };
  #observer;
  #pictures = { key: "", timer: null, limited: false };

  /** actions: {onquality, onstopscreen}. */
  constructor({ store, call, settings, actions }) {
    this.#store = store;
    this.#call = call;
    this.#settings = settings;
    this.#actions = actions;
    this.#back = this.#pager("back", "chevron-left", "Previous page of people", -1);
    this.#forward = this.#pager("forward", "chevron-right", "Next page of people", 1);
    this.element = h("main.stage", { "aria-label": "Pictures" }, this.#area, this.#back, this.#forward, this.#count);
    this.#observer = new ResizeObserver(([entry]) => this.#resized(entry.contentRect));
    this.#observer.observe(this.element);
  }

  #pager(className, name, label, step) {
    const turn = () => {
      const { page } = pageOf(this.#store.get(), this.#capacity());
      this.#store.dispatch({ type: "page", page: Math.max(0, page + step) });
    };
    const button = iconButton(name, label, turn, { hidden: true });
    button.classList.add("pager", className);
    return button;
  }

  #resized({ width, height }) {
    this.#size = { width, height };
    this.#area.classList.add("still");
    this.update(this.#store.get());
    requestAnimationFrame(() => this.#area.classList.remove("still"));
  }

  #capacity() {
    const fitting = Math.floor((this.#size.width * this.#size.height) / LEAST_TILE_AREA);
    return Math.min(MOST_TILES, Math.max(4, fitting));
  }

  #gap() {
    return this.#size.width < 620 ? 6 : 10;
  }

  update(state) {
    if (state.phase !== "meeting" || this.#size.width === 0) return;
    const screens = screenTracks(state);
    const pinned = state.pinned && state.participants[state.pinned] ? state.pinned : null;
    if (screens.length > 0 || pinned) this.#showStage(state, screens, pinned);
    else this.#showGrid(state);
  }

  #showGrid(state) {
    const { width, height } = this.#size;
    const { page, pages, shown } = pageOf(state, this.#capacity());
    const layout = gridLayout(shown.length, width, height, this.#gap());
    this.#render(state, shown.map(({ participant_id }, index) => [participant_id, layout.tiles[index]]));
    this.#back.hidden = page === 0;
    this.#forward.hidden = page >= pages - 1;
    this.#count.hidden = pages === 1;
    this.#count.classList.remove("in-stage");
    setText(this.#count, pages > 1 ? `${page + 1} of ${pages}` : "");
    this.#limitPictures(shown.map((person) => person.participant_id), pages > 1);
  }

  #showStage(state, screens, pinned) {
    const { width, height } = this.#size;
    const main = pinned ?? `screen:${screens[0].track_id}`;
    const others = [
      ...screens.map((track) => `screen:${track.track_id}`),
      ...this.#speakersFirst(state),
    ].filter((key) => key !== main);
    const layout = stageLayout(others.length, width, height, this.#gap());
    const shown = others.slice(0, layout.shown);
    this.#render(state, [[main, layout.stage], ...shown.map((key, index) => [key, layout.tiles[index]])]);
    const hidden = others.length - shown.length;
    this.#back.hidden = this.#forward.hidden = true;
    this.#count.hidden = hidden === 0;
    this.#count.classList.add("in-stage");
    setText(this.#count, hidden > 0 ? `${hidden} more not shown` : "");
    this.#limitPictures([main, ...shown], hidden > 0);
  }

  #speakersFirst(state) {
    return roster(state)
      .map((person) => person.participant_id)
      .sort((a, b) => (state.last_spoke[b] ?? 0) - (state.last_spoke[a] ?? 0));
  }

  #render(state, places) {
    const wanted = new Set(places.map(([key]) => key));
    for (const [key, tile] of this.#tiles) {
      if (wanted.has(key)) continue;
      tile.remove();
      this.#tiles.delete(key);
    }
    const picture = (key) => (key === "camera" ? this.#call.localTrack("video") : this.#call.mediaTrack(key));
    places.forEach(([key, box], index) => {
      let tile = this.#tiles.get(key);
      if (!tile) {
        tile = this.#make(state, key);
        this.#tiles.set(key, tile);
      }
      tile.update(state, picture, this.#settings.mirror);
      tile.place(box);
      if (this.#area.children[index] !== tile.element) this.#area.insertBefore(tile.element, this.#area.children[index] ?? null);
    });
  }

  #make(state, key) {
    if (key.startsWith("screen:")) {
      const trackId = key.slice(7);
      const mine = state.tracks[trackId]?.participant_id === state.self.participant_id;
      return mine ? new OwnScreenTile(this.#actions.onstopscreen) : new ScreenTile(trackId);
    }
    return new ParticipantTile(key, {
      onpin: () => this.#store.dispatch({ type: "pin", participant_id: key }),
      onquality: this.#actions.onquality,
      items: () => personItems({ store: this.#store, call: this.#call }, key),
    });
  }

  /** With more people than tiles, receive only the pictures that are shown; turning pages quickly asks once. */
  #limitPictures(ids, limited) {
    if (!limited && !this.#pictures.limited) return;
    const state = this.#store.get();
    const wanted = limited ? ids : state.order;
    const key = [...wanted].sort().join();
    if (key === this.#pictures.key) return;
    this.#pictures.key = key;
    this.#pictures.limited = limited;
    clearTimeout(this.#pictures.timer);
    this.#pictures.timer = setTimeout(() => this.#call.showPictures(wanted), PICTURES_DELAY_MS);
  }

  /** Let a reaction rise from its sender's tile, or from the middle of the stage. */
  react({ participant_id, reaction }) {
    const host = this.#tiles.get(participant_id)?.element ?? this.#area;
    const emoji = h("span.reaction", { "aria-hidden": "true" }, reaction);
    host.append(emoji);
    setTimeout(() => emoji.remove(), REACTION_MS);
  }

  stop() {
    this.#observer.disconnect();
    clearTimeout(this.#pictures.timer);
    for (const tile of this.#tiles.values()) tile.remove();
    this.#tiles.clear();
  }
}
