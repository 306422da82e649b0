// The sound that plays, knob by knob: groups come from the preset's own schema.

import { panel } from "./connection.js";
import { el, oncePerFrame, svg } from "./dom.js";
import { Choice, Knob } from "./knob.js";
import { ask } from "./ask.js";

const WIDE = 240;
const HIGH = 80;

function envelopePath(values) {
  const attack = Math.cbrt(values["envelope.attack_seconds"] / 10) * 70;
  const decay = Math.cbrt(values["envelope.decay_seconds"] / 30) * 60;
  const release = Math.cbrt(values["envelope.release_seconds"] / 10) * 70;
  const sustain = HIGH * (1 - values["envelope.sustain_level"]);
  const held = WIDE - release;
  return `M0 ${HIGH} L${attack} 0 Q${attack + decay * 0.3} ${sustain} ${attack + decay} ${sustain} L${held} ${sustain} Q${held + release * 0.3} ${HIGH} ${WIDE} ${HIGH}`;
}

/** The response of a two-pole low-pass: Butterworth, with a peak by resonance. */
function filterPath(values) {
  const cutoff = values["filter.cutoff_hz"];
  const damping = Math.SQRT2 * (1 - 0.9 * values["filter.resonance"]);
  let path = "";
  for (let x = 0; x <= WIDE; x += 4) {
    const ratio = 20 * 1000 ** (x / WIDE) / cutoff;
    const gain = cutoff >= 20000 ? 1 : 1 / Math.hypot(1 - ratio ** 2, damping * ratio);
    const y = HIGH * (0.3 - 20 * Math.log10(Math.max(gain, 1e-4)) / 60);
    path += `${x ? "L" : "M"}${x} ${Math.min(HIGH, Math.max(-8, y)).toFixed(1)} `;
  }
  return path;
}

function touchPath(values) {
  let path = "";
  for (let x = 0; x <= WIDE; x += 8) {
    const loud = 1 - values["touch.velocity_to_gain"] * (1 - (x / WIDE) ** values["touch.velocity_curve"]);
    path += `${x ? "L" : "M"}${x} ${(HIGH * (1 - loud)).toFixed(1)} `;
  }
  return path;
}

class Curve {
  constructor(name, draw) {
    this.draw = draw;
    this.line = svg("path");
    this.under = svg("path", { class: "under" });
    const picture = svg("svg", { viewBox: `0 -8 ${WIDE} ${HIGH + 12}`, preserveAspectRatio: "none", role: "img", "aria-label": `${name} as a curve` }, this.under, this.line);
    this.element = el("div", { className: "curve" }, el("h2", { className: "small", textContent: name }), picture);
  }

  show(values) {
    const path = this.draw(values);
    this.line.setAttribute("d", path);
    this.under.setAttribute("d", `${path} L${WIDE} ${HIGH} L0 ${HIGH} Z`);
  }
}

export class Shape {
  constructor() {
    this.knobs = new Map();
    this.curves = [new Curve("Envelope", envelopePath), new Curve("Filter", filterPath), new Curve("Touch", touchPath)];
    this.groups = el("div", { className: "groups" });
    this.file = el("input", { type: "file", accept: ".toml", hidden: true, onchange: () => this.take(this.file.files[0]) });
    this.element = el("div", { className: "shape-view" }, this.tools(), el("div", { className: "curves" }, ...this.curves.map((curve) => curve.element)), this.groups);
    this.element.addEventListener("dragover", (event) => event.preventDefault());
    this.element.addEventListener("drop", (event) => { event.preventDefault(); this.take(event.dataTransfer.files[0]); });
    const sends = new Map();
    this.turn = (field, value) => {
      if (!sends.has(field)) sends.set(field, oncePerFrame((last) => panel.send("Set", { field, value: last })));
      sends.get(field)(value);
    };
    panel.on("Hello", (hello) => this.build(hello.groups));
    panel.on("Desk", (desk) => this.draw(desk));
  }

  show() {}

  tools() {
    const button = (textContent, title, onclick) => el("button", { textContent, title, onclick });
    this.undo = button("Undo", "Take the last change back (Ctrl-Z)", () => panel.send("Undo"));
    this.redo = button("Redo", "Make it again (Ctrl-Y)", () => panel.send("Redo"));
    this.side = button("A", "Compare with the sound as it was stored", () => panel.send("Compare"));
    this.save = button("Save", "Keep it in its own file", () => panel.send("Save"));
    return el("div", { className: "row" }, this.undo, this.redo, this.side, el("span", { className: "grow" }),
      this.save, button("Save as…", "Keep it under a new name", () => this.saveAs()),
      button("Rename…", "Give it another name", () => this.rename()),
      button("Export", "Download it as a file", () => this.give()),
      button("Import…", "Take a preset's file; or drop one here", () => this.file.click()),
      button("Delete…", "Put it into the bin", () => this.remove()), this.file);
  }

  build(groups) {
    this.knobs.clear();
    this.groups.replaceChildren(...Object.entries(groups).map(([table, specs]) => {
      const name = table.split(".").at(-1); // "effects.reverb" is the reverb
      const knobs = specs.map((spec) => {
        const knob = spec.kind === "number" ? new Knob(spec, this.turn) : new Choice(spec, this.turn);
        this.knobs.set(spec.field, knob);
        return knob.element;
      });
      return el("section", { className: "group", "aria-label": name }, el("h2", { className: "small", textContent: name }), el("div", { className: "knobs" }, ...knobs));
    }));
    if (panel.last.Desk) this.draw(panel.last.Desk);
  }

  draw(desk) {
    for (const [field, value] of Object.entries(desk.values)) {
      const knob = this.knobs.get(field);
      if (knob && !knob.element.matches(":has([role=slider]:active)")) knob.show(value);
    }
    for (const curve of this.curves) curve.show(desk.values);
    this.undo.disabled = !desk.undo;
    this.redo.disabled = !desk.redo;
    this.undo.textContent = desk.undo ? `Undo ${desk.undo}` : "Undo";
    this.side.textContent = desk.side === "A" ? "A: now" : "B: as stored";
    this.side.setAttribute("aria-pressed", String(desk.side === "B"));
    this.side.disabled = this.save.disabled = !desk.is_changed;
  }

  async saveAs() {
    const name = await ask("Save this sound as", panel.last.Desk.name, "Save");
    if (name) panel.send("Save", { name });
  }

  async rename() {
    const { preset, name } = panel.last.Desk;
    const other = await ask("Rename this sound", name, "Rename");
    if (other) panel.send("Rename", { preset, name: other });
  }

  async remove() {
    const mine = panel.last.Library.presets.filter((card) => card.is_own && card.preset !== panel.last.Desk.preset);
    const preset = await ask("Put into the bin", mine.map((card) => card.preset), "Delete");
    if (preset) panel.send("Delete", { preset });
  }

  give() {
    const link = el("a", { href: `presets/${encodeURIComponent(panel.last.Desk.preset)}.toml?token=${encodeURIComponent(panel.token)}`, download: "" });
    link.click();
  }

  async take(file) {
    if (!file) return;
    panel.send("Import", { text: await file.text() });
    this.file.value = "";
  }
}
