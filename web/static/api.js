// @ts-check
// Requests to the API.
import { t } from './texts.js';

/** What went wrong with a request, in words for the person at the screen. */
export class Problem extends Error {
  /**
   * @param {number} status 0: the server was not reached
   * @param {string} detail
   */
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

/** Tells whoever listens that the session is over. */
export const session = new EventTarget();

/**
 * @template T
 * @param {string} method
 * @param {string} path below /api/v1
 * @param {unknown} [body] sent as JSON; a Blob is sent as it is
 * @returns {Promise<T>}
 */
export async function request(method, path, body) {
  /** @type {RequestInit} */
  const init = { method, credentials: 'same-origin' };
  if (body instanceof Blob) {
    init.body = body;
    init.headers = { 'Content-Type': 'text/csv' };
  } else if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers = { 'Content-Type': 'application/json' };
  }
  let response;
  try {
    response = await fetch('/api/v1' + path, init);
  } catch {
    throw new Problem(0, t('errorNetwork'));
  }
  const text = await response.text();
  /** @type {any} */
  let value = null;
  try {
    value = text ? JSON.parse(text) : null;
  } catch {
    value = null;
  }
  if (response.ok) return value;
  if (response.status === 401 && !(method === 'POST' && path === '/session')) session.dispatchEvent(new Event('over'));
  throw new Problem(response.status, value?.detail || t('errorUnknown'));
}
