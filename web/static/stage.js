// @ts-check
// <tandem-phone>: the middle of the console, where the call is: idle, ringing, talking, wrap-up.
import { request } from './api.js';
import { clock, h, icon, put, set } from './dom.js';
import { named, t } from './texts.js';

/** @typedef {import('./types.js').Agent} Agent */
/** @typedef {import('./types.js').CallCard} CallCard */
/** @typedef {import('./console.js').Mode} Mode */
/** @typedef {import('./console.js').Console} Console */

export class Stage extends HTMLElement {
  /** @param {Console} owner */
  constructor(owner) {
    super();
    this.owner = owner;
    this.shown = '';
    /** @type {CallCard | null} */
    this.card = null;
    this.cardFor = '';
    this.keypadOpen = false;
    /** What the agent has said of the call so far, kept while the stage changes. */
    this.work = { call: '', disposition: '', note: '', saved: true };
    /** @type {Record<string, HTMLElement>} */
    this.parts = {};
  }

  /**
   * @param {Mode} mode
   * @param {Agent | undefined} agent
   */
  update(mode, agent) {
    const call = this.owner.callID;
    const busy = mode === 'ringing' || mode === 'call' || mode === 'wrap';
    if (busy && call && this.cardFor !== call) void this.load(call);
    if (busy && call && this.work.call !== call) this.work = { call, disposition: '', note: '', saved: true };
    const key = busy ? `${mode} ${call} ${this.owner.phone.offer ? 'here' : ''} ${this.owner.phone.call ? 'sound' : ''}` : mode;
    if (key !== this.shown) {
      this.shown = key;
      this.keypadOpen = false;
      this.parts = {};
      this.className = 'card stage';
      set(this, { 'data-mode': mode });
      const place = this.place();
      this.replaceChildren(...(busy ? this.busy(mode) : idle(mode)));
      if (mode === 'ringing') this.parts.answer?.focus();
      else this.comeBack(place);
    }
    if (busy) this.refresh(mode, agent);
    else this.refreshIdle(mode, agent);
  }

  /** Where the agent is typing, to go on there when the other side has hung up meanwhile. */
  place() {
    const at = document.activeElement;
    if (!at?.id || !this.contains(at)) return null;
    return { id: at.id, cursor: at instanceof HTMLTextAreaElement ? at.selectionStart : 0 };
  }

  /** @param {{id: string, cursor: number} | null} place */
  comeBack(place) {
    const el = place && document.getElementById(place.id);
    if (!el || !this.contains(el)) return;
    el.focus();
    if (el instanceof HTMLTextAreaElement) el.setSelectionRange(place.cursor, place.cursor);
  }

  /**
   * @param {Mode} mode
   * @param {Agent | undefined} agent
   */
  refreshIdle(mode, agent) {
    if (mode !== 'ready') return;
    const mine = this.owner.live.board?.queues.filter((q) => agent?.queues.includes(q.id)) ?? [];
    const waiting = mine.reduce((n, q) => n + q.waiting.length, 0);
    const line = this.querySelector('.idle-more');
    if (line) put(line, waiting ? t('idleReadyQueued', { n: waiting }) : t('idleReady'));
  }

  /** @param {Mode} mode @returns {Node[]} */
  busy(mode) {
    const p = this.parts;
    p.title = h('p', { class: 'stage-title' });
    p.name = h('p', { class: 'caller-name', id: 'caller-name' });
    p.number = h('p', { class: 'caller-number', id: 'caller' });
    p.queue = h('p', { class: 'quiet', id: 'call-queue' });
    p.timer = h('p', { class: 'stage-timer', id: 'call-timer', role: 'timer' });
    p.sound = h('p', { class: 'hint', hidden: true });
    p.contact = h('div', { class: 'contact' });
    const head = h('div', { class: 'stage-head' }, h('div', { class: 'stage-who' }, p.title, p.name, p.number, p.queue), p.timer);
    if (this.card?.call.id === this.cardFor) queueMicrotask(() => this.showContact());
    const body = mode === 'ringing' ? [] : [this.form()];
    return [head, p.sound, this.actions(mode), h('div', { class: 'stage-body' }, p.contact, ...body)];
  }

  /** @param {Mode} mode */
  actions(mode) {
    const o = this.owner;
    const p = this.parts;
    if (mode === 'ringing') {
      if (o.phone.offer) p.answer = h('button', { class: 'go', id: 'answer', 'aria-describedby': 'caller-name caller call-queue', onclick: () => o.answer() }, icon('phone'), t('answer'), h('kbd', {}, 'A'));
      return h('div', { class: 'stage-actions' }, p.answer ?? null, h('button', { id: 'reject', onclick: () => o.reject() }, t('reject'), h('kbd', {}, 'X')));
    }
    if (mode === 'wrap') {
      return h('div', { class: 'stage-actions' },
        h('button', { class: 'primary', id: 'finish', onclick: () => o.finish() }, icon('ready'), t('finish'), h('kbd', {}, 'F')),
        o.me.features.extend && h('button', { id: 'extend', onclick: () => o.extend() }, icon('clock'), t('extend')));
    }
    p.mute = h('button', { id: 'mute', 'aria-pressed': 'false', onclick: () => o.phone.toggleMute() });
    p.keypad = h('button', { id: 'keypad', 'aria-expanded': 'false', onclick: () => this.toggleKeypad() }, icon('keypad'), t('keypad'), h('kbd', {}, 'K'));
    p.pad = h('div', { class: 'pad', role: 'group', 'aria-label': t('keypad'), hidden: true },
      [...'123456789*0#'].map((d) => h('button', { 'aria-label': t('digit', { d }), onclick: () => o.phone.digit(d) }, d)));
    const phone = Boolean(o.phone.call);
    return h('div', { class: 'stage-actions' },
      h('button', { class: 'stop', id: 'hangup', onclick: () => o.hangUp() }, icon('hangup'), t('hangUp'), h('kbd', {}, 'H')),
      phone && p.mute, phone && p.keypad, phone && p.pad);
  }

  toggleKeypad() {
    const { pad, keypad } = this.parts;
    if (!pad || !keypad) return;
    this.keypadOpen = !this.keypadOpen;
    pad.hidden = !this.keypadOpen;
    set(keypad, { 'aria-expanded': String(this.keypadOpen) });
  }

  /**
   * @param {Mode} mode
   * @param {Agent | undefined} agent
   */
  refresh(mode, agent) {
    const o = this.owner;
    const from = agent?.call ?? o.phone.offer?.from;
    const card = this.card?.call.id === this.cardFor ? this.card : null;
    const contact = card?.known ? (card.contact.name ?? '') : '';
    const talking = mode === 'call' && (o.phone.call ? o.phone.call.up || agent?.state === 'on_call' : true);
    this.text('title', mode === 'ringing' ? t('incoming') : mode === 'wrap' ? t('wrapTitle') : talking ? t('talking') : t('connectingSound'));
    this.text('name', contact || from?.name || '');
    this.text('number', from?.number || (from ? t('withheld') : ''));
    const queue = o.live.queueName(agent?.queue) || (o.phone.offer?.subject ?? '');
    this.text('queue', queue ? t('incomingQueue', { queue }) : '');
    this.text('timer', this.timer(mode, agent));
    this.refreshSound();
    this.refreshMute();
  }

  /**
   * @param {string} part
   * @param {string} text
   */
  text(part, text) {
    const el = this.parts[part];
    if (!el) return;
    put(el, text);
    el.hidden = text === '';
  }

  /**
   * @param {Mode} mode
   * @param {Agent | undefined} agent
   */
  timer(mode, agent) {
    const live = this.owner.live;
    const left = agent?.until ? -live.age(agent.until) : 0;
    if (mode === 'ringing') return left > 0 ? t('ringsOut', { s: Math.ceil(left) }) : '';
    if (mode === 'wrap') {
      if (!agent?.until) return t('wrapOpen');
      return `${agent.next ? t('wrapThen', { state: named('state_', agent.next) }) : t('wrapLeft')} ${clock(Math.ceil(left))}`;
    }
    return agent?.state === 'on_call' ? clock(live.age(agent.since)) : '';
  }

  refreshSound() {
    const { phone } = this.owner;
    const text = phone.lost ? t('soundLost') : phone.call?.held ? t('held') : '';
    this.text('sound', text);
  }

  refreshMute() {
    const { mute } = this.parts;
    if (!mute) return;
    const muted = Boolean(this.owner.phone.call?.muted);
    if (mute.dataset.muted === String(muted)) return;
    mute.dataset.muted = String(muted);
    set(mute, { 'aria-pressed': String(muted) });
    mute.replaceChildren(icon(muted ? 'micoff' : 'mic'), muted ? t('unmute') : t('mute'), h('kbd', {}, 'M'));
  }

  /** Looks up who it is. @param {string} call */
  async load(call) {
    this.cardFor = call;
    this.card = null;
    try {
      const card = /** @type {CallCard} */ (await request('GET', '/agent/call'));
      if (card.call.id !== call) return;
      this.card = card;
    } catch {
      // The call may be over already, or the server knows it a moment later than the phone.
      window.setTimeout(() => {
        if (this.cardFor === call && !this.card && this.owner.callID === call) this.cardFor = '';
      }, 1_000);
      return;
    }
    this.showContact();
    this.owner.update();
  }

  showContact() {
    const box = this.parts.contact;
    if (!box || !this.card) return;
    const { contact, known, pop } = this.card;
    const fields = Object.entries(contact.fields ?? {}).slice(0, 12);
    const link = (/** @type {string} */ href, /** @type {string} */ id) => h('a', { class: 'button', href, target: '_blank', rel: 'noopener noreferrer', id }, icon('link'), t('openRecord'));
    box.replaceChildren(
      h('h3', {}, t('contactTitle')),
      known ? h('p', { class: 'contact-name' }, contact.name || contact.id || '') : h('p', { class: 'quiet' }, t('unknownContact')),
      h('dl', {}, fields.flatMap(([name, value]) => [h('dt', {}, name.replaceAll('_', ' ')), h('dd', {}, value)])),
      ...(pop || contact.url ? [link(pop || contact.url || '', 'screen-pop')] : []));
  }

  form() {
    const work = this.work;
    const note = h('textarea', { id: 'note', rows: 4, maxlength: 4000, placeholder: t('notePlaceholder') });
    note.value = work.note;
    note.addEventListener('input', () => {
      work.note = note.value;
      work.saved = false;
    });
    note.addEventListener('change', () => this.save());
    const choices = this.owner.me.dispositions.map((d) => {
      const input = h('input', { type: 'radio', name: 'disposition', value: d.id, id: 'disposition-' + d.id });
      input.checked = d.id === work.disposition;
      input.addEventListener('change', () => {
        work.disposition = d.id;
        work.saved = false;
        void this.save();
      });
      return h('label', { class: 'choice' }, input, h('span', {}, d.name || d.id));
    });
    this.parts.saved = h('span', { class: 'quiet saved', role: 'status' });
    return h('div', { class: 'form' },
      choices.length > 0 && h('fieldset', {}, h('legend', {}, t('dispositionTitle')), h('div', { class: 'choices' }, choices)),
      h('label', { for: 'note' }, t('note')), note, this.parts.saved);
  }

  /** Tells the server what the agent said of the call. */
  async save() {
    const work = this.work;
    if (work.saved || !work.call) return;
    work.saved = true;
    /** @type {Record<string, string>} */
    const body = { note: work.note };
    if (work.disposition) body.disposition = work.disposition;
    const done = await this.owner.try(request('PUT', `/agent/call/${encodeURIComponent(work.call)}/disposition`, body));
    if (!done) work.saved = false;
    if (this.parts.saved) put(this.parts.saved, done ? t('saved') : '');
  }
}

customElements.define('tandem-phone', Stage);

/** @param {Mode} mode @returns {Node[]} */
function idle(mode) {
  /** @type {Record<string, [import('./dom.js').IconName, import('./texts.js').TextKey, import('./texts.js').TextKey]>} */
  const texts = {
    out: ['out', 'idleOutTitle', 'idleOut'],
    ready: ['phone', 'idleReadyTitle', 'idleReady'],
    paused: ['pause', 'idlePausedTitle', 'idlePaused'],
    unavailable: ['warn', 'idleUnavailableTitle', 'idleUnavailable'],
  };
  const [sign, title, more] = texts[mode] ?? ['phone', 'idleOutTitle', 'idleOut'];
  return [h('div', { class: 'idle' }, h('span', { class: 'idle-sign' }, icon(sign)), h('p', { class: 'idle-title' }, t(title)), h('p', { class: 'quiet idle-more' }, t(more)))];
}
