// Ask for a name, or for one of several, in a dialog.

import { el } from "./dom.js";

/** Return what was typed or chosen; nothing if the dialog was left. `empty` says why nothing can be chosen. */
export function ask(question, given, yes, empty = "") {
  const isList = Array.isArray(given);
  const field = isList
    ? el("select", { "aria-label": question }, ...given.map((value) => el("option", { value, textContent: value.replaceAll("_", " ") })))
    : el("input", { "aria-label": question, value: given, maxLength: 80, required: true });
  const none = isList && !given.length;
  const form = el("form", { method: "dialog" }, el("h2", { textContent: question }),
    none ? el("p", { className: "dim", textContent: empty }) : field,
    el("div", { className: "row" }, el("span", { className: "grow" }), el("button", { value: "", textContent: "Cancel", formNoValidate: true }),
      el("button", { value: "yes", className: "on", textContent: yes, disabled: none })));
  const dialog = el("dialog", {}, form);
  document.body.append(dialog);
  dialog.showModal();
  field.select?.();
  return new Promise((resolve) => dialog.addEventListener("close", () => {
    dialog.remove();
    resolve(dialog.returnValue === "yes" ? field.value.trim() : "");
  }));
}
