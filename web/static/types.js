// @ts-check
// The shapes of what the API sends, for the type checker alone. They follow /openapi.json.

/**
 * @typedef {'' | 'logged_out' | 'ready' | 'reserved' | 'on_call' | 'wrap_up' | 'paused' | 'unavailable'} AgentState
 * @typedef {{id: string, name?: string}} Disposition
 * @typedef {{phone: boolean, calls: boolean, campaigns: boolean, extend: boolean, pop: boolean, explain: boolean, supervise: boolean}} Features
 * @typedef {{login: string, name: string, role: 'agent' | 'supervisor' | 'administrator', agent?: string, centre: string, version: string,
 *   pauses: string[], dispositions: Disposition[], features: Features}} Me
 * @typedef {{id: string, leg?: string, number?: string, name?: string}} AgentCall
 * @typedef {{id: string, name: string, state: AgentState, since?: string, until?: string, reason?: string, next?: AgentState, reachable: boolean,
 *   queues: string[], queue?: string, call?: AgentCall, answered: number}} Agent
 * @typedef {{call: string, position: number, since: string, priority?: number, number?: string, name?: string, agent?: string}} Waiting
 * @typedef {{logged_out: number, ready: number, reserved: number, on_call: number, wrap_up: number, paused: number, unavailable: number}} AgentCounts
 * @typedef {{id: string, name: string, waiting: Waiting[], talking: number, agents: AgentCounts, offered: number, answered: number,
 *   abandoned: number, left: number, service_level: number, draining?: boolean}} Queue
 * @typedef {{at: string, seq: number, queues: Queue[], agents: Agent[]}} Board
 * @typedef {{skill: string, min: number, max?: number}} Requirement
 * @typedef {{agent: string, level: number, skip?: string, change?: string, skill?: Requirement, until?: string}} Obstacle
 * @typedef {{at: string, call: string, queue?: string, state: string, waited: number, position: number, agent?: string, rings: number, keeper?: string,
 *   level: number, needs?: Requirement[], rule: string, kept_until?: string, eases_at?: string, leaves_at?: string, skipped?: Record<string, number>,
 *   agents?: Obstacle[]}} CallReasons
 * @typedef {{queue: string, level: number, wanting: number, skip?: Record<string, number>}} QueueObstacle
 * @typedef {{at: string, agent: string, state: AgentState, since: string, rule: string, change?: string, until?: string, queues?: QueueObstacle[]}} AgentReasons
 * @typedef {{id?: string, name?: string, url?: string, fields?: Record<string, string>}} Contact
 * @typedef {{call: AgentCall, state: AgentState, queue?: string, contact: Contact, known: boolean, pop?: string}} CallCard
 * @typedef {{id: string, direction: 'inbound' | 'outbound', number?: string, name?: string, did?: string, campaign?: string, queues?: string[],
 *   agents?: string[], started: string, connected?: string, ended?: string, waited: number, talked: number, wrap_up: number, result?: string,
 *   cause?: string, ended_by?: string, outcome?: string, disposition?: string, note?: string}} Call
 * @typedef {{answered: number, missed: number, talked: number, wrap_up: number, calls: Call[]}} Today
 * @typedef {{id: string, name: string, state: string, queue?: string, leads: number, done: number, attempts: number, connected: number, dialling: number}} Campaign
 * @typedef {{login: string, name: string, role: string, agent?: string, disabled: boolean, failures: number, locked_until?: string}} Account
 * @typedef {{id: string, login: string, label: string, token: boolean, current: boolean, created: string, seen: string, expires: string}} Session
 */

export {};
