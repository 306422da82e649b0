// The piano: mouse, many fingers, two rows of the computer keyboard; it lights what sounds.

import { panel } from "./connection.js";
import { el, oncePerFrame } from "./dom.js";
import { ComputerKeys } from "./computer_keys.js";

const BLACK = [1, 3, 6, 8, 10];
const NAMES = ["C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B"];
const LOWEST = 21;
const HIGHEST = 108;
const NARROWEST = 36;

export const nameOf = (pitch) => `${NAMES[pitch % 12]}${Math.floor(pitch / 12) - 1}`;

export class Keys {
  constructor(place) {
    this.piano = el("div", { className: "piano", tabIndex: 0, role: "application",
      "aria-label": "Piano. Play with the computer keyboard: A to K are white keys, W to U black ones." });
    this.keys = new Map();
    this.fingers = new Map();
    this.held = new Map();
    this.octave = 4;
    this.velocity = 90;
    this.octaveShown = el("output", { "aria-label": "Octave" });
    this.velocityShown = el("output", { "aria-label": "Velocity" });
    place.append(this.bar(), this.piano);
    this.listen();
    this.layOut();
  }

  bar() {
    const step = (label, name, act) => el("button", { textContent: label, "aria-label": name, onclick: act });
    return el("div", { className: "keybar" },
      step("−", "Octave down", () => this.shift(-1)), this.octaveShown, step("+", "Octave up", () => this.shift(1)),
      el("span", { className: "wide", textContent: "octave (Z X)" }),
      step("−", "Softer", () => this.touch(-10)), this.velocityShown, step("+", "Louder", () => this.touch(10)),
      el("span", { className: "wide", textContent: "velocity (C V)" }),
      this.pedalButton(), this.wheel(),
      el("span", { className: "grow" }),
      el("span", { className: "wide", textContent: "Play with mouse, fingers, or A – K and W – U" }),
      el("button", { textContent: "Silence", title: "End every sound at once (Esc)", onclick: () => this.panic() }));
  }

  pedalButton() {
    this.pedal = el("button", { textContent: "Pedal", title: "Sustain (space bar)", "aria-pressed": "false", onclick: () => this.press(!this.isDown) });
    return this.pedal;
  }

  /** Press the sustain pedal, or let it up. */
  press(isDown) {
    this.isDown = isDown;
    this.pedal.setAttribute("aria-pressed", String(isDown));
    panel.send("Turn", { number: 64, value: isDown ? 127 : 0 });
  }

  wheel() {
    const send = oncePerFrame((value) => panel.send("Turn", { number: 1, value }));
    const slider = el("input", { type: "range", min: 0, max: 127, value: 0, "aria-label": "Modulation wheel", oninput: () => send(Number(slider.value)) });
    return el("label", { className: "wide wheel" }, "wheel", slider);
  }

  listen() {
    this.piano.addEventListener("pointerdown", (event) => this.down(event));
    this.piano.addEventListener("pointermove", (event) => this.move(event));
    for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
      this.piano.addEventListener(end, (event) => this.lift(event.pointerId));
    }
    this.piano.addEventListener("contextmenu", (event) => event.preventDefault());
    this.computer = new ComputerKeys(this);
    for (const event of ["blur", "pagehide"]) window.addEventListener(event, () => this.letGo());
    document.addEventListener("visibilitychange", () => { if (document.hidden) this.letGo(); });
    new ResizeObserver(() => this.layOut()).observe(this.piano);
    panel.on("Keys", (news) => this.light(news));
    panel.on("gone", () => { this.fingers.clear(); this.held.clear(); this.computer.forget(); this.light({ sounding: [], ready: "" }); });
  }

  strike(pitch, velocity) {
    const count = this.held.get(pitch) || 0;
    this.held.set(pitch, count + 1);
    if (count === 0) panel.send("Note", { pitch, velocity });
    this.keys.get(pitch)?.classList.add("player");
  }

  release(pitch) {
    const count = this.held.get(pitch) || 0;
    if (count === 0) return;
    this.held.set(pitch, count - 1);
    if (count > 1) return;
    panel.send("Note", { pitch, velocity: 0 });
    this.keys.get(pitch)?.classList.remove("player");
  }

  letGo() {
    this.fingers.clear();
    this.held.clear();
    this.computer.forget();
    if (this.isDown) this.press(false);
    panel.send("LetGo");
  }

  panic() { this.letGo(); panel.send("Panic"); }

  shift(octaves) {
    this.octave = Math.min(8, Math.max(1, this.octave + octaves));
    this.layOut();
  }

  touch(change) {
    this.velocity = Math.min(127, Math.max(10, this.velocity + change));
    this.velocityShown.textContent = this.velocity;
  }

  down(event) {
    const hit = this.at(event);
    if (!hit) return;
    event.preventDefault();
    this.piano.focus({ preventScroll: true });
    this.piano.setPointerCapture(event.pointerId);
    this.fingers.set(event.pointerId, hit.pitch);
    this.strike(hit.pitch, hit.velocity);
  }

  move(event) {
    if (!this.fingers.has(event.pointerId)) return;
    const hit = this.at(event);
    if (!hit || hit.pitch === this.fingers.get(event.pointerId)) return;
    this.release(this.fingers.get(event.pointerId));
    this.fingers.set(event.pointerId, hit.pitch);
    this.strike(hit.pitch, hit.velocity);
  }

  lift(finger) {
    if (!this.fingers.has(finger)) return;
    this.release(this.fingers.get(finger));
    this.fingers.delete(finger);
  }

  /** Which key is there, and how hard it is struck: harder towards its front edge. */
  at(event) {
    const box = this.piano.getBoundingClientRect();
    const x = event.clientX - box.left;
    const y = event.clientY - box.top;
    if (y < 0 || y > box.height) return null;
    for (const [pitch, key] of this.inFront) {
      const height = key.black ? 0.61 * box.height : box.height;
      if (x >= key.left && x < key.left + key.width && y <= height) {
        return { pitch, velocity: Math.round(35 + 85 * Math.min(1, y / (0.92 * height))) };
      }
    }
    return null;
  }

  layOut() {
    const width = this.piano.clientWidth;
    if (!width) return;
    const shown = Math.min(52, Math.floor(width / NARROWEST));
    const all = [];
    for (let pitch = LOWEST; pitch <= HIGHEST; pitch++) if (!BLACK.includes(pitch % 12)) all.push(pitch);
    const middle = all.indexOf(12 * (this.octave + 1));
    const before = Math.max(0, Math.floor((shown - 8) / 2));
    const from = Math.min(Math.max(0, (middle < 0 ? 0 : middle) - before), all.length - shown);
    this.build(all.slice(from, from + shown), width / shown);
    this.octaveShown.textContent = nameOf(12 * (this.octave + 1));
    this.velocityShown.textContent = this.velocity;
  }

  build(whites, width) {
    const places = new Map();
    whites.forEach((pitch, number) => {
      places.set(pitch, { left: number * width, width, black: false });
      if (number < whites.length - 1 && BLACK.includes((pitch + 1) % 12)) {
        places.set(pitch + 1, { left: (number + 0.69) * width, width: 0.62 * width, black: true });
      }
    });
    this.inFront = [...places].sort((a, b) => b[1].black - a[1].black);
    this.piano.replaceChildren();
    this.keys.clear();
    for (const [pitch, place] of places) this.keys.set(pitch, this.key(pitch, place));
    this.piano.append(...this.keys.values());
    this.light(panel.last.Keys || { sounding: [], ready: "" });
  }

  key(pitch, { left, width, black }) {
    const letter = this.computer?.letterOf(pitch) || "";
    const label = letter || (pitch % 12 === 0 ? nameOf(pitch) : "");
    const key = el("div", { className: `key ${black ? "black" : "white"}`, textContent: label });
    key.dataset.pitch = pitch;
    key.style.left = `${left}px`;
    key.style.width = `${width - (black ? 0 : 1)}px`;
    return key;
  }

  light({ sounding, ready }) {
    const who = new Map(sounding);
    for (const [pitch, key] of this.keys) {
      const playsHere = (this.held.get(pitch) || 0) > 0;
      key.classList.toggle("player", playsHere || who.get(pitch) === 0);
      key.classList.toggle("partner", !playsHere && who.get(pitch) === 1);
      key.classList.toggle("waits", ready[pitch - LOWEST] === "0");
    }
  }
}
