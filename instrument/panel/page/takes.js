// The takes that were kept: played once more with the sounds of now, or downloaded.

import { panel } from "./connection.js";
import { el } from "./dom.js";

const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;

export class TakeList {
  constructor() {
    this.list = el("ol", { className: "takes" });
    this.element = el("section", { className: "panel-box", "aria-label": "Takes" }, el("h2", { className: "small", textContent: "Takes" }), this.list);
    panel.on("Takes", () => this.draw());
    panel.on("Situation", (situation) => this.mark(situation));
  }

  draw() {
    const { takes } = panel.last.Takes;
    this.list.replaceChildren(...takes.map((take) => this.row(take)));
    if (!takes.length) this.list.append(el("li", { className: "dim", textContent: "None yet: Keep the take, and it appears here." }));
    if (panel.last.Situation) this.mark(panel.last.Situation);
  }

  row(take) {
    const play = el("button", { textContent: "Play", "aria-label": `Play the take ${take.name}`,
      onclick: () => panel.send(...(play.dataset.plays ? ["StopTake"] : ["PlayTake", { take: take.name }])) });
    const file = (name, text) => el("a", { href: `takes/${encodeURIComponent(take.name)}/${name}?token=${encodeURIComponent(panel.token)}`,
      download: `${take.name} ${name}`, textContent: text, "aria-label": `${text} of the take ${take.name}` });
    const row = el("li", {}, play, el("span", {}, el("b", { textContent: take.name }), el("small", { className: "dim" })),
      file("notes.mid", "MIDI"), take.has_audio ? file("audio.wav", "WAV") : el("span", { className: "dim", textContent: "no sound" }));
    Object.assign(row.dataset, { take: take.name, says: [take.seconds ? clock(take.seconds) : "", take.mode, take.model.replaceAll("_", " ")].filter(Boolean).join(" · ") });
    return row;
  }

  mark({ take, take_seconds: at, take_length: length }) {
    for (const row of this.list.querySelectorAll("[data-take]")) {
      const plays = row.dataset.take === take;
      const button = row.querySelector("button");
      button.textContent = plays ? "Stop" : "Play";
      button.setAttribute("aria-label", `${button.textContent} the take ${row.dataset.take}`);
      button.dataset.plays = plays ? "1" : "";
      row.classList.toggle("plays", plays);
      row.querySelector("small").textContent = plays ? `${clock(at)} of ${clock(length)}` : row.dataset.says;
    }
  }
}
