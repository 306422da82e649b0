// The page: the top with what plays, the views, the keys below, and what the panel has to say.

import { panel } from "./connection.js";
import { el, svg } from "./dom.js";
import { Ear } from "./ear.js";
import { followHost } from "./host.js";
import { Keys } from "./keys.js";
import { MapView } from "./map.js";
import { Meters } from "./meters.js";
import { PartnerView } from "./partner.js";
import { Shape } from "./shape.js";
import { takeDrops } from "./recording.js";
import { Sounds } from "./sounds.js";
import { openWebMidi } from "./web_midi.js";

const SHOWN_MS = 6000;
const place = (id) => document.getElementById(id);
const views = { Sounds: new Sounds(), Map: new MapView(), Shape: new Shape(), Partner: new PartnerView(), Meters: new Meters() };
const ICONS = {
  Sounds: "M4 5h7v6H4zM13 5h7v6h-7zM4 13h7v6H4zM13 13h7v6h-7z",
  Map: "M12 21c5-5 7-8 7-11a7 7 0 1 0-14 0c0 3 2 6 7 11zM12 8a2 2 0 1 1 0 4 2 2 0 0 1 0-4z",
  Shape: "M3 19 8 6l4 7h4l5 6", Partner: "M4 7h6M12 11h8M6 15h5M14 18h6", Meters: "M5 20v-7M12 20V4M19 20v-11",
};
const keys = new Keys(place("keys"));
const ear = new Ear();

function openView(name) {
  place("view").replaceChildren(views[name].element);
  for (const button of place("views").children) {
    if (button.dataset.view === name) button.setAttribute("aria-current", "page");
    else button.removeAttribute("aria-current");
  }
  history.replaceState(null, "", `${location.search}#${name}`);
  views[name].show();
}

function buildViews() {
  place("views").append(...Object.keys(views).map((name) => {
    const button = el("button", { onclick: () => openView(name) }, svg("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" }, svg("path", { d: ICONS[name] })), name);
    button.dataset.view = name;
    return button;
  }));
}

function buildTop() {
  const name = el("strong", { textContent: "…" });
  const changed = el("span", { className: "changed", title: "Changed since it was stored", hidden: true });
  const rendering = el("small", { className: "dim wide", role: "status" });
  const level = el("div", { className: "level", role: "meter", "aria-label": "Level", "aria-valuemin": 0, "aria-valuemax": 1 }, el("i"), el("b"));
  const hear = el("button", { textContent: "Ear off", title: "Hear it in this page", "aria-pressed": "false", onclick: () => toggleEar(hear) });
  const midi = el("button", { className: "wide", textContent: "Web MIDI", title: "Play with a keyboard that is plugged in here", onclick: () => askForMidi(midi) });
  place("top").append(
    el("h1", { className: "brand" }, el("img", { src: "icon.svg", alt: "latentkeys" }), el("span", { textContent: "latentkeys", "aria-hidden": "true" })),
    el("div", { className: "sound" },
      el("button", { className: "quiet", textContent: "‹", "aria-label": "Sound before", onclick: () => views.Sounds.next(-1) }), name, changed,
      el("button", { className: "quiet", textContent: "›", "aria-label": "Next sound", onclick: () => views.Sounds.next(1) }), rendering),
    el("span", { className: "grow wide" }), level, midi, hear);
  panel.on("Desk", (desk) => { name.textContent = desk.name; changed.hidden = !desk.is_changed; document.title = `${desk.name} · latentkeys`; });
  panel.on("Situation", ({ notes }) => { rendering.textContent = notes ? `rendering ${notes}` : ""; });
  panel.on("Meters", (meters) => {
    level.firstChild.style.transform = `scaleX(${Math.min(1, meters.peak ** 0.5)})`;
    level.lastChild.style.transform = `translateX(${100 * Math.min(1, meters.hold ** 0.5)}%)`;
    level.classList.toggle("hot", meters.limiter_gain < 0.99);
    level.setAttribute("aria-valuenow", meters.peak.toFixed(2));
  });
}

async function toggleEar(button) {
  const isOn = await ear.toggle();
  button.textContent = isOn ? "Ear on" : "Ear off";
  button.setAttribute("aria-pressed", String(isOn));
}

async function askForMidi(button) {
  try {
    await openWebMidi(keys, (count) => { button.textContent = `Web MIDI: ${count}`; });
  } catch (problem) {
    notice({ message: "No keyboard can be heard through this browser.", remedy: problem.message }, true);
  }
}

function notice({ message, remedy }, isBad) {
  const box = el("div", { className: `notice${isBad ? " bad" : ""}`, textContent: message });
  if (remedy) box.append(el("small", { textContent: remedy }));
  place("notices").append(box);
  while (place("notices").children.length > 3) place("notices").firstChild.remove();
  setTimeout(() => box.remove(), SHOWN_MS);
}

function buildGone() {
  const what = el("p");
  const gone = el("div", { className: "gone", hidden: true, role: "alert" }, el("div", {}, el("h2", { textContent: "The instrument is not there" }), what));
  document.body.append(gone);
  let misses = 0;
  panel.on("open", () => { misses = 0; gone.hidden = true; });
  panel.on("gone", ({ code, wasOpen }) => {
    misses = wasOpen ? 0 : misses + 1;
    what.textContent = !panel.token ? "This address lacks its token: open the one that `latentkeys play` printed."
      : code === 1008 ? "This page said too much at once. Coming back …"
        : "It has ended, or it is starting again. This page comes back by itself; if the address has changed, open the one that `latentkeys play` prints.";
    gone.hidden = false;
  });
}

function hearNotices() {
  panel.on("Notice", (news) => { notice(news, Boolean(news.remedy)); });
  panel.on("Refused", (news) => notice(news, true));
  panel.on("Said", (news) => notice(news, false));
}

function hearShortcuts() {
  window.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.target.matches("input, textarea")) return;
    const type = event.key === "z" && !event.shiftKey ? "Undo" : event.key === "y" || event.key.toLowerCase() === "z" ? "Redo" : "";
    if (type) { event.preventDefault(); panel.send(type); }
  });
}

buildTop();
buildViews();
buildGone();
followHost();
hearNotices();
hearShortcuts();
takeDrops(views.Sounds.recording, () => openView("Sounds"));
const asked = location.hash.slice(1);
openView(asked in views ? asked : "Sounds");
panel.open();
