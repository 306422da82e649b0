// How it goes, what runs where, and what to do about it when it does not.

import { panel } from "./connection.js";
import { DeviceChoice } from "./devices.js";
import { el } from "./dom.js";
import { FRAMES } from "./ear.js";
import { isInHost, isMeasured } from "./host.js";

const MOST_MESSAGES = 100;
const SLOW_KEY_MS = 30;
const MOST_GAPS = 3;
const decibel = (peak) => peak > 1e-5 ? `${(20 * Math.log10(peak)).toFixed(1)} dB` : "silent";

function remedies(meters, situation, ear) {
  return [
    [meters.underruns > 0, "There were under-runs: raise --block-frames, or close what keeps this machine busy. latentkeys doctor says a safe number."],
    [meters.load > 0.5, "The sound takes more than half of a core: fewer voices or larger blocks give it room."],
    [meters.limiter_gain < 0.99, "The limiter works: lower the gain of the sound (Shape), or play softer."],
    [meters.late_streams > 0, "Held notes went round because their sound was not rendered in time: close what keeps this machine busy, or hold fewer notes at once."],
    [meters.key_p99_ms > SLOW_KEY_MS, "Keys of a page come late: close other pages and programs of this machine, or play a MIDI keyboard."],
    [ear?.gaps > MOST_GAPS, "The ear has gaps: give it a longer buffer (Ear of this page), or use a cable instead of radio."],
    [meters.lost > 0, "Messages were lost because too many came at once: send fewer controllers."],
    [situation.kind === "null", "There is no sound card: switch on the ear (above, right) to hear it in this page."],
    [!situation.midi?.length && !isInHost(), "No MIDI keyboard is there: plug one in, or play with the keys below. It is found by itself."],
  ].filter(([isSo]) => isSo).map(([, text]) => text);
}

export class Meters {
  constructor() {
    this.figures = el("dl", { className: "figures" });
    this.places = el("dl", { className: "figures" });
    this.remedies = el("div", { className: "panel-box", "aria-live": "polite" });
    this.monitor = el("ol", { className: "monitor", tabIndex: 0, "aria-label": "The last 100 MIDI messages" });
    const box = (title, ...children) => el("section", { className: "panel-box", "aria-label": title }, el("h2", { className: "small", textContent: title }), ...children);
    this.ear = el("dl", { className: "figures" });
    this.devices = new DeviceChoice();
    this.element = el("div", { className: "meters-view" },
      el("div", { className: "shape-view" }, box("How it goes", this.figures), this.remedies),
      el("div", { className: "shape-view" }, box("What runs where", this.places), this.devices.element, box("Ear of this page", this.ear, this.buffer())),
      box("MIDI monitor", this.monitor));
    panel.on("Meters", () => this.draw());
    panel.on("Situation", () => this.draw());
    panel.on("Heard", (heard) => this.hear(heard.messages));
    panel.on("Ear", () => this.draw());
  }

  show() {
    this.draw();
    if (!isInHost()) this.devices.show();
  }

  /** How long the ear waits for late sound: longer has no gaps, shorter answers sooner. */
  buffer() {
    const name = (frames) => `${frames} frames, ${(1000 * frames / (panel.last.Situation?.rate_hz || 48000)).toFixed(0)} ms`;
    const choice = el("select", { "aria-label": "Buffer of the ear", onchange: () => panel.tell("EarBuffer", { frames: Number(choice.value) }) },
      ...[...FRAMES].sort((a, b) => a - b).map((frames) => el("option", { value: frames, textContent: name(frames), selected: frames === FRAMES[0] })));
    return el("div", { className: "device" }, el("span", { className: "dim", textContent: "Buffer" }), choice);
  }

  draw() {
    const { Meters: meters, Situation: situation, Ear: ear } = panel.last;
    if (!this.element.isConnected || !meters || !situation) return;
    fill(this.figures, [
      ["Level", decibel(meters.peak), false], ["Highest of 2 s", decibel(meters.hold), false], ["Limiter", meters.limiter_gain < 0.99 ? "works" : "rests", meters.limiter_gain < 0.99],
      ["Load of the sound", `${(100 * meters.load).toFixed(1)} %`, meters.load > 0.5], ["Voices", meters.voices, false],
      ["Stolen voices", meters.stolen, false], ["Under-runs", meters.underruns, meters.underruns > 0],
      ["Keys of a page, 99 of 100", meters.key_p99_ms ? `within ${meters.key_p99_ms.toFixed(1)} ms` : "none yet", meters.key_p99_ms > SLOW_KEY_MS],
      ["Held notes that came late", meters.late_streams, meters.late_streams > 0], ["Rack that came late", meters.late_racks, meters.late_racks > 0], ["Late messages", meters.late, false], ["Lost messages", meters.lost, meters.lost > 0]]);
    fill(this.places, [
      ["Sound goes to", situation.output, false], ["Block", `${situation.block_frames} frames at ${situation.rate_hz} Hz`, false],
      ["Latency", `${(1000 * situation.latency_seconds).toFixed(1)} ms`, false], ["Tones come from", situation.provider || "…", false],
      ["Still to render", situation.notes || "nothing", false], ["MIDI", situation.midi.join(", ") || "none", false],
      ["Recording", situation.recording === null ? "no" : `${situation.recording} s`, false], ["Pages open", meters.pages, false]]);
    fill(this.ear, ear ? [["Waits now", `${ear.buffer_ms.toFixed(0)} ms`, false], ["Target", `${ear.target_ms.toFixed(0)} ms`, false],
      ["Browser and device", `${ear.output_ms.toFixed(0)} ms`, false], ["Gaps", ear.gaps, ear.gaps > MOST_GAPS]] : [["Off", "the button above, right, switches it on", false]]);
    this.remedies.replaceChildren(el("h2", { className: "small", textContent: "What to do" }), ...remedies(meters, situation, ear).map((textContent) => el("p", { className: "remedy", textContent })));
    if (this.remedies.children.length === 1) this.remedies.append(el("p", { className: "dim", textContent: "Nothing: all is well." }));
  }

  hear(messages) {
    const lines = messages.map(([seconds, who, text]) => el("li", {}, el("span", { textContent: seconds.toFixed(3) }), el("span", { textContent: who }), el("b", { textContent: text })));
    this.monitor.prepend(...lines.reverse());
    while (this.monitor.children.length > MOST_MESSAGES) this.monitor.lastChild.remove();
  }
}

function fill(list, rows) {
  list.replaceChildren(...rows.filter(([name]) => isMeasured(name)).flatMap(([name, value, isBad]) => [el("dt", { textContent: name }), el("dd", { textContent: value, className: isBad ? "bad" : "" })]));
}
