// Sound card, keyboards, channel and block, chosen while the instrument plays.

import { panel } from "./connection.js";
import { el } from "./dom.js";
import { isInHost } from "./host.js";

const BLOCKS = [32, 64, 128, 256, 512, 1024, 2048];
const NAMES = { auto: "whatever there is", jack: "JACK", null: "nowhere (the ear still hears it)" };
const option = (value, textContent) => el("option", { value, textContent });

export class DeviceChoice {
  constructor() {
    const select = (label, ...options) => el("select", { "aria-label": label, onchange: () => this.changed() }, ...options);
    this.audio = select("Sound goes to");
    this.channel = select("MIDI channel", option(0, "every channel"), ...Array.from({ length: 16 }, (_, number) => option(number + 1, `channel ${number + 1}`)));
    this.block = select("Block", option(0, "the device's own"), ...BLOCKS.map((frames) => option(frames, `${frames} frames`)));
    this.inputs = el("fieldset", {});
    this.problem = el("p", { className: "dim", role: "status" });
    this.use = el("button", { className: "on", textContent: "Use these", title: "Held notes end; the sound pauses for a second", disabled: true, onclick: () => this.send() });
    const row = (name, field) => el("div", { className: "device" }, el("span", { className: "dim", textContent: name }), field);
    this.element = el("section", { className: "panel-box", "aria-label": "Devices" }, el("h2", { className: "small", textContent: "Devices" }),
      row("Sound goes to", this.audio), row("Channel", this.channel), row("Block", this.block), this.inputs, this.problem,
      el("div", { className: "row" }, el("button", { textContent: "Look again", onclick: () => this.look() }), el("span", { className: "grow" }), this.use));
    panel.on("Devices", () => this.fill(this.use.disabled ? undefined : this.choice()));
    panel.on("Situation", () => this.follow());
    panel.on("gone", () => { this.isAsked = false; });
  }

  /** Ask what there is, the first time that this is seen. */
  show() { if (!panel.last.Devices && !this.isAsked) this.look(); }

  look() {
    this.problem.textContent = "Looking …";
    this.isAsked = panel.send("LookForDevices");
  }

  /** Show what is in use, unless something else is being chosen. */
  follow() {
    if (this.element.isConnected && !isInHost()) this.show(); // a page that was opened at this view
    const chosen = JSON.stringify(panel.last.Situation.chosen);
    if (chosen !== this.seen) { this.seen = chosen; this.fill(); }
    this.block.disabled = panel.last.Situation.kind === "jack";
    this.block.title = this.block.disabled ? "JACK decides the block" : "Fewer frames answer sooner, more never stutter";
  }

  /** Show devices, and what is in use or is being chosen. */
  fill(choice) {
    const chosen = choice || panel.last.Situation?.chosen;
    if (!chosen) return;
    const { audio = [], midi = [], problem = "" } = panel.last.Devices || {};
    const outputs = [...new Set(["auto", ...audio, "null", chosen.audio])];
    this.audio.replaceChildren(...outputs.map((name) => option(name, NAMES[name] || name)));
    this.audio.value = chosen.audio;
    this.channel.value = chosen.channel;
    const blocks = [...this.block.options].map((one) => Number(one.value));
    if (!blocks.includes(chosen.block_frames)) this.block.append(option(chosen.block_frames, `${chosen.block_frames} frames`));
    this.block.value = chosen.block_frames;
    this.fillInputs([...new Set([...midi, ...chosen.midi_in])], chosen.midi_in);
    this.problem.textContent = problem;
    this.use.disabled = !choice;
  }

  fillInputs(names, chosen) {
    const box = (value, text, checked) => el("label", {}, el("input", { type: "checkbox", value, checked, onchange: (event) => this.check(event.target) }), text);
    this.inputs.replaceChildren(el("legend", { className: "dim", textContent: "Keyboards" }), box("", "every one that is there or comes", !chosen.length),
      ...names.map((name) => box(name, name, chosen.includes(name))));
  }

  /** Every one, or some by name. */
  check(changed) {
    const [every, ...named] = this.inputs.querySelectorAll("input");
    if (changed === every && every.checked) for (const box of named) box.checked = false;
    else every.checked = !named.some((box) => box.checked);
    this.changed();
  }

  changed() { this.use.disabled = false; }

  choice() {
    const midi_in = [...this.inputs.querySelectorAll("input:checked")].map((box) => box.value).filter(Boolean);
    return { audio: this.audio.value, midi_in, channel: Number(this.channel.value), block_frames: Number(this.block.value) };
  }

  send() {
    panel.send("UseDevices", this.choice());
    this.use.disabled = true;
    this.problem.textContent = "Opening …";
    setTimeout(() => { this.problem.textContent = panel.last.Devices?.problem || ""; }, 3000);
  }
}
