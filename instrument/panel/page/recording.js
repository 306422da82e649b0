// A sound of yours: a recorded note is dropped, the nearest sound of the model is looked for and compared with it.

import { panel } from "./connection.js";
import { ask } from "./ask.js";
import { el } from "./dom.js";
import { nameOf } from "./keys.js";

const MOST_BYTES = 64 * 2 ** 20;
const HEARD_MS = 1200;

export class Recording {
  constructor() {
    this.file = null;
    this.input = el("input", { type: "file", accept: ".wav,.flac,.aif,.aiff", hidden: true, onchange: () => { this.take(this.input.files[0]); this.input.value = ""; } });
    this.button = el("button", { textContent: "From a recording…", title: "Choose a recorded note, or drop it anywhere on this page", onclick: () => this.input.click() });
    this.element = el("section", { className: "panel-box recording", hidden: true, "aria-label": "From a recording" });
    panel.on("Search", (search) => this.draw(search));
  }

  /** Send a recorded note on its way. */
  async take(file, pitch = "") {
    if (!file) return;
    if (file.size > MOST_BYTES) {
      panel.tell("Refused", { message: `"${file.name}" has ${Math.round(file.size / 2 ** 20)} MiB; 64 is the most.`, remedy: "Cut one note out of it." });
      return;
    }
    this.file = file;
    const name = file.name.replace(/\.[^.]*$/, "");
    const query = new URLSearchParams({ token: panel.token, name, pitch });
    try {
      const answer = await fetch(`recording?${query}`, { method: "POST", body: file });
      if (!answer.ok) panel.tell("Refused", { message: await answer.text(), remedy: "" });
    } catch {
      panel.tell("Refused", { message: "The recording has not arrived.", remedy: "Try once more." });
    }
  }

  draw(search) {
    const parts = { searching: () => this.progress(search), found: () => this.found(search), failed: () => this.failed(search) }[search.stage];
    this.element.hidden = !parts;
    if (!parts) return;
    if (search.stage === "searching" && this.bar?.isConnected) { this.bar.value = search.share; return; }
    this.element.replaceChildren(el("h2", { className: "small", textContent: `From a recording: ${search.name}` }), ...parts());
  }

  close(textContent) { return el("button", { textContent, onclick: () => panel.send("StopSearch") }); }

  progress(search) {
    this.bar = el("progress", { value: search.share, max: 1, "aria-label": "Looking for the nearest sound" });
    return [el("div", { className: "row" }, el("span", { textContent: "Looking for the nearest sound …" }), this.bar, this.close("Cancel"))];
  }

  found(search) {
    const far = search.distance_db < 4 ? "very near" : search.distance_db < 8 ? "near" : "as near as this model comes";
    return [
      el("p", { role: "status", textContent: `Found, and it plays: ${nameOf(search.pitch)}, ${search.distance_db.toFixed(1)} dB from the recording (${far}).` }),
      el("div", { className: "row" },
        el("button", { textContent: "A: the recording", disabled: !this.file, title: "Play it in this page", onclick: () => this.play() }),
        el("button", { textContent: "B: the sound found", title: "Play the same note", onclick: () => this.strike(search.pitch) }),
        el("span", { className: "grow" }),
        el("button", { className: "on", textContent: "Save as…", onclick: () => this.save(search.name) }), this.close("Close"))];
  }

  failed(search) {
    const pitch = el("input", { type: "number", min: 0, max: 127, placeholder: "60", "aria-label": "Pitch of the recording as a MIDI number" });
    const again = el("button", { textContent: "Try again", disabled: !this.file, onclick: () => this.take(this.file, pitch.value) });
    return [
      el("p", { className: "remedy", role: "alert", textContent: `${search.message}. ${search.remedy}` }),
      el("div", { className: "row" }, el("label", { className: "row" }, "Pitch", pitch), again, el("span", { className: "grow" }), this.close("Close"))];
  }

  async play() {
    this.context ||= new AudioContext();
    await this.context.resume();
    try {
      const buffer = await this.context.decodeAudioData(await this.file.arrayBuffer());
      const source = new AudioBufferSourceNode(this.context, { buffer });
      source.connect(this.context.destination);
      source.start(0, 0, 10);
    } catch {
      panel.tell("Refused", { message: "This browser cannot play the recording.", remedy: "Play it with another program." });
    }
  }

  strike(pitch) {
    panel.send("Note", { pitch, velocity: 100 });
    setTimeout(() => panel.send("Note", { pitch, velocity: 0 }), HEARD_MS);
  }

  async save(name) {
    const chosen = await ask("Save this sound as", name, "Save");
    if (chosen && panel.send("Save", { name: chosen })) panel.send("StopSearch");
  }
}

/** Take what is dropped anywhere: a preset's file, or a recorded note. */
export function takeDrops(recording, open) {
  window.addEventListener("dragover", (event) => event.preventDefault());
  window.addEventListener("drop", async (event) => {
    event.preventDefault();
    const file = event.dataTransfer?.files[0];
    if (!file) return;
    if (file.name.toLowerCase().endsWith(".toml")) {
      panel.send("Import", { text: await file.text() });
    } else {
      open();
      recording.take(file);
    }
  });
}
