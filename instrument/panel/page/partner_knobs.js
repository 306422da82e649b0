// The partner's knobs: each says what its controller would, so that a hand on either turns the same.

import { panel } from "./connection.js";
import { el, oncePerFrame } from "./dom.js";
import { learnButton } from "./learn.js";

const KNOBS = { temperature: "Bolder", density: "Denser", key: "Key", register: "Register", length: "Longer notes", polyphony: "More voices",
  velocity: "As loud as you", blend: "Like this session", quantise: "On sixteenths" };
const USUAL = ["cc20", "cc21", "cc22", "cc23", "cc24", "cc25", "cc26", "cc27"];

/** The number of a knob's controller: the one that was learned, or the usual one if it turns nothing else. */
function numberOf(knob) {
  const bound = panel.last.Controllers?.bound || {};
  const usual = USUAL[Object.keys(KNOBS).indexOf(knob)];
  const source = bound[`partner.${knob}`] || (Object.values(bound).includes(usual) ? "" : usual);
  return source ? Number(source.slice(2)) : null;
}

function row(knob, label) {
  const send = oncePerFrame((number, value) => panel.send("Turn", { number, value }));
  const slider = el("input", { type: "range", min: 0, max: 127, value: 64, "aria-label": `${label} (${knob})`,
    oninput: () => { if (numberOf(knob) !== null) send(numberOf(knob), Number(slider.value)); } });
  panel.on("Controllers", () => { slider.disabled = numberOf(knob) === null; });
  panel.on("Heard", ({ messages }) => {
    const turned = messages.filter(([, , said]) => said.startsWith(`controller ${numberOf(knob)} `)).at(-1);
    if (turned && document.activeElement !== slider) slider.value = turned[2].split(" ")[2];
  });
  return el("div", { className: "partner-knob" }, el("span", { textContent: label }), slider, learnButton(`partner.${knob}`, label, true));
}

/** Return the box with all of them. */
export function partnerKnobs() {
  const says = el("small", { className: "dim", role: "status" });
  panel.on("View", (view) => { says.textContent = view.knob; });
  return el("section", { className: "panel-box", "aria-label": "The partner's knobs" },
    el("div", { className: "row" }, el("h2", { className: "small", textContent: "Knobs" }), says),
    ...Object.entries(KNOBS).map(([knob, label]) => row(knob, label)));
}
