// Keyboards that are plugged into the machine with the browser play too, where the browser allows.

import { panel } from "./connection.js";

class Input {
  constructor(keys) {
    this.keys = keys;
    this.held = new Set();
    this.pedal = false;
  }

  play([status, data1, data2]) {
    const kind = status & 0xf0;
    if (kind === 0x90 && data2 > 0) this.strike(data1, data2);
    else if (kind === 0x80 || kind === 0x90) this.release(data1);
    else if (kind === 0xb0 && data1 < 120) this.turn(data1, data2);
    else if (kind === 0xd0) panel.send("Press", { value: data1 });
    else if (kind === 0xe0) panel.send("Bend", { value: data1 + 128 * data2 - 8192 });
  }

  strike(pitch, velocity) {
    if (this.held.has(pitch)) return;
    this.held.add(pitch);
    this.keys.strike(pitch, velocity);
  }

  release(pitch) {
    if (this.held.delete(pitch)) this.keys.release(pitch);
  }

  turn(number, value) {
    if (number === 64) this.pedal = value > 0;
    panel.send("Turn", { number, value });
  }

  /** It was pulled out: nothing that it held may stick. */
  letGo() {
    for (const pitch of [...this.held]) this.release(pitch);
    if (this.pedal) this.turn(64, 0);
    panel.send("Press", { value: 0 });
    panel.send("Bend", { value: 0 });
  }
}

/** Listen to every keyboard of this browser, and to those that come later; `tell` hears how many there are. */
export async function openWebMidi(keys, tell) {
  if (!navigator.requestMIDIAccess) throw new Error("This browser has no Web MIDI; Chrome, Edge and Firefox have.");
  const access = await navigator.requestMIDIAccess();
  const inputs = new Map();
  const listen = () => {
    for (const [id, port] of access.inputs) {
      if (port.state === "disconnected" || inputs.has(id)) continue;
      inputs.set(id, new Input(keys));
      port.onmidimessage = (event) => inputs.get(id)?.play(event.data);
    }
    for (const [id, input] of inputs) {
      const port = access.inputs.get(id);
      if (port && port.state !== "disconnected") continue;
      input.letGo();
      inputs.delete(id);
    }
    tell(inputs.size);
  };
  access.onstatechange = listen;
  listen();
}
