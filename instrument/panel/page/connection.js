// The one socket: what the panel tells goes to whoever listens, what is asked for goes to the panel.

const LONGEST_WAIT = 4000;

class Connection {
  constructor() {
    this.token = new URLSearchParams(location.search).get("token") || "";
    this.last = {};
    this.isOpen = false;
    this.listeners = {};
    this.wait = 250;
  }

  /** Listen to a type of message; the last one of it comes at once. "open" and "gone" are types. */
  on(type, listener) {
    (this.listeners[type] ||= []).push(listener);
    if (this.last[type]) listener(this.last[type]);
  }

  /** Send a request; without a connection it is lost, as a key on a piano that is not there. */
  send(type, fields = {}) {
    if (this.isOpen) this.socket.send(JSON.stringify({ type, ...fields }));
    return this.isOpen;
  }

  open() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    this.socket = new WebSocket(`${scheme}://${location.host}/socket?token=${encodeURIComponent(this.token)}`);
    this.socket.onopen = () => { this.isOpen = true; this.wait = 250; this.tell("open", {}); };
    this.socket.onmessage = ({ data }) => { const message = JSON.parse(data); this.tell(message.type, message); };
    this.socket.onclose = (event) => this.closed(event);
  }

  closed(event) {
    const wasOpen = this.isOpen;
    this.isOpen = false;
    this.tell("gone", { code: event.code, wasOpen });
    setTimeout(() => this.open(), this.wait);
    this.wait = Math.min(LONGEST_WAIT, this.wait * 1.6);
  }

  tell(type, message) {
    if (!["Notice", "Refused", "Said", "Heard", "open", "gone"].includes(type)) this.last[type] = message;
    for (const listener of this.listeners[type] || []) listener(message);
  }
}

export const panel = new Connection();
