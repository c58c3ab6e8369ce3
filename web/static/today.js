// @ts-check
// <tandem-today>: the agent's own figures and last calls.
import { request } from './api.js';
import { clock, h, icon, put, sync, timeOfDay } from './dom.js';
import { named, t } from './texts.js';

/** @typedef {import('./types.js').Today} Today */
/** @typedef {import('./types.js').Call} Call */

export class TodayView extends HTMLElement {
  /**
   * @param {import('./types.js').Me} me
   * @param {import('./live.js').Live} live
   */
  constructor(me, live) {
    super();
    this.me = me;
    this.live = live;
    this.figures = ['todayAnswered', 'todayMissed', 'todayTalk', 'todayAverage'].map((key) => {
      const value = h('dd', {}, '–');
      return { value, row: h('div', {}, h('dt', {}, t(/** @type {import('./texts.js').TextKey} */ (key))), value) };
    });
    this.list = h('ul', { class: 'recent' });
    this.none = h('p', { class: 'quiet' }, t('recentNone'));
    this.timer = 0;
  }

  connectedCallback() {
    if (this.firstChild || !this.me.features.calls) return;
    this.className = 'card panel today';
    this.append(
      h('h2', {}, icon('clock'), t('todayTitle')),
      h('dl', { class: 'figures' }, this.figures.map((f) => f.row)),
      h('h2', { class: 'second' }, t('recentTitle')), this.none, this.list);
    if (this.live.board) void this.load();
    else this.live.addEventListener('board', () => this.load(), { once: true });
  }

  /** Reads afresh a moment later: what has just happened is in the records then. */
  refresh() {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.load(), 700);
  }

  async load() {
    if (!this.me.features.calls) return;
    const midnight = new Date();
    midnight.setHours(0, 0, 0, 0);
    try {
      this.show(await request('GET', '/agent/today?since=' + encodeURIComponent(midnight.toISOString())));
    } catch {
      // The figures stay as they were; the shell says when the server is away.
    }
  }

  /** @param {Today} today */
  show(today) {
    const average = today.answered ? clock(today.talked / today.answered) : '–';
    [today.answered, today.missed, clock(today.talked), average].forEach((v, i) => put(/** @type {HTMLElement} */ (this.figures[i]?.value), v));
    this.none.hidden = today.calls.length > 0;
    sync(this.list, today.calls, (c) => c.id, (c) => this.row(c), (el, c) => {
      const detail = el.querySelector('.detail');
      if (detail) put(detail, [timeOfDay(c.started), c.queues?.map((q) => this.live.queueName(q)).join(', ')].filter(Boolean).join(' · '));
      const talked = el.querySelector('.time');
      if (talked) put(talked, !c.agents?.includes(this.me.agent ?? '') ? t('missed') : c.talked ? clock(c.talked) : named('result_', c.result));
    });
  }

  /** @param {Call} c */
  row(c) {
    return h('li', {},
      icon(c.direction === 'outbound' ? 'outbound' : 'inbound'), h('span', { class: 'unseen' }, named('direction_', c.direction)),
      h('span', { class: 'who' }, h('span', { class: 'name' }, c.name || c.number || t('withheld')), h('span', { class: 'quiet detail' })),
      h('span', { class: 'time' }));
  }
}

customElements.define('tandem-today', TodayView);
