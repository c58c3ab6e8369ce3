// @ts-check
// <tandem-console>: where an agent works. The state is the server's: the page shows it, and says what the agent wants.
import { request } from './api.js';
import { Problem } from './api.js';
import { clock, h, icon, put, set } from './dom.js';
import { Bell, Phone } from './phone.js';
import { Following, QueueList, Team, panel } from './queues.js';
import { Stage } from './stage.js';
import { TodayView } from './today.js';
import { named, t } from './texts.js';

/** @typedef {import('./types.js').Agent} Agent */
const popKey = 'tandem.pop';
const phoneKey = 'tandem.phone';

/** @typedef {'out' | 'unavailable' | 'paused' | 'ready' | 'ringing' | 'call' | 'wrap'} Mode */

export class Console extends Following {
  /** @param {{live: import('./live.js').Live, me: import('./types.js').Me}} app */
  constructor(app) {
    super(app.live);
    this.me = app.me;
    this.phone = new Phone();
    this.bell = new Bell();
    /** @type {Mode} */
    this.mode = 'out';
    this.chip = h('span', { class: 'chip big', id: 'my-state' });
    this.since = h('span', { class: 'state-time' });
    this.next = h('p', { class: 'quiet', hidden: true });
    this.readyButton = h('button', { class: 'wide', id: 'ready', onclick: () => this.ready() }, icon('ready'), t('goReady'), h('kbd', {}, 'R'));
    this.pauseButton = h('button', { class: 'wide', id: 'pause', 'aria-haspopup': 'true', 'aria-expanded': 'false', onclick: () => this.askPause() }, icon('pause'), t('goPause'), h('kbd', {}, 'P'));
    this.outButton = h('button', { class: 'plain wide', id: 'end-work', onclick: () => this.state('logged_out') }, icon('out'), t('goOut'));
    this.reasons = h('div', { class: 'reasons', role: 'group', 'aria-label': t('pauseFor'), hidden: true });
    this.phoneLine = h('p', { class: 'phone-line quiet', id: 'phone-status' });
    this.popBox = h('input', { type: 'checkbox', id: 'pop-on-answer', onchange: () => localStorage.setItem(popKey, String(this.popBox.checked)) });
    this.popBox.checked = localStorage.getItem(popKey) === 'true';
    this.phoneBox = h('input', { type: 'checkbox', id: 'use-phone', onchange: () => this.choosePhone() });
    this.phoneBox.checked = localStorage.getItem(phoneKey) !== 'false';
    this.trouble = h('p', { class: 'alert', role: 'alert', id: 'trouble', hidden: true });
    this.stage = new Stage(this);
    this.today = new TodayView(app.me, app.live);
    this.title = '';
    this.controller = new AbortController();
    this.addEventListener('stop', () => this.stop());
  }

  connectedCallback() {
    if (!this.firstChild) this.build();
    super.connectedCallback();
  }

  build() {
    this.className = 'page console';
    this.append(
      h('h1', { class: 'unseen' }, t('navConsole')),
      h('div', { class: 'stack you' },
        h('section', { class: 'card panel', 'aria-label': t('youTitle') },
          h('div', { class: 'state-row', role: 'status' }, this.chip, this.since), this.next,
          h('div', { class: 'buttons' }, this.readyButton, this.pauseButton), this.reasons, this.outButton,
          this.me.features.phone && h('label', { class: 'check' }, this.phoneBox, t('phoneUse')),
          this.me.features.pop && h('label', { class: 'check' }, this.popBox, t('popOnAnswer')), this.phoneLine),
        this.today),
      h('div', { class: 'stack middle' }, this.trouble, this.stage, keys()),
      h('div', { class: 'stack side' }, panel('queuesTitle', 'wave', new QueueList(this.live, [])), panel('teamTitle', 'people', new Team(this.live))));
    const reasons = this.me.pauses.length ? this.me.pauses : [t('pauseNoReason')];
    this.reasons.append(...reasons.map((reason, i) => h('button', { class: 'small', onclick: () => this.pause(this.me.pauses.length ? reason : '') }, reason, i < 9 && h('kbd', {}, i + 1))));
    for (const name of ['offer', 'call', 'status']) this.phone.addEventListener(name, () => this.update());
    this.phone.addEventListener('problem', (e) => this.say(this.explain(/** @type {CustomEvent<Error>} */ (e).detail)));
    this.live.addEventListener('record', (e) => this.recorded(/** @type {CustomEvent} */ (e).detail));
    const signal = this.controller.signal;
    document.addEventListener('keydown', (e) => this.key(e), { signal });
    document.addEventListener('pointerdown', () => this.bell.unlock(), { signal, once: true });
    document.addEventListener('keydown', () => this.bell.unlock(), { signal, once: true });
    if (this.usesPhone) this.phone.start();
  }

  /** The page is the agent's phone; otherwise calls ring at a desk phone, and no microphone is needed here. */
  get usesPhone() {
    return this.me.features.phone && this.phoneBox.checked;
  }

  choosePhone() {
    localStorage.setItem(phoneKey, String(this.phoneBox.checked));
    if (this.usesPhone) this.phone.start();
    else this.phone.stop();
    this.say('');
    this.update();
  }

  stop() {
    this.controller.abort();
    this.phone.stop();
    this.bell.stop();
  }

  /** @returns {Agent | undefined} */
  get agent() {
    return this.live.agent(this.me.agent);
  }

  /** What the agent is in the middle of, from what the server says and what the phone knows already. @returns {Mode} */
  read() {
    const agent = this.agent;
    if (this.phone.call) return 'call';
    if (this.phone.offer || agent?.state === 'reserved') return 'ringing';
    switch (agent?.state) {
      case 'on_call': return 'call';
      case 'wrap_up': return 'wrap';
      case 'ready': return 'ready';
      case 'paused': return 'paused';
      case 'unavailable': return 'unavailable';
    }
    return 'out';
  }

  update() {
    const agent = this.agent;
    const mode = this.read();
    const state = agent?.state ?? '';
    put(this.chip, named('state_', state));
    set(this.chip, { 'data-state': state });
    set(this, { 'data-mode': mode });
    put(this.since, agent?.since && state !== 'logged_out' ? clock(this.live.age(agent.since)) : '');
    this.next.hidden = !agent?.next;
    if (agent?.next) put(this.next, t('stateNext', { state: named('state_', agent.next) }));
    set(this.readyButton, { 'aria-pressed': String(state === 'ready'), class: mode === 'out' || mode === 'paused' || mode === 'unavailable' ? 'wide primary' : 'wide' });
    set(this.pauseButton, { 'aria-pressed': String(state === 'paused') });
    this.outButton.hidden = state === 'logged_out' || state === '';
    this.phoneBox.disabled = Boolean(this.phone.call);
    this.showPhone();
    if (mode !== this.mode) this.change(mode);
    this.stage.update(mode, agent);
    this.showTitle(mode, agent);
  }

  /** @param {Mode} mode */
  change(mode) {
    this.mode = mode;
    if (mode === 'ringing' && this.usesPhone) this.bell.start();
    else this.bell.stop();
    if (mode === 'ready' || mode === 'paused') this.today.refresh();
    if (mode === 'out') this.phone.releaseMicrophone();
  }

  /**
   * @param {Mode} mode
   * @param {Agent | undefined} agent
   */
  showTitle(mode, agent) {
    const title = mode === 'ringing' ? `${t('incoming')}: ${agent?.call?.number || t('withheld')}` : `${t('navConsole')} · ${this.me.centre}`;
    if (!this.hidden && title !== this.title) document.title = title;
    this.title = title;
  }

  showPhone() {
    if (!this.usesPhone) {
      put(this.phoneLine, t('phoneNone'));
      set(this.phoneLine, { 'data-on': false });
      this.phoneLine.dataset.shown = 'none';
      return;
    }
    const status = this.phone.status;
    set(this.phoneLine, { 'data-on': String(status === 'on') });
    if (status === 'replaced') {
      if (this.phoneLine.dataset.shown !== 'replaced') {
        this.phoneLine.replaceChildren(t('phoneElsewhere'), ' ', h('button', { class: 'small', onclick: () => this.phone.start() }, t('phoneHere')));
      }
    } else {
      put(this.phoneLine, status === 'on' ? t('phoneOn') : t('phoneOff'));
    }
    this.phoneLine.dataset.shown = status;
  }

  /** @param {{type: string}} record */
  recorded(record) {
    if (record.type === 'reset' || record.type === 'call_released' || record.type === 'call_disposed') this.today.refresh();
  }

  // What the agent may want.

  async ready() {
    this.reasons.hidden = true;
    if (this.usesPhone && this.phone.status !== 'replaced') {
      this.say(t('micWait'), 'hint');
      try {
        await this.phone.prepare();
      } catch (error) {
        this.say(this.explain(/** @type {Error} */ (error)));
        return;
      }
      this.say('');
    }
    await this.state('ready');
  }

  askPause() {
    if (this.me.pauses.length === 0) {
      void this.pause('');
      return;
    }
    this.reasons.hidden = !this.reasons.hidden;
    set(this.pauseButton, { 'aria-expanded': String(!this.reasons.hidden) });
    if (!this.reasons.hidden) this.reasons.querySelector('button')?.focus();
  }

  /** @param {string} reason */
  async pause(reason) {
    this.reasons.hidden = true;
    set(this.pauseButton, { 'aria-expanded': 'false' });
    await this.state('paused', reason);
  }

  /**
   * @param {'ready' | 'paused' | 'logged_out'} state
   * @param {string} [reason]
   */
  async state(state, reason) {
    await this.try(request('PUT', '/agent/state', reason ? { state, reason } : { state }));
  }

  /** The call at hand, by the server's word or the phone's. */
  get callID() {
    return this.agent?.call?.id ?? this.phone.call?.id ?? this.phone.offer?.call ?? '';
  }

  async answer() {
    this.bell.stop();
    const pop = this.stage.card?.pop;
    // Opened by the agent's own key or click, which is what browsers ask for; the page must not reach back to this one.
    if (pop && this.popBox.checked) window.open(pop, '_blank', 'noopener,noreferrer');
    await this.phone.answer();
  }

  async reject() {
    this.bell.stop();
    if (this.phone.offer) this.phone.reject();
    else await this.try(request('POST', `/agent/call/${encodeURIComponent(this.callID)}/reject`));
  }

  async hangUp() {
    if (this.phone.call) this.phone.hangup();
    else await this.try(request('POST', `/agent/call/${encodeURIComponent(this.callID)}/hangup`));
  }

  async finish() {
    await this.stage.save();
    await this.try(request('POST', '/agent/wrapup/finish'));
  }

  async extend() {
    await this.try(request('POST', '/agent/wrapup/extend', { seconds: 60 }));
  }

  /** @param {Promise<unknown>} action */
  async try(action) {
    try {
      await action;
      this.say('');
      return true;
    } catch (error) {
      this.say(/** @type {Error} */ (error).message);
      return false;
    }
  }

  /**
   * @param {string} text
   * @param {'alert' | 'hint'} [kind]
   */
  say(text, kind = 'alert') {
    put(this.trouble, text);
    this.trouble.className = kind;
    this.trouble.hidden = text === '';
  }

  /** @param {Error} error */
  explain(error) {
    if (error instanceof Problem) return error.message;
    switch (error.name) {
      case 'NotAllowedError': return t('micDenied');
      case 'NotFoundError': return t('micMissing');
      case 'SecurityError': return t('micInsecure');
    }
    return t('callFailed', { why: error.message });
  }

  /** @param {KeyboardEvent} e */
  key(e) {
    if (this.hidden || e.ctrlKey || e.metaKey || e.altKey || e.repeat) return;
    const at = e.target instanceof Element ? e.target : null;
    if (e.key === 'Escape' && !this.reasons.hidden) {
      this.reasons.hidden = true;
      this.pauseButton.focus();
      return;
    }
    if (at?.closest('input, textarea, select')) return;
    const digit = Number(e.key);
    if (!this.reasons.hidden && digit >= 1 && digit <= Math.max(1, this.me.pauses.length)) {
      /** @type {HTMLElement | undefined} */ (this.reasons.children[digit - 1])?.click();
      return;
    }
    if (this.mode === 'call' && this.stage.keypadOpen && /^[0-9*#]$/.test(e.key)) {
      this.phone.digit(e.key);
      return;
    }
    const action = this.shortcut(e.key.toLowerCase());
    if (!action) return;
    e.preventDefault();
    action();
  }

  /**
   * @param {string} key
   * @returns {(() => unknown) | undefined}
   */
  shortcut(key) {
    switch (key) {
      case 'a': return this.phone.offer ? () => this.answer() : undefined;
      case 'x': return this.mode === 'ringing' ? () => this.reject() : undefined;
      case 'h': return this.mode === 'call' ? () => this.hangUp() : undefined;
      case 'm': return this.phone.call ? () => this.phone.toggleMute() : undefined;
      case 'k': return this.phone.call ? () => this.stage.toggleKeypad() : undefined;
      case 'f': return this.mode === 'wrap' ? () => this.finish() : undefined;
      case 'r': return () => this.ready();
      case 'p': return () => this.askPause();
    }
    return undefined;
  }
}

customElements.define('tandem-console', Console);

/** The line that says which keys do what. */
function keys() {
  /** @type {[string, import('./texts.js').TextKey][]} */
  const list = [['A', 'answer'], ['X', 'reject'], ['H', 'hangUp'], ['M', 'mute'], ['K', 'keypad'], ['F', 'finish'], ['R', 'goReady'], ['P', 'goPause']];
  return h('p', { class: 'keys quiet', 'aria-label': t('shortcuts') }, list.map(([key, text]) => h('span', {}, h('kbd', {}, key), t(text))));
}
