// The partner: who plays along, how fast, and what it is going to play before it sounds.

import { panel } from "./connection.js";
import { colour, context, el } from "./dom.js";
import { partnerKnobs } from "./partner_knobs.js";
import { TakeList } from "./takes.js";

const BEFORE_BEATS = 4;
const AFTER_BEATS = 12;
const MODES = { answer: "answers your phrases", duet: "plays at the same time", accompany: "is a band", loop: "varies a loop" };

export class PartnerView {
  constructor() {
    this.mode = "answer";
    this.modes = el("div", { className: "row", role: "group", "aria-label": "Mode" });
    this.model = el("select", { "aria-label": "Composer" });
    this.tempo = el("input", { type: "number", min: 20, max: 400, value: 120, "aria-label": "Tempo in beats per minute" });
    this.call = el("button", { className: "on", onclick: () => this.start() });
    this.away = el("button", { textContent: "Let it go", onclick: () => panel.send("DismissPartner") });
    this.says = el("p", { className: "says", role: "status" });
    this.canvas = el("canvas", { role: "img", "aria-label": "What the partner is going to play, as a piano roll" });
    this.hint = el("p", { textContent: "No partner plays. Choose how it should play and call it: what it plans appears here before it sounds." });
    this.commands = this.buttons();
    this.element = el("div", { className: "partner-view" },
      el("div", { className: "row" }, el("h2", { textContent: "Partner" }), this.says),
      el("div", { className: "row" }, this.modes, this.model, this.tempo, el("span", { className: "dim", textContent: "bpm" }), this.call, this.away),
      el("div", { className: "roll" }, this.canvas, this.hint),
      el("div", { className: "row" }, ...this.commands), el("div", { className: "partner-more" }, partnerKnobs(), new TakeList().element));
    panel.on("Hello", (hello) => this.fill(hello.partner_models));
    panel.on("Situation", (situation) => this.follow(situation.has_partner));
    panel.on("View", (view) => this.draw(view));
    this.drawModes();
    this.follow(false);
  }

  show() { if (panel.last.View && this.isThere) this.draw(panel.last.View); }

  buttons() {
    const words = { Tap: "Tap tempo", Accept: "Accept", ThinkAgain: "Again", Lock: "Lock", Silence: "Silence", Keep: "Keep the take",
      BarLine: "Bar line", LockKey: "Stay in the key", ComeToEnd: "Ending" };
    return Object.entries(words).map(([type, textContent]) => el("button", { textContent, "data-ask": type, onclick: () => panel.send(type) }));
  }

  drawModes() {
    this.modes.replaceChildren(...Object.entries(MODES).map(([mode, title]) => el("button", { textContent: mode, title: `It ${title}`,
      "aria-pressed": String(mode === this.mode), onclick: () => { this.mode = mode; this.drawModes(); if (this.isThere) this.start(); } })));
  }

  fill(models) {
    this.model.replaceChildren(...models.map((model) => el("option", { value: model, textContent: model.replaceAll("_", " ") })));
    if (models.includes("note_lstm_tunes")) this.model.value = "note_lstm_tunes";
  }

  start() {
    const tempo = Math.min(400, Math.max(20, Number(this.tempo.value) || 120));
    panel.send("CallPartner", { mode: this.mode, model: this.model.value, tempo });
    this.says.textContent = "It is coming …";
  }

  follow(isThere) {
    this.isThere = isThere;
    this.call.textContent = isThere ? "Call anew" : "Call the partner";
    this.away.disabled = !isThere;
    this.hint.hidden = isThere;
    for (const button of this.commands) button.disabled = !isThere;
    if (!isThere) { this.says.textContent = ""; context(this.canvas); }
  }

  draw(view) {
    const bar = Math.floor(view.beats / view.bar_beats) + 1;
    const beat = Math.floor(view.beats % view.bar_beats) + 1;
    this.says.textContent = `${view.situation} · bar ${bar}.${beat} · ${Math.round(view.bpm)} bpm · ${view.clock}`;
    this.commands[3].setAttribute("aria-pressed", String(view.is_locked));
    if (this.element.isConnected) this.drawRoll(view);
  }

  drawRoll(view) {
    const { drawing, width, height } = context(this.canvas);
    const pitches = view.notes.map((note) => note.pitch);
    const [low, high] = [Math.min(48, ...pitches) - 2, Math.max(84, ...pitches) + 3];
    const x = (beat) => (beat - view.beats + BEFORE_BEATS) * width / (BEFORE_BEATS + AFTER_BEATS);
    const row = height / (high - low);
    drawing.fillStyle = colour("line");
    for (let beat = Math.ceil(view.beats - BEFORE_BEATS); beat < view.beats + AFTER_BEATS; beat++) {
      drawing.globalAlpha = beat % view.bar_beats === 0 ? 1 : 0.4;
      drawing.fillRect(x(beat), 0, 1, height);
    }
    for (const note of view.notes) this.drawNote(drawing, note, view, x, height - (note.pitch - low + 1) * row, row);
    drawing.globalAlpha = 1;
    drawing.fillStyle = colour("ink");
    drawing.fillRect(x(view.beats), 0, 2, height);
  }

  /** The player's notes are plain, the partner's have been played or are outlined: still to come. */
  drawNote(drawing, note, view, x, top, row) {
    const mine = note.part === -1;
    const comes = !mine && note.start > view.beats;
    const box = [x(note.start), top + 0.5, Math.max(4, x(note.start + note.length) - x(note.start) - 1), Math.max(4, row - 1)];
    drawing.fillStyle = drawing.strokeStyle = colour(mine ? "player" : "partner");
    drawing.globalAlpha = comes ? 0.45 : 1;
    drawing.fillRect(...box);
    drawing.globalAlpha = 1;
    if (comes) drawing.strokeRect(...box);
  }
}
