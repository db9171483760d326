import type { TaskState } from '../shared/core/task.ts'
import type { Log } from '../shared/log.ts'
import { type AuditFacts, auditTasks, type UnstartedWorker } from '../shared/store/audit.ts'
import type { Sql } from '../shared/store/connect.ts'

/** What an audit found, as callers see it. */
export interface Audit {
  at: string
  /** Whether nothing was found. */
  ok: boolean
  /** What was found, each as a sentence; empty when all is well. */
  findings: string[]
  orphaned_tasks: number
  overdue_stops: number
  overfull_workers: { id: number; name: string; running: number; slots: number }[]
  /** Workers that were given tasks and start none, although they have free slots. */
  unstarted_workers: { id: number; name: string; assigned: number; free_slots: number; oldest_ms: number }[]
  held_tasks: number
  idle_workers: number
  /** Of the task that is due the longest and that nobody holds; null when none is. */
  oldest_overdue_ms: number | null
  /** Whether it waits although workers are idle. */
  stalled: boolean
  counters: {
    /** The states that were counted. Held tasks always are, unless they are very many; the others in a small table. */
    checked: TaskState[]
    /** Those whose kept count differs from the table's. */
    drifted: { [State in TaskState]?: { kept: number; counted: number } }
  }
}

export interface Auditor {
  /** Audits now; calls at the same time share one audit. */
  run(): Promise<Audit>
  /** Audits and logs what it found, for a loop. */
  tick(): Promise<void>
  /** The audit that ended last, and ms since then; null before the first. */
  latest(): { audit: Audit; ageMs: number } | null
}

export interface AuditorOptions {
  sql: Sql
  log: Log
  /** ms of silence after which a worker is gone. */
  silenceMs: number
  /** ms that whoever should act is given to do so. */
  graceMs?: number
  /** ms that a due task may wait while workers are idle. */
  stallMs?: number
  /** Whether starts may have been reported that are not in the tables yet: then nobody is blamed for starting nothing. */
  areReportsLate?: () => boolean
}

/** A backlog that drains has idle workers for moments: only one that has them in every look is stalled. */
const LOOKS = 4
const LOOK_PAUSE_MS = 150

/** Looks again and again whether what should be is what is. It changes nothing. */
export function createAuditor(options: AuditorOptions): Auditor {
  const { sql, log, silenceMs, graceMs = 10_000, stallMs = 5000, areReportsLate = () => false } = options
  const idlers = createIdlers(graceMs)
  let running: Promise<Audit> | null = null
  let last: { audit: Audit; endedAt: number } | null = null

  const look = () => auditTasks(sql, { silenceMs, graceMs })
  const looksStalled = ({ idleWorkers, overdueMs }: AuditFacts) =>
    idleWorkers > 0 && (overdueMs ?? 0) > stallMs

  async function audit(): Promise<Audit> {
    let facts = await look()
    for (let looks = 1; looks < LOOKS && looksStalled(facts); looks++) {
      await Bun.sleep(LOOK_PAUSE_MS)
      facts = await look()
    }
    const unstarted = idlers.confirm(areReportsLate() ? [] : facts.unstartedWorkers, performance.now())
    const found = judge({ ...facts, unstartedWorkers: unstarted }, looksStalled(facts))
    last = { audit: found, endedAt: performance.now() }
    return found
  }

  function run() {
    running ??= audit().finally(() => {
      running = null
    })
    return running
  }

  return {
    run,
    async tick() {
      const wasOk = last?.audit.ok ?? true
      const { ok, findings } = await run()
      if (!ok) log.warn({ findings }, 'The audit found something')
      else if (!wasOk) log.info('The audit finds nothing any more')
    },
    latest: () => last && { audit: last.audit, ageMs: performance.now() - last.endedAt },
  }
}

function judge(facts: AuditFacts, stalled: boolean): Audit {
  const counters = Object.entries(facts.counters) as [TaskState, { kept: number; counted: number | null }][]
  const checked = counters.flatMap(([state, { kept, counted }]) =>
    counted === null ? [] : [{ state, kept, counted }],
  )
  const drifted = checked.filter(({ kept, counted }) => kept !== counted)
  const findings = [
    facts.orphanedTasks > 0 && `${facts.orphanedTasks} tasks are held by workers that are gone`,
    facts.overdueStops > 0 && `${facts.overdueStops} tasks run that should have been stopped`,
    ...facts.overfullWorkers.map(
      ({ name, running, slots }) => `worker ${name} runs ${running} tasks in ${slots} slots`,
    ),
    ...facts.unstartedWorkers.map(
      ({ name, assigned, freeSlots, waitedMs }) =>
        `worker ${name} has ${assigned} tasks and starts none of them with ${freeSlots} slots free; ` +
        `the oldest was assigned ${Math.round(waitedMs / 1000)} s ago`,
    ),
    ...drifted.map(({ state, kept, counted }) => `${counted} tasks are ${state}, but ${kept} are counted`),
    stalled && `a task is due since ${Math.round(facts.overdueMs ?? 0)} ms while workers are idle`,
  ].filter((finding) => finding !== false)
  return {
    at: facts.at.toISOString(),
    ok: findings.length === 0,
    findings,
    orphaned_tasks: facts.orphanedTasks,
    overdue_stops: facts.overdueStops,
    overfull_workers: facts.overfullWorkers,
    unstarted_workers: facts.unstartedWorkers.map(({ id, name, assigned, freeSlots, waitedMs }) => ({
      ...{ id, name, assigned, free_slots: freeSlots, oldest_ms: Math.round(waitedMs) },
    })),
    held_tasks: facts.held,
    idle_workers: facts.idleWorkers,
    oldest_overdue_ms: facts.overdueMs === null ? null : Math.round(facts.overdueMs),
    stalled,
    counters: {
      checked: checked.map(({ state }) => state),
      drifted: Object.fromEntries(drifted.map(({ state, kept, counted }) => [state, { kept, counted }])),
    },
  }
}

/**
 * Of workers that start nothing, those that have done so for `graceMs` of looks: the same task waits and none was
 * completed. After an outage, reports of starts reach the tables a moment after the first look.
 */
function createIdlers(graceMs: number) {
  let known = new Map<string, number>()
  return {
    confirm(workers: UnstartedWorker[], now: number): UnstartedWorker[] {
      const seen = workers.map((worker) => {
        const key = `${worker.id}/${worker.since}/${worker.completed}`
        return { worker, key, at: known.get(key) ?? now }
      })
      known = new Map(seen.map(({ key, at }) => [key, at]))
      return seen.filter(({ at }) => now - at >= graceMs).map(({ worker }) => worker)
    },
  }
}
