// The page of a plug-in instance: what its host does itself is hidden (host.css), and words that would be wrong there.

import { panel } from "./connection.js";

const OF_A_DEVICE = new Set(["Load of the sound", "Under-runs", "Keys of a page, 99 of 100", "Block", "Latency", "Tones come from",
  "Still to render", "MIDI", "Recording"]);

export const isInHost = () => panel.last.Situation?.kind === "host";

/** Tell whether a figure of the meters means anything here. */
export const isMeasured = (name) => !isInHost() || !OF_A_DEVICE.has(name);

/** Follow where the sound is played. */
export function followHost() {
  panel.on("Situation", () => document.body.classList.toggle("in-host", isInHost()));
  panel.on("gone", ({ code }) => {
    if (!isInHost() || code === 1008) return;
    document.querySelector(".gone h2").textContent = "The panel is not there";
    document.querySelector(".gone p").textContent = "The plug-in plays on; its panel is starting again, or the instance has been removed. "
      + "This page comes back by itself; if it does not, turn Open panel on in the host.";
  });
}
