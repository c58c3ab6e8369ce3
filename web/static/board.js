// @ts-check
// <tandem-board>: the live board for a supervisor's screen or the wall.
import { clock, h, put, set, sync } from './dom.js';
import { t } from './texts.js';
import { Following, Team, level, longest, opener, panel, percent, spark } from './queues.js';
import { Spark } from './spark.js';
import { Supervise } from './supervise.js';

/** @typedef {import('./types.js').Queue} Queue */
/** @typedef {import('./types.js').Waiting} Waiting */
/** @typedef {{live: import('./live.js').Live, me: import('./types.js').Me}} Host */

export class BoardPage extends Following {
  /** @param {Host} app */
  constructor(app) {
    super(app.live);
    this.kpis = {
      waiting: kpi('kpiWaiting'), longest: kpi('kpiLongest'), talking: kpi('kpiTalking'), ready: kpi('kpiReady'), service: kpi('kpiService'), abandoned: kpi('kpiAbandoned'),
    };
    this.queues = h('tbody', {});
    this.callers = h('tbody', {});
    this.nobody = h('p', { class: 'empty' }, t('waitingNone'));
    this.waitingTable = h('table', {}, head([['position', 'num'], ['caller', ''], ['queue', ''], ['wait', 'num']]), this.callers);
    const { role, features } = app.me;
    /** @type {Supervise | null} The panel behind the rows, for those who may. */
    this.panel = role !== 'agent' && (features.explain || features.supervise) ? new Supervise(app.live, app.me) : null;
    this.team = new Team(this.live, this.opens('agent'));
  }

  /**
   * What a click on a row's name does, if anything.
   * @param {import('./supervise.js').Subject['kind']} kind
   * @returns {((id: string, opener: HTMLElement) => void) | undefined}
   */
  opens(kind) {
    const panel = this.panel;
    return panel ? (id, el) => panel.open({ kind, id }, el) : undefined;
  }

  connectedCallback() {
    if (!this.firstChild) {
      this.className = 'page board';
      this.append(
        h('h1', { class: 'unseen' }, t('boardTitle')),
        h('section', { class: 'kpis', 'aria-label': t('boardTitle') }, Object.values(this.kpis)),
        h('div', { class: 'board-columns' },
          h('div', { class: 'stack' },
            panel('queuesTitle', 'wave', h('div', { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': t('queuesTitle') }, h('table', {},
              head([['queue', ''], ['waiting', 'num'], ['longest', 'num'], ['talkingCount', 'num'], ['readyCount', 'num'], ['answered', 'num'], ['abandoned', 'num'], ['serviceLevel', 'num'], ['trend', '']]),
              this.queues)), h('p', { class: 'quiet foot' }, t('sinceStart'))),
            panel('waitingTitle', 'clock', this.nobody, h('div', { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': t('waitingTitle') }, this.waitingTable))),
          panel('agentsTitle', 'people', this.team)));
      if (this.panel) this.append(this.panel);
    }
    super.connectedCallback();
  }

  update() {
    const board = this.live.board;
    if (!board) return;
    const sum = (/** @type {(q: Queue) => number} */ f) => board.queues.reduce((n, q) => n + f(q), 0);
    const done = sum((q) => q.answered + q.abandoned + q.left);
    const inTime = sum((q) => q.service_level * (q.answered + q.abandoned + q.left));
    const most = board.queues.reduce((n, q) => Math.max(n, longest(q, this.live)), 0);
    value(this.kpis.waiting, sum((q) => q.waiting.length), most > 60 ? 'high' : '');
    value(this.kpis.longest, clock(most), most > 60 ? 'high' : '');
    value(this.kpis.talking, sum((q) => q.talking));
    value(this.kpis.ready, board.agents.filter((a) => a.state === 'ready').length);
    value(this.kpis.service, done ? percent(inTime / done) : '–', done > 0 && inTime / done < 0.8 ? 'some' : '');
    value(this.kpis.abandoned, sum((q) => q.abandoned));
    sync(this.queues, board.queues, (q) => q.id, (q) => this.queueRow(q.id), (el, q) => this.updateQueue(el, q));
    this.updateCallers(board.queues);
  }

  /** @param {string} id */
  queueRow(id) {
    const cells = ['name', 'num heat', 'num heat', 'num', 'num', 'num', 'num', 'num'].map((c, i) => (i === 0 ? h('th', { scope: 'row', class: c }) : h('td', { class: c })));
    const line = new Spark();
    const open = this.opens('queue');
    const name = open ? opener((el) => open(id, el)) : h('span', {});
    const drained = h('span', { class: 'chip', hidden: true }, t('drained'));
    cells[0]?.append(name, ' ', drained);
    return Object.assign(h('tr', {}, cells, h('td', {}, line)), { parts: { cells: [name, ...cells.slice(1)], line, drained } });
  }

  /**
   * @param {Element} el
   * @param {Queue} q
   */
  updateQueue(el, q) {
    const { cells, line, drained } = /** @type {any} */ (el).parts;
    const wait = longest(q, this.live);
    const texts = [q.name, q.waiting.length, q.waiting.length ? clock(wait) : '–', q.talking, q.agents.ready, q.answered, q.abandoned, q.answered + q.abandoned + q.left ? percent(q.service_level) : '–'];
    texts.forEach((text, i) => put(cells[i], text));
    drained.hidden = !q.draining;
    set(el, { 'data-level': level(q, wait) });
    spark(line, this.live, q.id);
  }

  /** @param {Queue[]} queues */
  updateCallers(queues) {
    const callers = queues.flatMap((q) => q.waiting.map((w) => ({ ...w, queue: q.name }))).sort((a, b) => Date.parse(a.since) - Date.parse(b.since)).slice(0, 50);
    this.nobody.hidden = callers.length > 0;
    this.waitingTable.hidden = callers.length === 0;
    sync(this.callers, callers, (w) => w.call, (w) => {
      const cells = ['num', '', '', 'num heat'].map((c) => h('td', { class: c }));
      const open = this.opens('call');
      const who = open ? opener((el) => open(w.call, el)) : h('span', {});
      cells[1]?.append(who);
      return Object.assign(h('tr', {}, cells), { parts: [cells[0], who, cells[2], cells[3]] });
    }, (el, w) => {
      const cells = /** @type {any} */ (el).parts;
      const agent = this.live.agent(w.agent)?.name ?? w.agent;
      put(cells[0], w.position);
      put(cells[1], [w.name, w.number || t('withheld'), agent ? t('ringsAt', { agent }) : ''].filter(Boolean).join(' · '));
      put(cells[2], w.queue);
      put(cells[3], clock(this.live.age(w.since)));
      set(el, { 'data-level': this.live.age(w.since) > 60 ? 'high' : 'some' });
    });
  }
}

customElements.define('tandem-board', BoardPage);

/** @param {import('./texts.js').TextKey} text */
function kpi(text) {
  return h('div', { class: 'kpi card' }, h('span', { class: 'kpi-name' }, t(text)), h('span', { class: 'kpi-value' }, '–'));
}

/**
 * @param {Element} el
 * @param {string | number} text
 * @param {string} [mood]
 */
function value(el, text, mood = '') {
  put(/** @type {Element} */ (el.lastElementChild), text);
  set(el, { 'data-level': mood || false });
}

/** @param {[import('./texts.js').TextKey, string][]} columns */
export function head(columns) {
  return h('thead', {}, h('tr', {}, columns.map(([text, kind]) => h('th', { scope: 'col', class: kind }, t(text)))));
}
