// @ts-check
// <tandem-supervise>: the panel behind a row of the board: why nothing happens there, and what a supervisor may do about it.
import { request } from './api.js';
import { clock, h, put, set, sync } from './dom.js';
import { reasonsOfAgent, reasonsOfCall } from './reasons.js';
import { longest } from './queues.js';
import { named, t } from './texts.js';

/** @typedef {import('./types.js').Me} Me */
/** @typedef {import('./types.js').CallReasons} CallReasons */
/** @typedef {import('./types.js').AgentReasons} AgentReasons */
/** @typedef {import('./texts.js').TextKey} TextKey */
/** @typedef {{kind: 'call' | 'agent' | 'queue', id: string}} Subject */
/** @typedef {{title: string, detail: string, there: boolean}} Face */

const addresses = { call: 'calls', agent: 'agents', queue: 'queues' };

export class Supervise extends HTMLElement {
  /**
   * @param {import('./live.js').Live} live
   * @param {Me} me
   */
  constructor(live, me) {
    super();
    this.live = live;
    this.me = me;
    /** @type {Subject} */
    this.subject = { kind: 'call', id: '' };
    /** @type {CallReasons | AgentReasons | null} */
    this.answer = null;
    /** Why there is no answer. */
    this.trouble = '';
    this.timer = 0;
    this.ticks = 0;
    this.heading = h('h2', { id: 'supervise-title' });
    this.detail = h('p', { class: 'quiet' });
    this.whyTitle = h('h3', {});
    this.sentences = h('ul', { class: 'sentences', id: 'why' });
    this.actions = h('div', { class: 'actions' });
    this.report = h('p', { class: 'hint', role: 'status', hidden: true });
    /** @type {HTMLElement | null} */
    this.opener = null;
    /** What an action needs to follow the board while the panel is open. @type {() => void} */
    this.follow = () => undefined;
    this.dialog = h('dialog', { class: 'card supervise', 'aria-labelledby': 'supervise-title', onclose: () => this.closed() },
      h('div', { class: 'row' }, this.heading, h('button', { class: 'small', id: 'supervise-close', onclick: () => this.dialog.close() }, t('close'))),
      this.detail, h('section', { class: 'stack-small' }, this.whyTitle, this.sentences), this.actions, this.report);
  }

  connectedCallback() {
    if (!this.firstChild) this.append(this.dialog);
  }

  disconnectedCallback() {
    window.clearInterval(this.timer);
  }

  /**
   * Opens the panel; the focus returns to the opener when it closes.
   * @param {Subject} subject
   * @param {HTMLElement} opener
   */
  open(subject, opener) {
    this.subject = subject;
    this.opener = opener;
    this.answer = null;
    this.trouble = '';
    this.ticks = 0;
    this.say('');
    put(this.whyTitle, t(subject.kind === 'agent' ? 'whyAgentTitle' : subject.kind === 'call' ? 'whyCallTitle' : 'whyQueueTitle'));
    this.actions.replaceChildren();
    this.follow = () => undefined;
    if (this.me.features.supervise) this.act();
    this.show();
    this.dialog.showModal();
    window.clearInterval(this.timer);
    this.timer = window.setInterval(() => this.tick(), 1_000);
    void this.load();
  }

  closed() {
    window.clearInterval(this.timer);
    // The row may be gone by now, and with it the place where the reader was.
    if (!this.opener?.isConnected) document.getElementById('content')?.focus();
  }

  tick() {
    this.ticks++;
    if (this.ticks % 2 === 0) void this.load();
    this.show();
  }

  /** The address of the subject below the API. */
  get path() {
    return `/${addresses[this.subject.kind]}/${encodeURIComponent(this.subject.id)}`;
  }

  async load() {
    const subject = this.subject;
    if (subject.kind === 'queue' || !this.me.features.explain) return;
    try {
      const answer = /** @type {CallReasons | AgentReasons} */ (await request('GET', this.path + '/why'));
      if (subject === this.subject) this.answer = answer;
    } catch (error) {
      if (subject === this.subject) {
        this.answer = null;
        this.trouble = /** @type {Error} */ (error).message;
      }
    }
    this.show();
  }

  show() {
    const face = this.face();
    put(this.heading, face.title);
    put(this.detail, face.detail);
    const lines = face.there ? this.lines() : [t('whyGone')];
    sync(this.sentences, lines.map((text, i) => ({ text, key: String(i) })), (l) => l.key, () => h('li', {}), (el, l) => put(el, l.text));
    this.actions.hidden = !face.there || !this.actions.firstChild;
    this.follow();
  }

  /** @returns {Face} */
  face() {
    const { kind, id } = this.subject;
    if (kind === 'agent') {
      const a = this.live.agent(id);
      return { title: a?.name ?? id, detail: [named('state_', a?.state), a?.since && a.state ? clock(this.live.age(a.since)) : ''].filter(Boolean).join(' · '), there: Boolean(a) };
    }
    if (kind === 'queue') {
      const q = this.queue(id);
      return { title: q?.name ?? id, detail: q ? `${t('waitingNow', { n: q.waiting.length })} · ${t('readyCount')} ${q.agents.ready}` : '', there: Boolean(q) };
    }
    const { queue, waiting } = this.waiting();
    if (!queue || !waiting) return { title: this.heading.textContent || t('callTitle'), detail: '', there: false };
    const who = [waiting.name, waiting.number || t('withheld')].filter(Boolean).join(' · ');
    const priority = waiting.priority ? ' · ' + t('priorityNow', { n: waiting.priority }) : '';
    return { title: who, detail: `${queue.name} · ${clock(this.live.age(waiting.since))}${priority}`, there: true };
  }

  /** @param {string} id */
  queue(id) {
    return this.live.board?.queues.find((q) => q.id === id);
  }

  /** The waiting call that the panel is about, and its queue. */
  waiting() {
    for (const queue of this.live.board?.queues ?? []) {
      const waiting = queue.waiting.find((w) => w.call === this.subject.id);
      if (waiting) return { queue, waiting };
    }
    return { queue: undefined, waiting: undefined };
  }

  /** @returns {string[]} */
  lines() {
    if (this.subject.kind === 'queue') {
      const q = this.queue(this.subject.id);
      if (!q) return [];
      const wait = longest(q, this.live);
      return [t(q.draining ? 'queueDrained' : 'queueOpen'), q.waiting.length ? t('queueWaits', { n: q.waiting.length, time: clock(wait) }) : t('waitingNone')];
    }
    if (!this.me.features.explain) return [];
    if (!this.answer) return [this.trouble || t('loading')];
    return 'call' in this.answer ? reasonsOfCall(this.answer, this.live) : reasonsOfAgent(/** @type {AgentReasons} */ (this.answer), this.live);
  }

  act() {
    if (this.subject.kind === 'call') this.actOnCall();
    else if (this.subject.kind === 'agent') this.actOnAgent();
    else this.actOnQueue();
  }

  actOnCall() {
    const queues = choice('supervise-queue', 'moveTo');
    const agents = choice('supervise-agent', 'giveTo');
    const move = h('button', { id: 'supervise-move', onclick: () => this.send('POST', '/move', { queue: queues.select.value }, 'doneMoved') }, t('move'));
    const give = h('button', { id: 'supervise-give', onclick: () => this.send('POST', '/pick', { agent: agents.select.value }, 'doneGiven') }, t('give'));
    this.actions.append(
      h('button', { id: 'supervise-raise', onclick: () => this.raise() }, t('raisePriority')),
      h('div', { class: 'field' }, queues.label, h('div', { class: 'row' }, queues.select, move)),
      h('div', { class: 'field' }, agents.label, h('div', { class: 'row' }, agents.select, give)));
    this.follow = () => {
      const here = this.waiting().queue?.id ?? '';
      options(queues.select, (this.live.board?.queues ?? []).filter((q) => q.id !== here), 'moveNowhere');
      const serves = (/** @type {import('./types.js').Agent} */ a) => Number(a.queues.includes(here));
      const ready = (this.live.board?.agents ?? []).filter((a) => a.state === 'ready').sort((a, b) => serves(b) - serves(a) || a.name.localeCompare(b.name));
      options(agents.select, ready, 'giveNobody');
      move.disabled = queues.select.disabled;
      give.disabled = agents.select.disabled;
    };
  }

  raise() {
    const now = this.waiting().waiting?.priority ?? 0;
    return this.send('PUT', '/priority', { priority: Math.min(1000, now + 1) }, 'donePriority');
  }

  actOnAgent() {
    const force = (/** @type {string} */ state, /** @type {string} */ reason = '') => this.send('PUT', '/state', reason ? { state, reason } : { state }, 'doneState');
    const reasons = choice('supervise-reason', 'pauseFor');
    options(reasons.select, this.me.pauses.map((p) => ({ id: p, name: p })), 'pauseNoReason');
    this.actions.append(
      h('div', { class: 'buttons' },
        h('button', { id: 'supervise-ready', onclick: () => force('ready') }, t('forceReady')),
        h('button', { id: 'supervise-out', onclick: () => force('logged_out') }, t('forceOut'))),
      h('div', { class: 'field' }, reasons.label, h('div', { class: 'row' }, reasons.select,
        h('button', { id: 'supervise-pause', onclick: () => force('paused', reasons.select.value) }, t('goPause')))));
  }

  actOnQueue() {
    // What the button does is what it says, also when somebody else was first.
    let draining = false;
    const button = h('button', { id: 'supervise-drain', onclick: () => this.send('POST', draining ? '/reopen' : '/drain', undefined, draining ? 'doneReopened' : 'doneDrained') });
    this.actions.append(button);
    this.follow = () => {
      draining = this.queue(this.subject.id)?.draining ?? false;
      put(button, t(draining ? 'reopen' : 'drain'));
    };
  }

  /**
   * @param {string} method
   * @param {string} path below the subject's
   * @param {unknown} body
   * @param {TextKey} done
   */
  async send(method, path, body, done) {
    try {
      await request(method, this.path + path, body);
      this.say(t(done));
    } catch (error) {
      this.say(/** @type {Error} */ (error).message, 'alert');
    }
    await this.load();
  }

  /**
   * @param {string} text
   * @param {'alert' | 'hint'} [kind]
   */
  say(text, kind = 'hint') {
    put(this.report, text);
    this.report.className = kind;
    this.report.hidden = text === '';
  }
}

customElements.define('tandem-supervise', Supervise);

/**
 * A list to choose from, and its label.
 * @param {string} id
 * @param {TextKey} text
 */
function choice(id, text) {
  return { label: h('label', { for: id }, t(text)), select: h('select', { id }) };
}

/**
 * Makes a list offer some things; without any it says so and cannot be used. What it shows as chosen stays, even when it is offered no more:
 * nobody is to press the button for one and act on another.
 * @param {HTMLSelectElement} select
 * @param {{id: string, name: string}[]} items
 * @param {TextKey} none
 */
function options(select, items, none) {
  const kept = select.selectedOptions[0];
  if (kept?.value && !items.some((o) => o.id === kept.value)) items = [...items, { id: kept.value, name: kept.textContent ?? '' }];
  const all = items.length > 0 ? items : [{ id: '', name: t(none) }];
  sync(select, all, (o) => o.id, (o) => h('option', { value: o.id }), (el, o) => put(el, o.name));
  set(select, { disabled: items.length === 0 });
}
