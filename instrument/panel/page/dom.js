// Small words for making elements; everything that comes from elsewhere is set as text.

/** Make an element: properties as they are called in the DOM, `on…` functions listen. */
export function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name.includes("-") || name === "role") element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** Make an SVG element with attributes. */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Return a colour of the style sheet, as it is in this theme. */
export function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/** Fit a canvas to its place and return its context, in CSS pixels. */
export function context(canvas) {
  const { clientWidth: width, clientHeight: height } = canvas;
  const scale = window.devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
  }
  const drawing = canvas.getContext("2d");
  drawing.setTransform(scale, 0, 0, scale, 0, 0);
  drawing.clearRect(0, 0, width, height);
  return { drawing, width, height };
}

/** Call a function at most once per frame of the display, with what came last. */
export function oncePerFrame(call) {
  let last = null;
  return (...values) => {
    if (last === null) requestAnimationFrame(() => { const these = last; last = null; call(...these); });
    last = values;
  };
}

/** Let a plane be dragged, and moved with the arrow keys: `go(x, y)`, both 0 to 1, y upwards. */
export function draggable(plane, where, go) {
  const point = (event) => {
    const box = plane.getBoundingClientRect();
    const share = (at, start, size) => Math.min(1, Math.max(0, (at - start) / size));
    go(share(event.clientX, box.left, box.width), 1 - share(event.clientY, box.top, box.height));
  };
  plane.addEventListener("pointerdown", (event) => { plane.setPointerCapture(event.pointerId); point(event); });
  plane.addEventListener("pointermove", (event) => { if (plane.hasPointerCapture(event.pointerId)) point(event); });
  plane.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!step) return;
    event.preventDefault();
    const size = event.shiftKey ? 0.1 : 0.02;
    const [x, y] = where();
    go(Math.min(1, Math.max(0, x + size * step[0])), Math.min(1, Math.max(0, y + size * step[1])));
  });
}
