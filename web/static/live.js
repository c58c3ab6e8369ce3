// @ts-check
// The live feed: the board as the server last sent it, the records that concern us, and whether the connection stands.
import { request } from './api.js';

/** @typedef {import('./types.js').Board} Board */
/** @typedef {import('./types.js').Agent} Agent */

/**
 * Events: "board" (this.board is new), "record" (detail is the record), "status" (this.connected changed).
 */
export class Live extends EventTarget {
  constructor() {
    super();
    /** @type {Board | null} */
    this.board = null;
    this.connected = false;
    /** Milliseconds that the server's clock is ahead of ours. */
    this.ahead = 0;
    /** @type {EventSource | null} */
    this.source = null;
    /** @type {{at: number, waiting: Record<string, number>}[]} */
    this.history = [];
    this.last = '';
    this.heard = 0;
    this.watch = 0;
  }

  start() {
    this.open();
    // A connection that a sleeping computer or a dead network left behind tells no error: silence does.
    this.watch = window.setInterval(() => {
      if (this.connected && Date.now() - this.heard > 45_000) this.retry();
    }, 5_000);
  }

  open() {
    const source = new EventSource('/api/v1/events' + (this.last ? '?after=' + this.last : ''));
    this.source = source;
    source.addEventListener('open', () => this.connect(true));
    source.addEventListener('error', () => this.failed());
    source.addEventListener('board', (e) => {
      this.last = e.lastEventId || this.last;
      this.take(JSON.parse(e.data));
    });
    source.addEventListener('record', (e) => {
      this.hear();
      this.last = e.lastEventId;
      this.dispatchEvent(new CustomEvent('record', { detail: JSON.parse(e.data) }));
    });
    source.addEventListener('reset', () => {
      this.hear();
      this.last = '';
      this.dispatchEvent(new CustomEvent('record', { detail: { type: 'reset' } }));
    });
  }

  failed() {
    this.connect(false);
    // The browser tries again by itself unless the server answered with an error: then we look why.
    if (this.source?.readyState === EventSource.CLOSED) {
      this.retry();
      request('GET', '/session').catch(() => undefined);
    }
  }

  retry() {
    this.source?.close();
    this.connect(false);
    const source = this.source;
    window.setTimeout(() => {
      if (this.source === source && source) this.open();
    }, 2_000);
  }

  stop() {
    this.source?.close();
    this.source = null;
    window.clearInterval(this.watch);
    this.connect(false);
  }

  hear() {
    this.heard = Date.now();
  }

  /** @param {boolean} connected */
  connect(connected) {
    this.hear();
    if (this.connected === connected) return;
    this.connected = connected;
    this.dispatchEvent(new Event('status'));
  }

  /** @param {Board} board */
  take(board) {
    this.hear();
    this.board = board;
    this.ahead = Date.parse(board.at) - Date.now();
    this.remember(board);
    this.dispatchEvent(new Event('board'));
  }

  /**
   * Keeps ten minutes of how many waited, one point every five seconds.
   * @param {Board} board
   */
  remember(board) {
    const now = Date.now();
    /** @type {Record<string, number>} */
    const waiting = {};
    for (const q of board.queues) waiting[q.id] = q.waiting.length;
    const last = this.history.at(-1);
    if (last && now - last.at < 5_000) {
      for (const [id, n] of Object.entries(waiting)) last.waiting[id] = Math.max(last.waiting[id] ?? 0, n);
    } else {
      this.history.push({ at: now, waiting });
    }
    while (this.history.length > 120) this.history.shift();
  }

  /**
   * Seconds since a time of the server's.
   * @param {string | undefined} at
   */
  age(at) {
    return at ? (Date.now() + this.ahead - Date.parse(at)) / 1000 : 0;
  }

  /**
   * @param {string | undefined} id
   * @returns {Agent | undefined}
   */
  agent(id) {
    return this.board?.agents.find((a) => a.id === id);
  }

  /** @param {string | undefined} id */
  queueName(id) {
    return this.board?.queues.find((q) => q.id === id)?.name ?? id ?? '';
  }
}

