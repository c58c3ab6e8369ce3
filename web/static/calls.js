// @ts-check
// <tandem-calls>: the list of calls.
import { request } from './api.js';
import { clock, dateTime, h, icon, put } from './dom.js';
import { head } from './board.js';
import { named, t } from './texts.js';

/** @typedef {import('./types.js').Call} Call */

export class Calls extends HTMLElement {
  /** @param {{me: import('./types.js').Me, live: import('./live.js').Live}} app */
  constructor(app) {
    super();
    this.app = app;
    this.rows = h('tbody', {});
    this.message = h('p', { class: 'empty' }, t('loading'));
    this.more = h('button', { onclick: () => this.load(), hidden: true }, t('callsMore'));
    this.next = '';
  }

  connectedCallback() {
    if (this.firstChild) return;
    this.className = 'page';
    const exporting = this.app.me.role !== 'agent';
    this.append(h('section', { class: 'card panel' },
      h('div', { class: 'row' }, h('h1', {}, t('callsTitle')), exporting && h('a', { class: 'button', href: '/api/v1/calls.csv', download: 'calls.csv', target: '_self' }, icon('download'), t('callsExport'))),
      h('div', { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': t('callsTitle') }, h('table', {},
        head([['colStarted', ''], ['colDirection', ''], ['colNumber', ''], ['colQueue', ''], ['colAgent', ''], ['colWaited', 'num'], ['colTalked', 'num'], ['colResult', ''], ['colDisposition', '']]), this.rows)),
      this.message, this.more));
    // The names of queues and agents come with the board.
    if (this.app.live.board) void this.load();
    else this.app.live.addEventListener('board', () => this.load(), { once: true });
  }

  async load() {
    try {
      const page = /** @type {{items: Call[], next?: string}} */ (await request('GET', '/calls?limit=50' + (this.next ? '&cursor=' + encodeURIComponent(this.next) : '')));
      this.next = page.next ?? '';
      this.more.hidden = !this.next;
      this.rows.append(...page.items.map((c) => this.row(c)));
      put(this.message, t('callsNone'));
      this.message.hidden = this.rows.childElementCount > 0;
    } catch (error) {
      put(this.message, /** @type {Error} */ (error).message);
      this.message.hidden = false;
    }
  }

  /** @param {Call} c */
  row(c) {
    const { live, me } = this.app;
    const disposition = me.dispositions.find((d) => d.id === c.disposition)?.name ?? c.disposition ?? '';
    const number = h('td', {}, c.number || t('withheld'));
    if (c.name) number.append(h('span', { class: 'quiet' }, ' ' + c.name));
    return h('tr', {},
      h('td', {}, dateTime(c.started)), h('td', {}, named('direction_', c.direction)), number,
      h('td', {}, (c.queues ?? []).map((q) => live.queueName(q)).join(', ')), h('td', {}, (c.agents ?? []).map((a) => live.agent(a)?.name ?? a).join(', ')),
      h('td', { class: 'num' }, clock(c.waited)), h('td', { class: 'num' }, c.talked ? clock(c.talked) : '–'),
      h('td', {}, h('span', { class: 'tag', 'data-result': c.result ?? '' }, named('result_', c.result))), h('td', {}, disposition));
  }
}

customElements.define('tandem-calls', Calls);
