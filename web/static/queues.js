// @ts-check
// <tandem-queues> and <tandem-team>: queues with their waiting callers, and agents with their states; compact in the console, full on the board.
import { clock, h, icon, put, set, sync } from './dom.js';
import { named, t } from './texts.js';
import { Spark } from './spark.js';

/** @typedef {import('./types.js').Queue} Queue */
/** @typedef {import('./types.js').Agent} Agent */
/** @typedef {import('./live.js').Live} Live */

/**
 * Base of what follows the board: update is called at each new board and once per second.
 */
export class Following extends HTMLElement {
  /** @param {Live} live */
  constructor(live) {
    super();
    this.live = live;
    this.timer = 0;
    this.onboard = () => this.update();
  }

  connectedCallback() {
    this.live.addEventListener('board', this.onboard);
    this.timer = window.setInterval(this.onboard, 1_000);
    this.update();
  }

  disconnectedCallback() {
    this.live.removeEventListener('board', this.onboard);
    window.clearInterval(this.timer);
  }

  update() {}
}

/** @param {number} level */
export function percent(level) {
  return Math.round(level * 100) + ' %';
}

/**
 * @param {Queue} q
 * @param {Live} live
 */
export function longest(q, live) {
  return q.waiting.reduce((most, w) => Math.max(most, live.age(w.since)), 0);
}

/** The compact list of queues beside the phone. */
export class QueueList extends Following {
  constructor(/** @type {Live} */ live, /** @type {string[]} */ mine) {
    super(live);
    this.mine = mine;
    this.list = h('ul', { class: 'queue-list' });
    this.empty = h('p', { class: 'quiet' }, t('loading'));
  }

  connectedCallback() {
    if (!this.list.isConnected) this.append(this.list, this.empty);
    super.connectedCallback();
  }

  update() {
    const board = this.live.board;
    if (!board) return;
    this.empty.hidden = board.queues.length > 0;
    put(this.empty, t('noQueues'));
    sync(this.list, board.queues, (q) => q.id, () => {
      const name = h('span', { class: 'name' });
      const waiting = h('span', { class: 'count' });
      const detail = h('span', { class: 'quiet detail' });
      const spark = new Spark();
      const row = h('li', {}, h('div', { class: 'row' }, name, waiting), h('div', { class: 'row' }, detail, spark));
      return Object.assign(row, { parts: { name, waiting, detail, spark } });
    }, (el, q) => {
      const p = /** @type {any} */ (el).parts;
      const wait = longest(q, this.live);
      put(p.name, q.name);
      put(p.waiting, t('waitingNow', { n: q.waiting.length }));
      el.setAttribute('data-level', level(q, wait));
      put(p.detail, q.waiting.length ? `${t('longest')} ${clock(wait)}` : `${t('readyCount')} ${q.agents.ready} · ${percent(q.service_level)} ${t('serviceShort')}`);
      spark(p.spark, this.live, q.id);
    });
  }
}

customElements.define('tandem-queues', QueueList);

/**
 * @param {Queue} q
 * @param {number} wait
 */
export function level(q, wait) {
  if (q.waiting.length === 0) return 'calm';
  return wait > 60 || (q.agents.ready === 0 && wait > 20) ? 'high' : 'some';
}

/**
 * @param {Spark} el
 * @param {Live} live
 * @param {string} queue
 */
export function spark(el, live, queue) {
  const values = live.history.map((p) => p.waiting[queue] ?? 0);
  el.show(values, Math.min(120, Math.max(24, values.length)), t('sparkLabel', { n: Math.max(0, ...values) }));
}

/** The agents: state chip, name, time in state. */
export class Team extends Following {
  /**
   * @param {Live} live
   * @param {(id: string, opener: HTMLElement) => void} [open] what a click on an agent does; without it agents are only shown
   */
  constructor(live, open) {
    super(live);
    this.opens = open;
    this.list = h('ul', { class: 'team' });
    this.empty = h('p', { class: 'quiet' }, t('loading'));
  }

  connectedCallback() {
    if (!this.list.isConnected) this.append(this.list, this.empty);
    super.connectedCallback();
  }

  update() {
    const board = this.live.board;
    if (!board) return;
    this.empty.hidden = board.agents.length > 0;
    put(this.empty, t('noAgents'));
    const order = ['on_call', 'reserved', 'wrap_up', 'ready', 'paused', 'unavailable', 'logged_out', ''];
    const agents = [...board.agents].sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state) || a.name.localeCompare(b.name));
    sync(this.list, agents, (a) => a.id, (a) => {
      const chip = h('span', { class: 'chip' });
      const name = this.opens ? opener((el) => this.opens?.(a.id, el)) : h('span', { class: 'name' });
      const detail = h('span', { class: 'quiet detail' });
      const time = h('span', { class: 'time' });
      return Object.assign(h('li', {}, h('span', { class: 'who' }, name, detail), chip, time), { parts: { chip, name, detail, time } });
    }, (el, a) => {
      const p = /** @type {any} */ (el).parts;
      el.setAttribute('data-state', a.state);
      put(p.name, a.name);
      put(p.chip, named('state_', a.state));
      set(p.chip, { 'data-state': a.state });
      const where = a.call ? [this.live.queueName(a.queue), a.call.number ?? ''] : [a.state === 'paused' ? (a.reason ?? '') : this.live.queueName(a.queue)];
      put(p.detail, where.filter(Boolean).join(' · '));
      put(p.time, a.state === 'logged_out' || !a.since || a.state === '' ? '' : clock(this.live.age(a.since)));
    });
  }
}

customElements.define('tandem-team', Team);

/**
 * A name that opens a panel.
 * @param {(el: HTMLElement) => void} open
 */
export function opener(open) {
  const el = h('button', { class: 'opener name', 'aria-haspopup': 'dialog', onclick: () => open(el) });
  return el;
}

/** @param {import('./texts.js').TextKey} title @param {import('./dom.js').IconName} sign @param {...Node} content */
export function panel(title, sign, ...content) {
  return h('section', { class: 'card panel', 'aria-label': t(title) }, h('h2', {}, icon(sign), t(title)), ...content);
}
