// The jitter buffer: packets go to the place of their frame number, and are read a little later.
// It begins with 1024 frames, or what was chosen; every gap makes it grow, up to 4096. A surplus is trimmed, and the
// drift of two clocks is followed by reading up to 0.1 % faster or slower.

const SIZE = 1 << 15;
const FIRST_TARGET = 1024;
const LARGEST_TARGET = 4096;
const HEAD = 8;
const TELL_EVERY = 64;

class EarProcessor extends AudioWorkletProcessor {
  constructor() {
    super();
    this.left = new Float32Array(SIZE);
    this.right = new Float32Array(SIZE);
    this.target = FIRST_TARGET;
    this.written = -1;
    this.at = -1;
    this.smooth = 0;
    this.gaps = 0;
    this.rounds = 0;
    this.port.onmessage = ({ data: { port, frames } }) => {
      if (port) port.onmessage = (event) => this.take(event.data);
      else this.choose(frames);
    };
  }

  /** Wait so long from now on; the change is heard as a short gap. */
  choose(frames) {
    this.target = frames;
    this.restart();
  }

  take(packet) {
    const first = Number(new DataView(packet).getBigInt64(0, true));
    const samples = new Int16Array(packet, HEAD);
    const frames = samples.length / 2;
    if (this.written >= 0 && first !== this.written) this.restart();
    for (let frame = 0; frame < frames; frame++) {
      const place = (first + frame) % SIZE;
      this.left[place] = samples[2 * frame] / 32768;
      this.right[place] = samples[2 * frame + 1] / 32768;
    }
    this.written = first + frames;
  }

  restart() { this.at = -1; }

  get fill() { return this.at < 0 ? 0 : this.written - this.at; }

  process(_, [[left, right]]) {
    if (this.at < 0 && this.written >= 0) this.begin();
    if (this.at >= 0) this.read(left, right);
    if (++this.rounds % TELL_EVERY === 0) this.port.postMessage({ buffer_frames: Math.max(0, this.fill), target_frames: this.target, gaps: this.gaps });
    return true;
  }

  begin() {
    this.waits = (this.waits ?? 0) + 128;
    if (this.waits < this.target) return;
    this.waits = 0;
    this.at = this.written - this.target;
    this.smooth = this.target;
  }

  read(left, right) {
    const frames = left.length;
    if (this.fill < frames + 4) return this.gap();
    this.smooth += 0.01 * (this.fill - this.smooth);
    if (this.smooth > 3 * this.target) { this.at = this.written - this.target; this.smooth = this.target; }
    const speed = 1 + Math.max(-0.001, Math.min(0.001, 1e-6 * (this.smooth - this.target)));
    for (let frame = 0; frame < frames; frame++) {
      const place = Math.floor(this.at);
      const part = this.at - place;
      const [one, two] = [place % SIZE, (place + 1) % SIZE];
      left[frame] = this.left[one] + part * (this.left[two] - this.left[one]);
      right[frame] = this.right[one] + part * (this.right[two] - this.right[one]);
      this.at += speed;
    }
  }

  gap() {
    this.gaps += 1;
    this.target = Math.max(this.target, Math.min(LARGEST_TARGET, this.target + 512));
    this.restart();
  }
}

registerProcessor("ear", EarProcessor);
