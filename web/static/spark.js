// @ts-check
// <tandem-spark>: a small line of how something went, drawn by ourselves.
import { set } from './dom.js';

const ns = 'http://www.w3.org/2000/svg';
const width = 120;
const height = 28;

export class Spark extends HTMLElement {
  constructor() {
    super();
    this.svg = document.createElementNS(ns, 'svg');
    this.area = document.createElementNS(ns, 'path');
    this.line = document.createElementNS(ns, 'path');
    this.drawn = '';
  }

  connectedCallback() {
    if (this.svg.isConnected) return;
    set(this.svg, { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: 'none', 'aria-hidden': 'true' });
    set(this.area, { class: 'area' });
    set(this.line, { class: 'line' });
    this.svg.append(this.area, this.line);
    this.append(this.svg);
    this.setAttribute('role', 'img');
  }

  /**
   * @param {number[]} values oldest first
   * @param {number} slots how many values the whole width stands for
   * @param {string} label
   */
  show(values, slots, label) {
    if (this.getAttribute('aria-label') !== label) this.setAttribute('aria-label', label);
    const top = Math.max(4, ...values);
    const step = width / (slots - 1);
    const x = (/** @type {number} */ i) => width - (values.length - 1 - i) * step;
    const y = (/** @type {number} */ v) => height - 2 - (v / top) * (height - 5);
    const points = values.map((v, i) => `${x(i).toFixed(1)} ${y(v).toFixed(1)}`);
    if (points.length === 1) points.unshift(`${(width - step).toFixed(1)} ${y(values[0] ?? 0).toFixed(1)}`);
    const line = points.length ? 'M' + points.join('L') : '';
    if (line === this.drawn) return;
    this.drawn = line;
    this.line.setAttribute('d', line);
    const left = points[0]?.split(' ')[0] ?? '0';
    this.area.setAttribute('d', line ? `${line}L${width} ${height}L${left} ${height}Z` : '');
  }
}

customElements.define('tandem-spark', Spark);
