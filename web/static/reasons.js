// @ts-check
// Plain sentences from the centre's own account of why a caller waits or an agent is idle.
import { clock } from './dom.js';
import { named, t } from './texts.js';

/** @typedef {import('./types.js').CallReasons} CallReasons */
/** @typedef {import('./types.js').AgentReasons} AgentReasons */
/** @typedef {import('./types.js').Obstacle} Obstacle */
/** @typedef {import('./types.js').Requirement} Requirement */
/** @typedef {import('./texts.js').TextKey} TextKey */
/** @typedef {import('./live.js').Live} Live */

/** How many agents are told about one by one. */
const most = 8;

/** Who is told about first: those from whom a supervisor may expect something. */
const order = ['rings_here', '', 'wrap_up', 'back_off', 'reserved', 'clearing', 'on_call', 'paused', 'kept', 'unavailable', 'level', 'skill', 'logged_out'];

/**
 * @param {CallReasons} why
 * @param {Live} live
 * @returns {string[]}
 */
export function reasonsOfCall(why, live) {
  const who = (/** @type {string | undefined} */ id) => live.agent(id)?.name ?? id ?? '';
  const lines = [sentence('whyCall_', why.rule, { agent: who(why.agent ?? why.keeper), keeper: who(why.keeper), n: why.rings })];
  if (why.rule === 'rings' && why.rings > 1) lines[0] = t('whyRingsMany', { n: why.rings });
  if (why.needs?.length) lines.push(t('whyNeeds', { skills: why.needs.map(skill).join(', ') }));
  const agents = [...(why.agents ?? [])].sort((a, b) => rank(a) - rank(b));
  for (const o of agents.slice(0, most)) {
    // What a skill or a level waits for is told once, for the call.
    const until = o.skip === 'skill' || o.skip === 'level' ? '' : left(o.until, live);
    lines.push(sentence('skip_', o.skip ?? '', { agent: who(o.agent), skill: o.skill ? skill(o.skill) : '' }) + until);
  }
  if (agents.length > most) lines.push(t('whyMore', { n: agents.length - most }));
  const ahead = (/** @type {TextKey} */ key, /** @type {string | undefined} */ at) => {
    if (at && live.age(at) < 0) lines.push(t(key, { time: clock(Math.ceil(-live.age(at))) }));
  };
  ahead('whyKeptUntil', why.kept_until);
  ahead('whyEases', why.eases_at);
  ahead('whyLeaves', why.leaves_at);
  return lines;
}

/**
 * @param {AgentReasons} why
 * @param {Live} live
 * @returns {string[]}
 */
export function reasonsOfAgent(why, live) {
  const agent = live.agent(why.agent)?.name ?? why.agent;
  const own = why.rule.startsWith('no_');
  const lines = [sentence(own ? 'whyAgent_' : 'skip_', why.rule, { agent }) + left(why.until, live)];
  if (why.change) lines.push(sentence('change_', why.change, { agent }));
  for (const q of why.queues ?? []) {
    const reasons = Object.entries(q.skip ?? {}).map(([reason, n]) => named('passed_', reason).replace('{n}', String(n)));
    const queue = live.queueName(q.queue);
    lines.push(q.wanting === 0 ? t('whyQueueCalm', { queue }) : [t('whyQueueWants', { queue, n: q.wanting }), ...reasons].join('; ') + '.');
  }
  return lines;
}

/** @param {Obstacle} o */
function rank(o) {
  const at = order.indexOf(o.skip ?? '');
  return at < 0 ? order.length : at;
}

/** @param {Requirement} r */
function skill(r) {
  if (r.max && r.max < 100) return t('skillBetween', { skill: r.skill, min: r.min, max: r.max });
  return r.min > 0 ? t('skillAtLeast', { skill: r.skill, min: r.min }) : r.skill;
}

/**
 * @param {string | undefined} until
 * @param {Live} live
 */
function left(until, live) {
  const seconds = until ? -live.age(until) : 0;
  return seconds > 0 ? ' ' + t('whyUntil', { time: clock(Math.ceil(seconds)) }) : '';
}

/**
 * The sentence for what the server said, its {names} filled in; a stranger is shown as it came.
 * @param {string} prefix
 * @param {string} value
 * @param {Record<string, string | number>} values
 */
function sentence(prefix, value, values) {
  return named(prefix, value).replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}
