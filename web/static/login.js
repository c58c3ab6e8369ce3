// @ts-check
// <tandem-login>: the log-in form. It tells with the event "done" who came in.
import { request } from './api.js';
import { h, mark, put } from './dom.js';
import { t } from './texts.js';

export class Login extends HTMLElement {
  connectedCallback() {
    const message = h('p', { class: 'alert', role: 'alert', id: 'login-message', hidden: true });
    const name = h('input', { id: 'login', name: 'login', autocomplete: 'username', autocapitalize: 'none', spellcheck: 'false', maxlength: 64, required: true });
    const password = h('input', { id: 'password', name: 'password', type: 'password', autocomplete: 'current-password', maxlength: 256, required: true });
    const button = h('button', { class: 'primary wide', id: 'log-in' }, t('loginButton'));
    const say = (/** @type {string} */ text) => {
      put(message, text);
      message.hidden = text === '';
    };
    if (this.hasAttribute('again')) say(t('loginAgain'));
    const submit = async (/** @type {Event} */ e) => {
      e.preventDefault();
      button.disabled = true;
      put(button, t('loginBusy'));
      try {
        const me = await request('POST', '/session', { login: name.value, password: password.value });
        this.dispatchEvent(new CustomEvent('done', { detail: me, bubbles: true }));
      } catch (error) {
        say(/** @type {Error} */ (error).message);
        password.value = '';
        password.focus();
      } finally {
        button.disabled = false;
        put(button, t('loginButton'));
      }
    };
    this.replaceChildren(
      h('main', { class: 'login' },
        h('form', { class: 'card', onsubmit: submit },
          h('div', { class: 'brand' }, mark(), h('span', {}, t('appName'))),
          h('h1', {}, t('loginTitle')),
          h('p', { class: 'quiet' }, t('loginLead')),
          message,
          h('label', { for: 'login' }, t('loginName')), name,
          h('label', { for: 'password' }, t('loginPassword')), password,
          button)));
    name.focus();
  }
}

customElements.define('tandem-login', Login);
