// @ts-check
// <tandem-admin>: accounts, sessions and tokens.
import { request } from './api.js';
import { dateTime, h, put } from './dom.js';
import { head } from './board.js';
import { named, t } from './texts.js';

/** @typedef {import('./types.js').Account} Account */
/** @typedef {import('./types.js').Session} Session */

export class Admin extends HTMLElement {
  /** @param {{me: import('./types.js').Me}} app */
  constructor(app) {
    super();
    this.me = app.me;
    this.accounts = h('tbody', {});
    this.sessions = h('tbody', {});
    this.message = h('p', { class: 'alert', role: 'alert', hidden: true });
  }

  get all() {
    return this.me.role === 'administrator';
  }

  connectedCallback() {
    if (this.firstChild) return;
    this.className = 'page stack';
    const table = (/** @type {import('./texts.js').TextKey} */ title, /** @type {Element} */ heading, /** @type {Element} */ rows) =>
      h('section', { class: 'card panel' }, h('h2', {}, t(title)), h('div', { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': t(title) }, h('table', {}, heading, rows)));
    this.append(h('h1', { class: 'unseen' }, t(this.all ? 'adminTitle' : 'navSessions')), this.message);
    if (this.all) this.append(table('accountsTitle', head([['colLogin', ''], ['colName', ''], ['colRole', ''], ['colStatus', ''], ['colAction', '']]), this.accounts));
    this.append(table('sessionsTitle', head([['colLogin', ''], ['colWhere', ''], ['colSeen', ''], ['colExpires', ''], ['colAction', '']]), this.sessions));
    this.append(h('p', { class: 'quiet' }, `${t('appName')} ${this.me.version}`));
    void this.load();
  }

  async load() {
    await this.try(async () => {
      if (this.all) {
        const { items } = /** @type {{items: Account[]}} */ (await request('GET', '/accounts'));
        this.accounts.replaceChildren(...items.map((a) => this.account(a)));
      }
      const { items } = /** @type {{items: Session[]}} */ (await request('GET', '/sessions' + (this.all ? '?all=true' : '')));
      this.sessions.replaceChildren(...items.map((s) => this.session(s)));
    });
  }

  /** @param {() => Promise<void>} action */
  async try(action) {
    try {
      await action();
      this.message.hidden = true;
    } catch (error) {
      put(this.message, /** @type {Error} */ (error).message);
      this.message.hidden = false;
    }
  }

  /** @param {Account} a */
  account(a) {
    const status = a.disabled ? t('accountDisabled') : a.locked_until ? t('accountLocked') : t('accountOpen');
    const unlock = h('button', { class: 'small', 'aria-label': `${t('unlock')} ${a.login}`, onclick: () => this.act('POST', `/accounts/${encodeURIComponent(a.login)}/unlock`) }, t('unlock'));
    return h('tr', {}, h('th', { scope: 'row' }, a.login), h('td', {}, a.name), h('td', {}, named('role_', a.role)), h('td', {}, status), h('td', {}, a.locked_until ? unlock : '–'));
  }

  /** @param {Session} s */
  session(s) {
    const where = [s.label, s.token ? t('token') : '', s.current ? t('thisOne') : ''].filter(Boolean).join(', ');
    const end = h('button', { class: 'small', 'aria-label': `${t('revoke')}: ${s.login}, ${where}`, onclick: () => this.act('DELETE', '/sessions/' + encodeURIComponent(s.id)) }, t('revoke'));
    return h('tr', {}, h('th', { scope: 'row' }, s.login), h('td', {}, where), h('td', {}, dateTime(s.seen)), h('td', {}, dateTime(s.expires)), h('td', {}, end));
  }

  /**
   * @param {string} method
   * @param {string} path
   */
  async act(method, path) {
    await this.try(async () => {
      await request(method, path);
    });
    await this.load();
  }
}

customElements.define('tandem-admin', Admin);
