// The map of a model's sounds, and the pad between four of them: what lies between can be heard.

import { panel } from "./connection.js";
import { colour, context, draggable, el, oncePerFrame } from "./dom.js";
import { learnButton } from "./learn.js";

const FORGOTTEN_AFTER = 1500;

class Plane {
  constructor(label, className, go) {
    this.canvas = el("canvas", { "aria-hidden": "true" });
    this.x = this.y = 0.5;
    this.element = el("div", { className: `plane ${className}`, tabIndex: 0, role: "application",
      "aria-label": `${label} Drag, or use the arrow keys.` }, this.canvas);
    const send = oncePerFrame(go);
    draggable(this.element, () => [this.x, this.y], (x, y) => {
      [this.x, this.y, this.movedAt] = [x, y, performance.now()];
      this.draw();
      send(x, y);
    });
  }

  /** Draw the place that is played: a ring with a cross of thin lines. */
  drawPlace(drawing, width, height) {
    const [x, y] = [this.x * width, (1 - this.y) * height];
    drawing.strokeStyle = colour("line");
    drawing.beginPath();
    drawing.moveTo(x, 0); drawing.lineTo(x, height); drawing.moveTo(0, y); drawing.lineTo(width, y);
    drawing.stroke();
    drawing.fillStyle = drawing.strokeStyle = colour("player");
    drawing.lineWidth = 3;
    drawing.beginPath(); drawing.arc(x, y, 12, 0, 7); drawing.stroke();
    drawing.beginPath(); drawing.arc(x, y, 4, 0, 7); drawing.fill();
    drawing.lineWidth = 1;
  }

  get wasMovedHere() { return performance.now() - (this.movedAt || -1e9) < FORGOTTEN_AFTER; }
}

class SoundPlane extends Plane {
  constructor() {
    super("Map of the sounds.", "map", (x, y) => panel.send("Place", { x, y }));
    panel.on("Map", () => this.draw());
    panel.on("Desk", (desk) => {
      if (desk.x !== null && !this.wasMovedHere) [this.x, this.y] = [desk.x, desk.y];
      this.draw();
    });
  }

  draw() {
    if (!this.element.isConnected || !panel.last.Map) return;
    const { drawing, width, height } = context(this.canvas);
    this.drawPlace(drawing, width, height);
    const taken = [];
    const near = (spot) => Math.hypot(spot.x - this.x, spot.y - this.y) - (spot.preset ? 0.2 : 0);
    drawing.font = "12px system-ui, sans-serif";
    for (const spot of [...panel.last.Map.spots].sort((a, b) => near(a) - near(b))) {
      this.drawSpot(drawing, spot, spot.x * width, (1 - spot.y) * height, taken, width);
    }
  }

  drawSpot(drawing, spot, x, y, taken, width) {
    drawing.fillStyle = colour(spot.preset ? "ink" : "dim");
    drawing.beginPath();
    if (spot.preset) drawing.arc(x, y, 4, 0, 7); else drawing.rect(x - 2.5, y - 2.5, 5, 5);
    drawing.fill();
    const name = spot.name.replaceAll("_", " ").replaceAll("-", " ");
    const size = drawing.measureText(name).width;
    const left = x + 9 + size > width ? x - 9 - size : x + 9;
    const box = [left - 3, y - 9, left + size + 3, y + 9];
    if (taken.some((other) => box[0] < other[2] && other[0] < box[2] && box[1] < other[3] && other[1] < box[3])) return;
    taken.push(box);
    drawing.fillText(name, left, y + 4);
  }
}

class MorphPad extends Plane {
  constructor(corners) {
    const send = (x, y) => {
      const chosen = corners();
      if (chosen.every(Boolean)) panel.send("Morph", { corners: chosen, x, y });
    };
    super("Morph pad between the four sounds.", "pad", send);
    this.send = send;
    panel.on("Pad", (pad) => {
      if (!this.wasMovedHere) [this.x, this.y] = [pad.x, pad.y];
      this.draw();
    });
  }

  goHere() {
    this.movedAt = performance.now();
    this.send(this.x, this.y);
  }

  draw() {
    if (!this.element.isConnected) return;
    const { drawing, width, height } = context(this.canvas);
    this.drawPlace(drawing, width, height);
  }
}

/** What controllers move a plane. */
function axes(plane, label) {
  return el("div", { className: "row axes" }, ...["x", "y"].flatMap((axis) => [
    el("span", { className: "dim", textContent: axis.toUpperCase() }), learnButton(`${plane}.${axis}`, `${label} ${axis.toUpperCase()}`, true)]));
}

export class MapView {
  constructor() {
    this.plane = new SoundPlane();
    this.selects = ["Below left", "Below right", "Above left", "Above right"].map((name) => el("select", { "aria-label": `Morph corner: ${name.toLowerCase()}`, onchange: () => this.pad.goHere() }));
    this.pad = new MorphPad(() => this.selects.map((select) => select.value));
    this.model = el("p", { className: "dim" });
    const [belowLeft, belowRight, aboveLeft, aboveRight] = this.selects;
    const corners = (...two) => el("div", { className: "corners" }, ...two);
    this.element = el("div", { className: "map-view" },
      el("section", {}, el("div", { className: "row" }, el("h2", { textContent: "Map" }), el("span", { className: "grow" }),
        axes("map", "Map"), ...this.draws(),
        el("button", { textContent: "Back", title: "Undo", onclick: () => panel.send("Undo") })), this.model, this.plane.element),
      el("section", {}, el("h2", { textContent: "Morph" }),
        el("p", { className: "dim", textContent: "Four sounds, and everything between them. Notes that you hold go along." }),
        el("div", {}, corners(aboveLeft, aboveRight), this.pad.element, corners(belowLeft, belowRight), this.path(), axes("morph", "Morph pad"))));
    new ResizeObserver(() => { this.plane.draw(); this.pad.draw(); }).observe(this.element);
    panel.on("Library", () => this.fill());
    panel.on("Pad", () => { if (!this.pad.wasMovedHere) this.fill(); });
    panel.on("Map", (map) => {
      this.model.textContent = `Every sound that ${map.model} knows; neighbours are alike. Dots are presets, squares are instruments that it has learned. Drag to hear what lies between.`;
      this.fill();
    });
  }

  show() { this.plane.draw(); this.pad.draw(); }

  /** Draws that are heard before they are offered: one at a time. */
  draws() {
    const alike = el("button", { textContent: "More like this", onclick: () => panel.send("Alike") });
    const surprise = el("button", { textContent: "Surprise me", onclick: () => panel.send("Surprise") });
    panel.on("Search", ({ stage }) => { alike.disabled = surprise.disabled = stage === "drawing" || stage === "searching"; });
    return [alike, surprise];
  }

  /** The way that the pad goes: recorded while it is dragged, then round and round. */
  path() {
    const button = (textContent, title, act) => el("button", { textContent, title, onclick: () => panel.send("MorphPath", { do: act }) });
    const record = button("Record", "Record how you drag the pad", "record");
    const loop = button("Loop", "Go that way round and round", "loop");
    const stop = button("Stop", "Stay here", "stop");
    const says = el("span", { className: "dim", role: "status" });
    panel.on("Pad", ({ path, seconds }) => {
      record.setAttribute("aria-pressed", String(path === "recording"));
      loop.setAttribute("aria-pressed", String(path === "looping"));
      loop.disabled = !seconds && path !== "recording";
      stop.disabled = path === "stopped";
      says.textContent = path === "recording" ? "drag now" : seconds ? `${seconds.toFixed(1)} s` : "";
    });
    return el("div", { className: "row path", role: "group", "aria-label": "Path of the morph pad" }, record, loop, stop, says);
  }

  /** Choose the corners that the panel has, or offer some and tell it. */
  fill() {
    const { Library: library, Map: map } = panel.last;
    if (!library || !map) return;
    const cards = library.presets.filter((card) => card.model === map.model && !card.problem);
    const corners = panel.last.Pad?.corners || [];
    this.selects.forEach((select, number) => {
      const before = corners[number] || select.value;
      select.replaceChildren(...cards.map((card) => el("option", { value: card.preset, textContent: card.name })));
      const kept = cards.some((card) => card.preset === before);
      select.value = kept ? before : cards[Math.floor(number * cards.length / 4)]?.preset || "";
    });
  }
}
