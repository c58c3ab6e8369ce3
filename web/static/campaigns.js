// @ts-check
// <tandem-campaigns>: the outbound campaigns.
import { request } from './api.js';
import { h, icon, put, set, sync } from './dom.js';
import { named, t } from './texts.js';

/** @typedef {import('./types.js').Campaign} Campaign */

export class Campaigns extends HTMLElement {
  constructor(/** @type {unknown} */ _app) {
    super();
    this.list = h('div', { class: 'campaigns' });
    this.message = h('p', { class: 'empty' }, t('loading'));
    this.report = h('p', { class: 'hint', role: 'status', hidden: true });
    this.timer = 0;
  }

  connectedCallback() {
    if (!this.firstChild) {
      this.className = 'page';
      this.append(h('h1', { class: 'unseen' }, t('campaignsTitle')), this.report, this.message, this.list);
    }
    this.timer = window.setInterval(() => this.load(), 5_000);
    void this.load();
  }

  disconnectedCallback() {
    window.clearInterval(this.timer);
  }

  async load() {
    try {
      const { items } = /** @type {{items: Campaign[]}} */ (await request('GET', '/campaigns'));
      put(this.message, t('campaignsNone'));
      this.message.hidden = items.length > 0;
      sync(this.list, items, (c) => c.id, (c) => this.make(c), (el, c) => this.refresh(el, c));
    } catch (error) {
      this.say(/** @type {Error} */ (error).message);
    }
  }

  /** @param {Campaign} c */
  make(c) {
    const state = h('span', { class: 'chip' });
    const bar = h('progress', { 'aria-label': c.name });
    const done = h('span', { class: 'quiet' });
    const figures = ['campaignDialling', 'campaignAttempts', 'campaignConnected'].map((key) => ({ key, value: h('dd', {}) }));
    const button = h('button', { class: 'primary' });
    const file = h('input', { type: 'file', accept: '.csv,text/csv', class: 'unseen', id: 'list-' + c.id, onchange: () => this.takeList(c.id, file) });
    const el = h('section', { class: 'card panel', 'aria-label': c.name },
      h('div', { class: 'row' }, h('h2', {}, c.name), state),
      bar, done,
      h('dl', { class: 'figures' }, figures.map((f) => h('div', {}, h('dt', {}, t(/** @type {import('./texts.js').TextKey} */ (f.key))), f.value))),
      h('div', { class: 'buttons' }, button, file, h('label', { class: 'button', for: 'list-' + c.id }, icon('upload'), t('campaignImport'))));
    button.addEventListener('click', () => this.change(c.id, button.dataset.to ?? ''));
    return Object.assign(el, { parts: { state, bar, done, figures, button } });
  }

  /**
   * @param {Element} el
   * @param {Campaign} c
   */
  refresh(el, c) {
    const { state, bar, done, figures, button } = /** @type {any} */ (el).parts;
    put(state, named('campaign_', c.state));
    set(state, { 'data-state': c.state === 'active' ? 'ready' : 'paused' });
    set(bar, { max: Math.max(1, c.leads), value: c.done });
    put(done, t('campaignDone', { done: c.done, leads: c.leads }));
    [c.dialling, c.attempts, c.connected].forEach((v, i) => put(figures[i].value, v));
    const active = c.state === 'active';
    put(button, active ? t('campaignPause') : t('campaignStart'));
    set(button, { 'data-to': active ? 'paused' : 'active', class: active ? '' : 'primary' });
  }

  /**
   * @param {string} id
   * @param {string} state
   */
  async change(id, state) {
    try {
      await request('PUT', `/campaigns/${encodeURIComponent(id)}/state`, { state });
      this.say('');
    } catch (error) {
      this.say(/** @type {Error} */ (error).message);
    }
    await this.load();
  }

  /**
   * @param {string} id
   * @param {HTMLInputElement} input
   */
  async takeList(id, input) {
    const file = input.files?.[0];
    if (!file) return;
    try {
      const r = /** @type {{added: number, repeated: number, refused: number, errors?: {row: number, what: string}[]}} */ (
        await request('POST', `/campaigns/${encodeURIComponent(id)}/leads`, file));
      const rows = (r.errors ?? []).slice(0, 5).map((e) => t('campaignRow', e));
      this.say([t('campaignImported', { added: r.added, repeated: r.repeated, refused: r.refused }), ...rows].join('. '));
    } catch (error) {
      this.say(/** @type {Error} */ (error).message);
    }
    input.value = '';
    await this.load();
  }

  /** @param {string} text */
  say(text) {
    put(this.report, text);
    this.report.hidden = text === '';
  }
}

customElements.define('tandem-campaigns', Campaigns);
