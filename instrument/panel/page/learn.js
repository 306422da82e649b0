// MIDI learn: a click and a turn bind a controller to a knob or an axis; a click on its name forgets it.

import { panel } from "./connection.js";
import { el } from "./dom.js";

const NAMES = { cc1: "wheel", cc74: "slide", pressure: "pressure" };
const buttons = new Set();
let isLearning = false;

const nameOf = (source) => NAMES[source] || source.toUpperCase().replace("CC", "CC ");

function show(button) {
  const { field, label } = button.dataset;
  const { bound = {}, learns = "" } = panel.last.Controllers || {};
  const source = bound[field];
  button.hidden = !source && learns !== field && !isLearning && !("always" in button.dataset);
  button.setAttribute("aria-pressed", String(learns === field));
  if (learns === field) {
    button.textContent = "turn it now …";
    button.title = "Move a controller; click to leave it";
  } else if (source) {
    button.textContent = `${nameOf(source)} ×`;
    button.title = `${nameOf(source)} turns it; click to forget`;
  } else {
    button.textContent = "learn";
    button.title = "Click, then move a controller";
  }
  button.setAttribute("aria-label", `${label}: ${source && learns !== field ? `${nameOf(source)}, forget it` : button.textContent}`);
}

/** Return the small button of a knob; `always`: even when nothing is learned and nobody wants to. */
export function learnButton(field, label, always = false) {
  const button = el("button", { className: "learn", onclick: () => {
    const { bound = {}, learns = "" } = panel.last.Controllers || {};
    panel.send(bound[field] && learns !== field ? "Forget" : "Learn", { field });
  } });
  Object.assign(button.dataset, { field, label }, always ? { always: "" } : {});
  buttons.add(button);
  show(button);
  return button;
}

/** Return the button that shows the others, with what it is good for. */
export function learnSwitch() {
  const button = el("button", { textContent: "MIDI learn", title: "Bind knobs to controllers", "aria-pressed": "false", onclick: () => {
    isLearning = !isLearning;
    button.setAttribute("aria-pressed", String(isLearning));
    buttons.forEach(show);
  } });
  return button;
}

panel.on("Controllers", () => buttons.forEach(show));
