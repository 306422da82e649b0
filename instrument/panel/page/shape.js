// The sound that plays, knob by knob: groups come from the preset's own schema.

import { panel } from "./connection.js";
import { curves } from "./curves.js";
import { el, oncePerFrame } from "./dom.js";
import { Choice, Knob } from "./knob.js";
import { ask } from "./ask.js";
import { learnSwitch } from "./learn.js";

export class Shape {
  constructor() {
    this.knobs = new Map();
    this.curves = curves((field, value) => this.turn(field, value));
    this.groups = el("div", { className: "groups" });
    this.file = el("input", { type: "file", accept: ".toml", hidden: true, onchange: () => this.take(this.file.files[0]) });
    this.element = el("div", { className: "shape-view" }, this.tools(), el("div", { className: "curves" }, ...this.curves.map((curve) => curve.element)), this.groups);
    const sends = new Map();
    this.turn = (field, value) => {
      if (!sends.has(field)) sends.set(field, oncePerFrame((last) => panel.send("Set", { field, value: last })));
      sends.get(field)(value);
    };
    panel.on("Hello", (hello) => this.build(hello.groups));
    panel.on("Desk", (desk) => this.draw(desk));
    panel.on("Situation", () => this.showRack());
  }

  show() {}

  tools() {
    const button = (textContent, title, onclick) => el("button", { textContent, title, onclick });
    this.undo = button("Undo", "Take the last change back (Ctrl-Z)", () => panel.send("Undo"));
    this.redo = button("Redo", "Make it again (Ctrl-Y)", () => panel.send("Redo"));
    this.side = button("A", "Compare with the sound as it was stored", () => panel.send("Compare"));
    this.save = button("Save", "Keep it in its own file", () => panel.send("Save"));
    return el("div", { className: "row" }, this.undo, this.redo, this.side, learnSwitch(), el("span", { className: "grow" }),
      this.save, button("Save as…", "Keep it under a new name", () => this.saveAs()),
      button("Rename…", "Give it another name", () => this.rename()),
      button("Export", "Download it as a file", () => this.give()),
      button("Import…", "Take a preset's file; or drop one here", () => this.file.click()),
      button("Delete…", "Put it into the bin", () => this.remove()),
      button("Restore…", "Take a sound out of the bin again", () => this.restore()), this.file);
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
      return el("section", { className: "group", "aria-label": name, "data-table": table }, el("h2", { className: "small", textContent: name }), el("div", { className: "knobs" }, ...knobs));
    }));
    if (panel.last.Desk) this.draw(panel.last.Desk);
  }

  /** Show the knobs of the rack that plays, or is chosen, and of no other. */
  showRack() {
    const plays = [panel.last.Situation?.rack, panel.last.Desk?.values["rack.name"], "own"];
    for (const group of this.groups.querySelectorAll("[data-table^='rack.']")) {
      const name = group.dataset.table.slice("rack.".length);
      group.hidden = !plays.includes(name);
      group.querySelector("h2").textContent = `rack: ${name === "own" ? panel.last.Situation?.rack : name.replaceAll("_", " ")}`;
    }
    const choice = this.knobs.get("rack.name")?.element.querySelector("select");
    if (!choice) return;
    choice.disabled = Boolean(panel.last.Situation?.rack_is_asked);
    choice.title = choice.disabled ? "--rack has chosen it" : "";
  }

  draw(desk) {
    this.showRack();
    for (const [field, value] of Object.entries(desk.values)) {
      const knob = this.knobs.get(field);
      if (knob && !knob.element.matches(":has([role=slider]:active)")) knob.show(value);
    }
    for (const curve of this.curves) if (!curve.element.matches(":has(.handle:active)")) curve.show(desk.values);
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
    const preset = await ask("Put into the bin", mine.map((card) => card.preset), "Delete", "There is nothing of your own but what plays now.");
    if (preset) panel.send("Delete", { preset });
  }

  async restore() {
    const preset = await ask("Take out of the bin", panel.last.Library.bin, "Restore", "The bin is empty.");
    if (preset) panel.send("Restore", { preset });
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
