// @ts-check
// Small helpers to build the page. Text only ever becomes text nodes.

/** @typedef {Node | string | number | null | undefined | false} Child */

/**
 * Makes an element. Attributes: a function is a listener for its name without "on", true is an empty attribute, false, null and
 * undefined are left out.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} name
 * @param {Record<string, unknown>} [attributes]
 * @param {...(Child | Child[])} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(name, attributes = {}, ...children) {
  const el = document.createElement(name);
  set(el, attributes);
  el.append(...nodes(children));
  return el;
}

/**
 * @param {Element} el
 * @param {Record<string, unknown>} attributes
 */
export function set(el, attributes) {
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === 'function') {
      el.addEventListener(key.replace(/^on/, ''), /** @type {EventListener} */ (value));
    } else if (value === false || value === null || value === undefined) {
      el.removeAttribute(key);
    } else {
      el.setAttribute(key, value === true ? '' : String(value));
    }
  }
}

/**
 * @param {(Child | Child[])[]} children
 * @returns {Node[]}
 */
function nodes(children) {
  /** @type {Node[]} */
  const out = [];
  for (const child of children.flat()) {
    if (child === null || child === undefined || child === false) continue;
    out.push(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return out;
}

/**
 * Puts text into an element, and only touches the page when it changed.
 * @param {Element} el
 * @param {string | number} text
 */
export function put(el, text) {
  const s = String(text);
  if (el.textContent !== s) el.textContent = s;
}

/**
 * Makes the children of a parent follow a list: one element per key, kept and updated where it exists.
 * @template T
 * @param {Element} parent
 * @param {T[]} items
 * @param {(item: T) => string} key
 * @param {(item: T) => Element} make
 * @param {(el: Element, item: T) => void} update
 */
export function sync(parent, items, key, make, update) {
  /** @type {Map<string, Element>} */
  const old = new Map();
  for (const el of parent.children) old.set(el.getAttribute('data-key') ?? '', el);
  items.forEach((item, i) => {
    const k = key(item);
    let el = old.get(k);
    if (el) {
      old.delete(k);
    } else {
      el = make(item);
      el.setAttribute('data-key', k);
    }
    update(el, item);
    if (parent.children[i] !== el) parent.insertBefore(el, parent.children[i] ?? null);
  });
  for (const el of old.values()) el.remove();
}

// Drawn for Tandem on a grid of 20, stroke 1.7.
const shapes = {
  phone: 'M5 3.5h2.6l1.3 3.4-1.8 1.3a9 9 0 0 0 4.7 4.7l1.3-1.8 3.4 1.3V15a1.8 1.8 0 0 1-2 1.8A12.6 12.6 0 0 1 3.2 5.5a1.8 1.8 0 0 1 1.8-2z',
  hangup: 'M3 11.8c0-3 3.1-5 7-5s7 2 7 5v1.4l-3.6.6-.7-2.5a9.6 9.6 0 0 0-5.4 0l-.7 2.5-3.6-.6z',
  mic: 'M10 3a2.3 2.3 0 0 1 2.3 2.3v4.4a2.3 2.3 0 0 1-4.6 0V5.3A2.3 2.3 0 0 1 10 3zM5 9.5a5 5 0 0 0 10 0M10 14.5V17',
  micoff: 'M7.7 7.5v2.2a2.3 2.3 0 0 0 3.6 1.9M12.3 9V5.3a2.3 2.3 0 0 0-4.3-1.1M5 9.5a5 5 0 0 0 7.6 4.3M15 9.5c0 .7-.1 1.3-.4 1.9M10 14.5V17M3.5 3.5l13 13',
  keypad: 'M5 4.5h.01M10 4.5h.01M15 4.5h.01M5 9.5h.01M10 9.5h.01M15 9.5h.01M5 14.5h.01M10 14.5h.01M15 14.5h.01',
  pause: 'M7 5v10M13 5v10',
  ready: 'M4.5 10.5l3.5 3.5 7.5-8',
  out: 'M8 4H4.5v12H8M8.5 10H16M13 6.8l3.2 3.2-3.2 3.2',
  sun: 'M10 7a3 3 0 1 1 0 6 3 3 0 0 1 0-6zM10 2.5v1.3M10 16.2v1.3M2.5 10h1.3M16.2 10h1.3M4.7 4.7l.9.9M14.4 14.4l.9.9M4.7 15.3l.9-.9M14.4 5.6l.9-.9',
  link: 'M8 5H5v10h10v-3M11 4.5h4.5V9M15 5l-6 6',
  inbound: 'M15 5l-9 9M6 8v6h6',
  outbound: 'M5 15l9-9M8 6h6v6',
  clock: 'M10 3.5a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13zM10 6.5V10l2.3 1.6',
  people: 'M7.5 9.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5zM3 16c0-2.5 2-4 4.5-4s4.5 1.5 4.5 4M13 9.2a2.2 2.2 0 1 0-.8-4.2M14 12c1.9.3 3 1.7 3 3.6',
  wave: 'M4 9v2M7 6.5v7M10 4v12M13 7v6M16 9v2',
  download: 'M10 3.5v9M6.5 9.5l3.5 3.5 3.5-3.5M4 16.5h12',
  upload: 'M10 13V4M6.5 7.5L10 4l3.5 3.5M4 16.5h12',
  warn: 'M10 3.5l7 12.5H3zM10 8.5v3M10 13.8h.01',
};

/** @typedef {keyof typeof shapes} IconName */

/**
 * An icon beside a text; it says nothing to a screen reader.
 * @param {IconName} name
 * @returns {SVGElement}
 */
export function icon(name) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  set(svg, { viewBox: '0 0 20 20', class: 'icon icon-' + name, 'aria-hidden': 'true', focusable: 'false' });
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  set(path, { d: shapes[name] });
  svg.append(path);
  return svg;
}

/** The mark of the house. */
export function mark() {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  set(svg, { viewBox: '0 0 32 32', class: 'mark', 'aria-hidden': 'true', focusable: 'false' });
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  set(path, { d: 'M8 12h10a4 4 0 0 1 0 8h-2M24 20H14a4 4 0 0 1 0-8h2' });
  svg.append(path);
  return svg;
}

/**
 * Seconds as 0:07, 12:34 or 1:02:03.
 * @param {number} seconds
 */
export function clock(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  const two = (/** @type {number} */ n) => String(n).padStart(2, '0');
  const minutes = Math.floor(s / 60);
  return minutes < 60 ? `${minutes}:${two(s % 60)}` : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(s % 60)}`;
}

/**
 * @param {string | undefined} at
 * @returns {string}
 */
export function timeOfDay(at) {
  if (!at) return '';
  return new Date(at).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
}

/**
 * @param {string | undefined} at
 * @returns {string}
 */
export function dateTime(at) {
  if (!at) return '';
  return new Date(at).toLocaleString([], { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit' });
}
