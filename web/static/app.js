// @ts-check
// The shell: who is logged in, which page is open, the live feed that all pages share.
import { Problem, request, session } from './api.js';
import { h, icon, mark, put, set } from './dom.js';
import { Live } from './live.js';
import { t } from './texts.js';
import './login.js';
import { Admin } from './admin.js';
import { BoardPage } from './board.js';
import { Calls } from './calls.js';
import { Campaigns } from './campaigns.js';
import { Console } from './console.js';

/** @typedef {import('./types.js').Me} Me */
/** @typedef {{path: string, text: import('./texts.js').TextKey, may: (me: Me) => boolean, make: (app: App) => HTMLElement}} Page */

/** @type {Page[]} */
const pages = [
  { path: '/console', text: 'navConsole', may: (me) => Boolean(me.agent), make: (app) => new Console(app) },
  { path: '/board', text: 'navBoard', may: () => true, make: (app) => new BoardPage(app) },
  { path: '/calls', text: 'navCalls', may: (me) => me.features.calls && (me.role !== 'agent' || Boolean(me.agent)), make: (app) => new Calls(app) },
  { path: '/campaigns', text: 'navCampaigns', may: (me) => me.features.campaigns && me.role !== 'agent', make: (app) => new Campaigns(app) },
  { path: '/admin', text: 'navAdmin', may: () => true, make: (app) => new Admin(app) },
];

/**
 * What a page is called for somebody: without the accounts, administration is one's own sessions.
 * @param {Page} page
 * @param {Me} me
 */
function label(page, me) {
  return page.text === 'navAdmin' && me.role !== 'administrator' ? 'navSessions' : page.text;
}

export class App {
  /** @param {Me} me */
  constructor(me) {
    this.me = me;
    this.live = new Live();
    this.main = h('main', { id: 'content', tabindex: '-1' });
    this.status = h('span', { class: 'status', role: 'status', id: 'stream-status' });
    this.banner = h('p', { class: 'banner', role: 'alert', hidden: true });
    this.open = pages.filter((p) => p.may(me));
    this.links = this.open.map((p) => h('a', { href: p.path }, t(label(p, me))));
    /** @type {HTMLElement | null} The console stays alive while another page shows: its phone must ring. */
    this.console = null;
    /** @type {HTMLElement | null} */
    this.page = null;
    this.lost = 0;
    this.controller = new AbortController();
  }

  start() {
    const signal = this.controller.signal;
    document.body.replaceChildren(
      h('a', { class: 'skip', href: '#content' }, t('skip')),
      h('header', { class: 'top' },
        h('span', { class: 'brand' }, mark(), h('span', {}, this.me.centre)),
        h('nav', { 'aria-label': t('nav') }, this.links),
        this.status,
        h('button', { class: 'plain icon-only', title: t('themeTo'), 'aria-label': t('themeTo'), id: 'theme', onclick: () => toggleTheme() }, icon('sun')),
        h('span', { class: 'who' }, this.me.name),
        h('button', { class: 'plain', id: 'log-out', 'aria-label': t('logOut'), title: t('logOut'), onclick: () => this.logOut() }, icon('out'), h('span', { class: 'label' }, t('logOut')))),
      this.banner,
      this.main);
    document.addEventListener('click', (e) => this.follow(e), { signal });
    window.addEventListener('popstate', () => this.show(), { signal });
    this.live.addEventListener('status', () => this.showStatus());
    this.showStatus();
    this.live.start();
    this.show();
  }

  stop() {
    this.controller.abort();
    this.live.stop();
    this.main.replaceChildren();
    this.console?.dispatchEvent(new Event('stop'));
    document.title = t('appName');
  }

  /** Opens a page without loading anything. @param {MouseEvent} e */
  follow(e) {
    const link = e.target instanceof Element ? e.target.closest('a') : null;
    if (!link || e.ctrlKey || e.metaKey || e.shiftKey || link.target) return;
    const url = new URL(link.href);
    if (url.origin !== location.origin || !this.open.some((p) => p.path === url.pathname)) return;
    e.preventDefault();
    if (url.pathname !== location.pathname) history.pushState(null, '', url.pathname);
    this.show();
  }

  show() {
    const page = this.open.find((p) => p.path === location.pathname) ?? this.open[0];
    if (!page) return;
    if (page.path !== location.pathname) history.replaceState(null, '', page.path);
    this.links.forEach((link, i) => set(link, { 'aria-current': this.open[i] === page ? 'page' : false }));
    // On a telephone the row of links is wider than the screen.
    this.links[this.open.indexOf(page)]?.scrollIntoView({ block: 'nearest', inline: 'center' });
    if (this.open.some((p) => p.path === '/console')) this.console ??= new Console(this);
    this.page?.remove();
    if (this.console && !this.console.isConnected) this.main.append(this.console);
    if (this.console) this.console.hidden = page.path !== '/console';
    this.page = page.path === '/console' ? null : page.make(this);
    if (this.page) this.main.append(this.page);
    document.title = `${t(label(page, this.me))} · ${this.me.centre}`;
  }

  showStatus() {
    const on = this.live.connected;
    window.clearTimeout(this.lost);
    const never = this.live.board === null;
    put(this.status, on ? t('live') : never ? t('connecting') : t('offline'));
    this.status.dataset.on = String(on);
    this.banner.hidden = true;
    if (!on && !never) {
      this.lost = window.setTimeout(() => {
        put(this.banner, t('offlineLong'));
        this.banner.hidden = false;
      }, 1_500);
    }
  }

  async logOut() {
    try {
      await request('DELETE', '/session');
    } catch (error) {
      if (!(error instanceof Problem) || error.status !== 401) return;
    }
    askWho(false);
  }
}

/** @type {App | null} */
let app = null;

function toggleTheme() {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  root.dataset.theme = dark ? 'light' : 'dark';
  localStorage.setItem('tandem.theme', root.dataset.theme);
}

/** @param {Me} me */
function enter(me) {
  app?.stop();
  app = new App(me);
  app.start();
}

/** @param {boolean} again */
function askWho(again) {
  app?.stop();
  app = null;
  const login = document.createElement('tandem-login');
  if (again) login.setAttribute('again', '');
  login.addEventListener('done', (e) => enter(/** @type {CustomEvent<Me>} */ (e).detail), { once: true });
  document.body.replaceChildren(login);
}

session.addEventListener('over', () => {
  if (app) askWho(true);
});

request('GET', '/session').then(
  (me) => enter(/** @type {Me} */ (me)),
  () => {
    if (!document.querySelector('tandem-login')) askWho(false);
  },
);
