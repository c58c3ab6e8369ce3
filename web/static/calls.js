// @ts-check
// <tandem-calls>: the list of calls.
import { request } from './api.js';
import { clock, dateTime, h, icon, put, sync } from './dom.js';
import { head } from './board.js';
import { named, t } from './texts.js';

/** @typedef {import('./types.js').Call} Call */

export class Calls extends HTMLElement {
  /** @param {{me: import('./types.js').Me, live: import('./live.js').Live}} app */
  constructor(app) {
    super();
    this.app = app;
    /** @type {Call[]} */
    this.calls = [];
    this.rows = h('tbody', {});
    this.message = h('p', { class: 'empty' }, t('loading'));
    this.more = h('button', { onclick: () => this.load(this.next), hidden: true }, t('callsMore'));
    this.next = '';
    this.timer = 0;
  }

  connectedCallback() {
    this.build();
    // The names of queues and agents come with the board.
    if (this.app.live.board) void this.load('');
    else this.app.live.addEventListener('board', () => this.load(''), { once: true });
    this.timer = window.setInterval(() => this.load(''), 5_000);
  }

  disconnectedCallback() {
    window.clearInterval(this.timer);
  }

  build() {
    this.className = 'page';
    const exporting = this.app.me.role !== 'agent';
    this.replaceChildren(h('section', { class: 'card panel' },
      h('div', { class: 'row' }, h('h1', {}, t('callsTitle')), exporting && h('a', { class: 'button', href: '/api/v1/calls.csv', download: 'calls.csv', target: '_self' }, icon('download'), t('callsExport'))),
      h('div', { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': t('callsTitle') }, h('table', {},
        head([['colStarted', ''], ['colDirection', ''], ['colNumber', ''], ['colQueue', ''], ['colAgent', ''], ['colWaited', 'num'], ['colTalked', 'num'], ['colResult', ''], ['colDisposition', '']]), this.rows)),
      this.message, this.more));
  }

  /**
   * Reads a page: the newest when cursor is empty, which is also how the list stays fresh.
   * @param {string} cursor
   */
  async load(cursor) {
    try {
      const page = /** @type {{items: Call[], next?: string}} */ (await request('GET', '/calls?limit=50' + (cursor ? '&cursor=' + encodeURIComponent(cursor) : '')));
      if (cursor || this.calls.length === 0) this.next = page.next ?? '';
      const fresh = new Set(page.items.map((c) => c.id));
      const rest = this.calls.filter((c) => !fresh.has(c.id));
      this.calls = cursor ? [...rest, ...page.items] : [...page.items, ...rest];
      sync(this.rows, this.calls, (c) => c.id, () => h('tr', {}), (el, c) => this.show(el, c));
      put(this.message, t('callsNone'));
      this.message.hidden = this.calls.length > 0;
    } catch (error) {
      put(this.message, /** @type {Error} */ (error).message);
      this.message.hidden = false;
    }
    this.more.hidden = !this.next;
  }

  /**
   * @param {Element} el
   * @param {Call} c
   */
  show(el, c) {
    const { live, me } = this.app;
    const said = JSON.stringify(c);
    if (el.getAttribute('data-said') === said) return;
    el.setAttribute('data-said', said);
    const disposition = me.dispositions.find((d) => d.id === c.disposition)?.name ?? c.disposition ?? '';
    const number = h('td', {}, c.number || t('withheld'));
    if (c.name) number.append(h('span', { class: 'quiet' }, ' ' + c.name));
    const waits = !c.ended && !c.connected;
    el.replaceChildren(
      h('td', {}, dateTime(c.started)), h('td', {}, named('direction_', c.direction)), number,
      h('td', {}, (c.queues ?? []).map((q) => live.queueName(q)).join(', ')), h('td', {}, (c.agents ?? []).map((a) => live.agent(a)?.name ?? a).join(', ')),
      h('td', { class: 'num' }, waits ? '–' : clock(c.waited)), h('td', { class: 'num' }, c.talked ? clock(c.talked) : '–'),
      h('td', {}, h('span', { class: 'tag', 'data-result': c.result ?? '' }, named('result_', c.result))), h('td', {}, disposition));
  }
}

customElements.define('tandem-calls', Calls);
