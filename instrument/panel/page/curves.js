// Envelope, filter and touch as curves that can be pulled; the knobs below are the keyboard's way to the same.

import { el, svg } from "./dom.js";

const WIDE = 240;
const HIGH = 80;
const TOP = 8;
const ASIDE = 16; // of the decay's handle: it would lie on the attack's
const clamped = (value, low, high) => Math.min(high, Math.max(low, value));

/** Where a value lies, and which value lies there: long times have less room. */
const time = (longest, wide) => ({ at: (seconds) => Math.cbrt(seconds / longest) * wide, of: (x) => longest * clamped(x / wide, 0, 1) ** 3 });
const ATTACK = time(10, 70);
const DECAY = time(30, 60);
const RELEASE = time(10, 70);

const corners = (values) => {
  const attack = ATTACK.at(values["envelope.attack_seconds"]);
  return { attack, decay: attack + DECAY.at(values["envelope.decay_seconds"]), sustain: HIGH * (1 - values["envelope.sustain_level"]),
    held: WIDE - RELEASE.at(values["envelope.release_seconds"]) };
};

const envelope = {
  name: "Envelope",
  path(values) {
    const { attack, decay, sustain, held } = corners(values);
    return `M0 ${HIGH} L${attack} 0 Q${attack + (decay - attack) * 0.3} ${sustain} ${decay} ${sustain} L${held} ${sustain} Q${held + (WIDE - held) * 0.3} ${HIGH} ${WIDE} ${HIGH}`;
  },
  handles: [
    { says: "Attack", at: (values) => [corners(values).attack, 0], pull: (values, x) => ({ "envelope.attack_seconds": ATTACK.of(x) }) },
    { says: "Decay and sustain", at: (values) => [corners(values).decay + ASIDE, corners(values).sustain],
      pull: (values, x, y) => ({ "envelope.decay_seconds": DECAY.of(x - ASIDE - corners(values).attack), "envelope.sustain_level": clamped(1 - y / HIGH, 0, 1) }) },
    { says: "Release", at: (values) => [corners(values).held, corners(values).sustain], pull: (values, x) => ({ "envelope.release_seconds": RELEASE.of(WIDE - x) }) },
  ],
};

/** The response of a two-pole low-pass: Butterworth, with a peak by resonance. */
const damping = (values) => Math.SQRT2 * (1 - 0.9 * values["filter.resonance"]);
const height = (gain) => HIGH * (0.3 - 20 * Math.log10(Math.max(gain, 1e-4)) / 60);

const filter = {
  name: "Filter",
  path(values) {
    const cutoff = values["filter.cutoff_hz"];
    let path = "";
    for (let x = 0; x <= WIDE; x += 4) {
      const ratio = 20 * 1000 ** (x / WIDE) / cutoff;
      const gain = cutoff >= 20000 ? 1 : 1 / Math.hypot(1 - ratio ** 2, damping(values) * ratio);
      path += `${x ? "L" : "M"}${x} ${clamped(height(gain), -TOP, HIGH).toFixed(1)} `;
    }
    return path;
  },
  handles: [{ says: "Cutoff and resonance",
    at: (values) => [WIDE * Math.log(values["filter.cutoff_hz"] / 20) / Math.log(1000), clamped(height(1 / damping(values)), -TOP, HIGH)],
    pull: (values, x, y) => ({ "filter.cutoff_hz": 20 * 1000 ** clamped(x / WIDE, 0, 1),
      "filter.resonance": clamped((1 - 10 ** (3 * (y / HIGH - 0.3)) / Math.SQRT2) / 0.9, 0, 1) }) }],
};

const loudness = (values, share) => 1 - values["touch.velocity_to_gain"] * (1 - share ** values["touch.velocity_curve"]);

const touch = {
  name: "Touch",
  path(values) {
    let path = "";
    for (let x = 0; x <= WIDE; x += 8) path += `${x ? "L" : "M"}${x} ${(HIGH * (1 - loudness(values, x / WIDE))).toFixed(1)} `;
    return path;
  },
  handles: [
    { says: "Loudness by velocity", at: (values) => [0, HIGH * (1 - loudness(values, 0))], pull: (values, x, y) => ({ "touch.velocity_to_gain": clamped(y / HIGH, 0, 1) }) },
    { says: "Curve of the touch", at: (values) => [WIDE / 2, HIGH * (1 - loudness(values, 0.5))],
      pull: (values, x, y) => ({ "touch.velocity_curve": clamped(Math.log(1 - clamped(y / HIGH / Math.max(0.05, values["touch.velocity_to_gain"]), 0, 0.95)) / Math.log(0.5), 0.25, 4) }) },
  ],
};

class Curve {
  constructor(kind, turn) {
    Object.assign(this, { kind, turn });
    this.line = svg("path");
    this.under = svg("path", { class: "under" });
    this.picture = svg("svg", { viewBox: `0 ${-TOP} ${WIDE} ${HIGH + TOP + 4}`, preserveAspectRatio: "none", role: "img", "aria-label": `${kind.name} as a curve` }, this.under, this.line);
    this.handles = kind.handles.map((handle) => this.handle(handle));
    this.element = el("div", { className: "curve" }, el("h2", { className: "small", textContent: kind.name }),
      el("div", { className: "drawing" }, this.picture, ...this.handles.map(({ dot }) => dot)));
  }

  handle(handle) {
    const dot = el("span", { className: "handle", title: `${handle.says}: pull`, "aria-hidden": "true" });
    dot.addEventListener("pointerdown", (event) => { event.preventDefault(); dot.setPointerCapture(event.pointerId); });
    dot.addEventListener("pointermove", (event) => { if (dot.hasPointerCapture(event.pointerId)) this.pull(handle, event); });
    return { ...handle, dot };
  }

  pull(handle, event) {
    const box = this.picture.getBoundingClientRect();
    const x = (event.clientX - box.left) / box.width * WIDE;
    const y = (event.clientY - box.top) / box.height * (HIGH + TOP + 4) - TOP;
    const changed = handle.pull(this.values, x, y);
    for (const [field, value] of Object.entries(changed)) this.turn(field, Number(value.toPrecision(4)));
    this.show({ ...this.values, ...changed });
  }

  show(values) {
    this.values = values;
    const path = this.kind.path(values);
    this.line.setAttribute("d", path);
    this.under.setAttribute("d", `${path} L${WIDE} ${HIGH} L0 ${HIGH} Z`);
    for (const { dot, at } of this.handles) {
      const [x, y] = at(values);
      dot.style.left = `${100 * x / WIDE}%`;
      dot.style.top = `${100 * (y + TOP) / (HIGH + TOP + 4)}%`;
    }
  }
}

/** Return the three curves; `turn(field, value)` turns a knob. */
export const curves = (turn) => [envelope, filter, touch].map((kind) => new Curve(kind, turn));
