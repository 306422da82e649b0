// The ear: sound from the panel's second socket into an AudioWorklet, past the page's main thread.

import { panel } from "./connection.js";

/** Buffers that one can choose; each grows by itself if it has gaps. */
export const FRAMES = [1024, 512, 2048, 4096, 8192];

export class Ear {
  constructor() {
    this.isOn = false;
    panel.on("EarBuffer", ({ frames }) => { if (this.isOn) this.node.port.postMessage({ frames }); });
  }

  async toggle() {
    if (this.isOn) return this.stop();
    if (!window.AudioWorkletNode) {
      panel.tell("Refused", { message: "This browser plays no sound from here.", remedy: "AudioWorklet needs https, or the machine itself: open the panel there, as 127.0.0.1." });
      return false;
    }
    this.context = new AudioContext({ sampleRate: panel.last.Situation?.rate_hz || 48000, latencyHint: "interactive" });
    await this.context.audioWorklet.addModule("ear_worklet.js");
    this.node = new AudioWorkletNode(this.context, "ear", { numberOfInputs: 0, outputChannelCount: [2] });
    this.node.connect(this.context.destination);
    this.node.port.onmessage = ({ data }) => this.tell(data);
    await this.context.resume();
    this.node.port.postMessage({ frames: panel.last.EarBuffer?.frames || FRAMES[0] });
    this.fetch();
    this.isOn = true;
    return true;
  }

  /** Let a worker bring the packets: its thread does not wait for the page's drawing. */
  fetch() {
    const { port1, port2 } = new MessageChannel();
    this.worker = new Worker("ear_worker.js");
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const address = `${scheme}://${location.host}/ear?token=${encodeURIComponent(panel.token)}`;
    this.worker.postMessage({ address, port: port1 }, [port1]);
    this.node.port.postMessage({ port: port2 }, [port2]);
  }

  tell({ buffer_frames: buffer, target_frames: target, gaps }) {
    const ms = (frames) => 1000 * frames / this.context.sampleRate;
    const output = 1000 * (this.context.baseLatency + (this.context.outputLatency || 0));
    panel.tell("Ear", { type: "Ear", buffer_ms: ms(buffer), target_ms: ms(target), output_ms: output, gaps });
  }

  async stop() {
    this.isOn = false;
    this.worker.terminate();
    delete panel.last.Ear;
    await this.context.close();
    return false;
  }
}
