// One knob: dragged up and down (Shift for fine), typed, moved by arrow keys, reset by a double click.

import { el, svg } from "./dom.js";
import { learnButton } from "./learn.js";

const TURN = 270;

/** The share of the way that a value is at: wide ranges go by ratios, so that small values have room. */
function share(spec, value) {
  if (spec.scale === "ratio") return Math.log(value / spec.low) / Math.log(spec.high / spec.low);
  const at = (value - spec.low) / (spec.high - spec.low);
  return spec.scale === "cube" ? Math.cbrt(at) : at;
}

function valueAt(spec, at) {
  const kept = Math.min(1, Math.max(0, at));
  if (spec.scale === "ratio") return spec.low * (spec.high / spec.low) ** kept;
  return spec.low + (spec.scale === "cube" ? kept ** 3 : kept) * (spec.high - spec.low);
}

const rounded = (value) => Number(value.toPrecision(4));

function arc(from, to) {
  const point = (at) => { const angle = (at * TURN - 225) * Math.PI / 180; return `${30 + 24 * Math.cos(angle)} ${30 + 24 * Math.sin(angle)}`; };
  return `M ${point(from)} A 24 24 0 ${(to - from) * TURN > 180 ? 1 : 0} 1 ${point(to)}`;
}

export class Knob {
  constructor(spec, turn) {
    Object.assign(this, { spec, turn, value: spec.usual });
    this.fill = svg("path", { class: "fill" });
    this.mark = svg("line", { class: "mark", x1: 30, y1: 16, x2: 30, y2: 22 });
    this.dial = svg("svg", { viewBox: "0 0 60 60", tabindex: 0, role: "slider", "aria-label": spec.label,
      "aria-valuemin": spec.low, "aria-valuemax": spec.high }, svg("path", { class: "track", d: arc(0, 1) }), this.fill,
      svg("circle", { class: "cap", cx: 30, cy: 30, r: 17 }), this.mark);
    this.typed = el("input", { "aria-label": `${spec.label}, typed`, inputMode: "decimal", spellcheck: false });
    this.element = el("div", { className: "knob", title: "Drag up or down; Shift is fine; double-click resets" },
      this.dial, this.typed, el("span", { textContent: spec.label }), learnButton(spec.field, spec.label));
    this.listen();
  }

  listen() {
    this.dial.addEventListener("pointerdown", (event) => { this.dial.setPointerCapture(event.pointerId); this.dragged = event.clientY; this.at = share(this.spec, this.value); });
    this.dial.addEventListener("pointermove", (event) => this.drag(event));
    this.dial.addEventListener("dblclick", () => this.give(this.spec.usual));
    this.dial.addEventListener("keydown", (event) => this.press(event));
    this.dial.addEventListener("wheel", (event) => { event.preventDefault(); this.go(share(this.spec, this.value) - Math.sign(event.deltaY) * 0.02); }, { passive: false });
    this.typed.addEventListener("change", () => this.type());
    this.typed.addEventListener("focus", () => this.typed.select());
  }

  drag(event) {
    if (!this.dial.hasPointerCapture(event.pointerId)) return;
    this.at += (this.dragged - event.clientY) / (event.shiftKey ? 1200 : 160);
    this.at = Math.min(1, Math.max(0, this.at));
    this.dragged = event.clientY;
    this.go(this.at);
  }

  press(event) {
    const steps = { ArrowUp: 0.02, ArrowRight: 0.02, ArrowDown: -0.02, ArrowLeft: -0.02, PageUp: 0.1, PageDown: -0.1 };
    if (event.key === "Home") this.give(this.spec.low);
    else if (event.key === "End") this.give(this.spec.high);
    else if (steps[event.key]) this.go(share(this.spec, this.value) + steps[event.key]);
    else return;
    event.preventDefault();
  }

  type() {
    const number = parseFloat(this.typed.value.replace(",", "."));
    if (Number.isFinite(number)) this.give(Math.min(this.spec.high, Math.max(this.spec.low, number)));
    else this.show(this.value);
  }

  go(at) { this.give(rounded(valueAt(this.spec, at))); }

  give(value) { this.show(value); this.turn(this.spec.field, value); }

  show(value) {
    this.value = value;
    const at = Math.min(1, Math.max(0, share(this.spec, value)));
    this.fill.setAttribute("d", arc(0, Math.max(0.001, at)));
    this.mark.setAttribute("transform", `rotate(${(at - 0.5) * TURN} 30 30)`);
    const text = `${rounded(value)} ${this.spec.unit}`.trim();
    this.dial.setAttribute("aria-valuenow", value);
    this.dial.setAttribute("aria-valuetext", text);
    if (document.activeElement !== this.typed) this.typed.value = text;
  }
}

/** A choice or a switch, with the same words as a knob. */
export class Choice {
  constructor(spec, turn) {
    const isSwitch = spec.kind === "switch";
    const choices = isSwitch ? ["off", "on"] : spec.choices;
    this.select = el("select", { "aria-label": spec.label, onchange: () => turn(spec.field, isSwitch ? this.select.value === "on" : this.select.value) },
      ...choices.map((choice) => el("option", { value: choice, textContent: choice })));
    this.element = el("div", { className: "knob" }, this.select, el("span", { textContent: spec.label }), learnButton(spec.field, spec.label));
  }

  show(value) { this.select.value = value === true ? "on" : value === false ? "off" : value; }
}
