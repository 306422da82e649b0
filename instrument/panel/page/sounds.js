// All presets as cards: a click plays one at once, arrow keys step from one to the next.

import { panel } from "./connection.js";
import { colour, el } from "./dom.js";
import { Recording } from "./recording.js";

const BANDS = 24;
const STEPS = 32;

const easel = el("canvas", { width: STEPS, height: BANDS });

/** Return the spectrum of a sound as an image in a colour; a canvas for each would cost a layer in every frame. */
function pictureOf(picture, [red, green, blue]) {
  const drawing = easel.getContext("2d", { willReadFrequently: true });
  const image = drawing.createImageData(STEPS, BANDS);
  const bytes = atob(picture);
  for (let band = 0; band < BANDS; band++) {
    for (let step = 0; step < STEPS; step++) {
      const alpha = 255 * (bytes.charCodeAt(band * STEPS + step) / 255) ** 1.7;
      image.data.set([red, green, blue, alpha], 4 * ((BANDS - 1 - band) * STEPS + step));
    }
  }
  drawing.putImageData(image, 0, 0);
  return easel.toDataURL();
}

/** Return the red, green and blue of a colour of the style sheet. */
function mixOf(name) {
  const digits = colour(name).slice(1);
  return [0, 2, 4].map((at) => parseInt(digits.slice(at, at + 2), 16));
}

export class Sounds {
  constructor() {
    this.search = el("input", { type: "search", placeholder: "Search sounds", "aria-label": "Search sounds", oninput: () => this.draw() });
    this.chips = el("div", { className: "chips", role: "group", "aria-label": "Kinds of sounds" });
    this.cards = el("div", { className: "cards", role: "list" });
    this.tag = "all";
    this.recording = new Recording();
    this.element = el("div", {}, el("div", { className: "sounds-tools" }, this.search, this.recording.button, this.chips, this.recording.input),
      this.recording.element, this.cards);
    this.element.addEventListener("keydown", (event) => this.step(event));
    panel.on("Library", () => this.draw());
    panel.on("Desk", () => this.mark());
  }

  show() { this.draw(); }

  get plays() { return panel.last.Desk?.preset; }

  filtered() {
    const { presets, recent } = panel.last.Library;
    const words = this.search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const says = (card) => `${card.name} ${card.preset} ${card.tags.join(" ")} ${card.description} ${card.model} ${card.program ?? ""}`.toLowerCase();
    const kinds = { all: () => true, favourites: (card) => card.is_favourite, mine: (card) => card.is_own,
      recent: (card) => recent.includes(card.preset) };
    const kind = kinds[this.tag] || ((card) => card.tags.includes(this.tag));
    const found = presets.filter((card) => kind(card) && words.every((word) => says(card).includes(word)));
    return this.tag === "recent" ? found.sort((a, b) => recent.indexOf(a.preset) - recent.indexOf(b.preset)) : found;
  }

  draw() {
    if (!panel.last.Library) return;
    this.drawChips(panel.last.Library.presets);
    const found = this.filtered();
    this.mix = mixOf("player");
    const focused = document.activeElement?.closest?.(".card")?.dataset.preset;
    this.cards.replaceChildren(...found.map((card) => this.card(card)));
    if (!found.length) this.cards.append(el("p", { className: "dim", textContent: "No sound is called so. Clear the search to see them all." }));
    this.mark();
    if (focused) this.cards.querySelector(`[data-preset="${CSS.escape(focused)}"] .pick`)?.focus();
  }

  drawChips(presets) {
    const counts = new Map();
    for (const card of presets) for (const tag of card.tags) counts.set(tag, (counts.get(tag) || 0) + 1);
    const tags = [...counts].filter(([, count]) => count > 1).sort((a, b) => b[1] - a[1]).map(([tag]) => tag);
    this.chips.replaceChildren(...["all", "favourites", "recent", "mine", ...tags].map((tag) => el("button", {
      textContent: tag, "aria-pressed": String(tag === this.tag), onclick: () => { this.tag = tag; this.draw(); } })));
  }

  picture(card) { return card.picture ? { src: pictureOf(card.picture, this.mix) } : {}; }

  card(card) {
    const words = card.problem ? card.problem : card.tags.join(" · ") || card.model;
    const pick = el("button", { className: "pick", title: card.problem || card.description, disabled: Boolean(card.problem),
      onclick: () => panel.send("Play", { preset: card.preset }) },
      el("img", { alt: "", className: "picture", draggable: false, ...this.picture(card) }),
      el("div", { className: "words" }, el("b", { textContent: card.name }), el("small", { textContent: words })));
    const star = el("button", { className: "star", textContent: card.is_favourite ? "★" : "☆",
      "aria-pressed": String(card.is_favourite), "aria-label": `Favourite: ${card.name}`,
      onclick: () => panel.send("Favourite", { preset: card.preset, on: !card.is_favourite }) });
    if (card.program !== null) pick.append(el("span", { className: "program", title: `MIDI program change ${card.program}`, "aria-label": `Program ${card.program}`, role: "note", textContent: card.program }));
    const element = el("div", { className: `card${card.problem ? " broken" : ""}`, role: "listitem" }, pick, star);
    element.dataset.preset = card.preset;
    return element;
  }

  mark() {
    for (const card of this.cards.querySelectorAll(".card")) {
      const plays = card.dataset.preset === this.plays;
      card.classList.toggle("plays", plays);
      card.querySelector(".pick").setAttribute("aria-current", String(plays));
      card.querySelector(".now")?.remove();
      if (plays) card.append(el("span", { className: "now", textContent: "plays" }));
    }
  }

  /** Move through the cards as they lie, and play the one that is reached. */
  step(event) {
    const picks = [...this.cards.querySelectorAll(".pick:not(:disabled)")];
    const at = picks.indexOf(document.activeElement);
    const columns = getComputedStyle(this.cards).gridTemplateColumns.split(" ").length;
    const by = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
    if (!by || at < 0 && event.target !== this.search) return;
    event.preventDefault();
    const next = picks[Math.min(picks.length - 1, Math.max(0, at < 0 ? 0 : at + by))];
    next?.focus();
    next?.click();
  }

  /** Play the next or the one before, from anywhere. */
  next(by) {
    const found = this.filtered().filter((card) => !card.problem);
    const at = found.findIndex((card) => card.preset === this.plays);
    const card = found[(at + by + found.length) % found.length];
    if (card) panel.send("Play", { preset: card.preset });
  }
}
