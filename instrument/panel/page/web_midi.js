// Keyboards that are plugged into the machine with the browser play too, where the browser allows.

import { panel } from "./connection.js";

function play(keys, [status, data1, data2]) {
  const kind = status & 0xf0;
  if (kind === 0x90 && data2 > 0) keys.strike(data1, data2);
  else if (kind === 0x80 || kind === 0x90) keys.release(data1);
  else if (kind === 0xb0 && data1 < 120) panel.send("Turn", { number: data1, value: data2 });
  else if (kind === 0xe0) panel.send("Bend", { value: data1 + 128 * data2 - 8192 });
}

/** Listen to every keyboard of this browser, and to those that come later. */
export async function openWebMidi(keys) {
  if (!navigator.requestMIDIAccess) throw new Error("This browser has no Web MIDI; Chrome, Edge and Firefox have.");
  const access = await navigator.requestMIDIAccess();
  const listen = () => { for (const input of access.inputs.values()) input.onmidimessage = (event) => play(keys, event.data); };
  access.onstatechange = listen;
  listen();
  return access.inputs.size;
}
