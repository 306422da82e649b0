// Two rows of the computer keyboard as a piano, by the place of the keys, whatever is printed on them.

const ROWS = ["KeyA", "KeyW", "KeyS", "KeyE", "KeyD", "KeyF", "KeyT", "KeyG", "KeyY", "KeyH", "KeyU", "KeyJ",
  "KeyK", "KeyO", "KeyL", "KeyP", "Semicolon"];

const isTyping = (target) => target instanceof Element
  && (target.matches("input:not([type=checkbox]), select, textarea") || target.closest("dialog"));

export class ComputerKeys {
  constructor(keys) {
    this.keys = keys;
    this.down = new Map();
    window.addEventListener("keydown", (event) => this.press(event));
    window.addEventListener("keyup", (event) => this.lift(event));
  }

  letterOf(pitch) {
    const code = ROWS[pitch - 12 * (this.keys.octave + 1)];
    return code ? code.replace("Key", "").replace("Semicolon", ";") : "";
  }

  forget() { this.down.clear(); }

  press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    const acts = { KeyZ: () => this.keys.shift(-1), KeyX: () => this.keys.shift(1), KeyC: () => this.keys.touch(-10),
      KeyV: () => this.keys.touch(10), Escape: () => this.keys.panic() };
    if (event.code === "Space" && !event.target.matches?.("button")) {
      event.preventDefault();
      if (!event.repeat) this.keys.press(true);
      return;
    }
    const place = ROWS.indexOf(event.code);
    if (place >= 0) {
      event.preventDefault();
      if (!event.repeat && !this.down.has(event.code)) {
        const pitch = 12 * (this.keys.octave + 1) + place;
        this.down.set(event.code, pitch);
        this.keys.strike(pitch, this.keys.velocity);
      }
    } else if (acts[event.code] && !event.repeat) acts[event.code]();
  }

  lift(event) {
    if (event.code === "Space" && this.keys.isDown && !event.target.matches?.("button")) this.keys.press(false);
    const pitch = this.down.get(event.code);
    if (pitch === undefined) return;
    this.down.delete(event.code);
    this.keys.release(pitch);
  }
}
