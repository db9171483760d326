import { AppError } from '../shared/core/error.ts'
import { laneOf, readLane } from '../shared/core/lane.ts'
import { isEnded, type Task } from '../shared/core/task.ts'
import type { Sql } from '../shared/store/connect.ts'
import { findTask } from '../shared/store/tasks.ts'
import { AHEAD_LIMIT, findWaitFacts, type WaitFacts } from '../shared/store/why.ts'

export type ReasonCode =
  | 'ended'
  | 'running'
  | 'assigned'
  | 'dependencies'
  | 'not_due'
  | 'queue_paused'
  | 'queue_full'
  | 'queue_rate'
  | 'key_full'
  | 'key_rate'
  | 'no_worker'
  | 'workers_draining'
  | 'workers_busy'
  | 'ahead'
  | 'claiming'

export interface Reason {
  code: ReasonCode
  /** A sentence for people. */
  text: string
  /** Tasks that it names. */
  task_ids: string[]
  /** ms after which this reason is over, as far as that is known. */
  wait_ms: number | null
}

/** Why a task does not run now; the first reason is the one that stands in the way first. */
export interface Why {
  task_id: string
  state: string
  reasons: Reason[]
  /** About how many ms until it starts; null when that cannot be said. */
  estimate_ms: number | null
}

/**
 * @param startsPerSecond how many tasks all workers get through lately; 0: unknown
 * @throws `not_found`
 */
export async function explainWait(
  sql: Sql,
  id: string,
  { silenceMs, startsPerSecond }: { silenceMs: number; startsPerSecond: number },
): Promise<Why> {
  // It may be claimed, or put back, between the two looks.
  for (let left = 3; ; left--) {
    const task = await findTask(sql, id)
    if (!task) throw new AppError('not_found', 'Task not found')
    if (task.state !== 'pending') return { ...about(task), reasons: [tellState(task)], estimate_ms: null }
    const facts = await findWaitFacts(sql, id, { silenceMs })
    if (!facts && left > 1) continue
    const reasons = facts ? tellReasons(task, facts) : [reason('claiming', 'It is changing just now.')]
    return { ...about(task), reasons, estimate_ms: facts && estimate(reasons, facts, startsPerSecond) }
  }
}

const about = ({ id, state }: Task) => ({ task_id: id, state })

const reason = (
  code: ReasonCode,
  text: string,
  more: Partial<Pick<Reason, 'task_ids' | 'wait_ms'>> = {},
): Reason => ({ code, text, task_ids: [], wait_ms: null, ...more })

function tellState(task: Task): Reason {
  const where = task.workerName ?? `Worker-${task.workerId}`
  if (isEnded(task.state)) return reason('ended', `It has ended: ${task.state}.`)
  if (task.state === 'running') return reason('running', `It is running on ${where}.`)
  return reason('assigned', `${where} has it and starts it as soon as a slot is free there.`)
}

/** What stands in the way of a pending task, in the order in which it has to be out of the way. */
export function tellReasons(task: Task, facts: WaitFacts): Reason[] {
  const reasons = [
    tellParents(task, facts),
    tellDue(task, facts),
    ...tellQueue(task, facts),
    ...tellKey(task, facts),
    tellWorkers(task, facts),
  ].filter((one) => one !== null)
  if (reasons.length > 0) return reasons
  if (facts.ahead > 0) return [reason('ahead', `${tellAhead(facts)} ahead of it.`)]
  return [reason('claiming', 'Nothing stands in its way: it is about to be given to a worker.')]
}

function tellParents(task: Task, { parents }: WaitFacts): Reason | null {
  if (task.waitsFor === 0) return null
  const named = parents.map(({ id, key, state }) => `${key ?? id} (${state ?? 'deleted'})`).join(', ')
  const more = task.waitsFor > parents.length ? ` and ${task.waitsFor - parents.length} more` : ''
  const text = `It waits for ${named || `${task.waitsFor} tasks`}${named ? more : ''}.`
  return reason('dependencies', text, { task_ids: parents.map(({ id }) => id) })
}

function tellDue(task: Task, { dueInMs }: WaitFacts): Reason | null {
  // Until what it depends on has ended, its time may be set anew.
  if (dueInMs <= 0 || task.waitsFor > 0) return null
  const why = task.failures > 0 ? `Attempt ${task.attempt} failed; it is tried again in` : 'It is not due for'
  return reason('not_due', `${why} ${tellTime(dueInMs)}.`, { wait_ms: dueInMs })
}

function tellQueue(task: Task, { queue, room, rateWaitMs }: WaitFacts): Reason[] {
  if (!queue) return []
  const name = `Queue ${task.queue}`
  if (queue.pausedAt) {
    const by = queue.pausedBy ? ` by ${queue.pausedBy}` : ''
    return [reason('queue_paused', `${name} has been paused${by} since ${queue.pausedAt.toISOString()}.`)]
  }
  if (room > 0) return []
  const reasons: Reason[] = []
  if (queue.concurrency !== null && queue.held >= queue.concurrency) {
    reasons.push(
      reason('queue_full', `${name} is full: ${queue.held} of ${queue.concurrency} tasks are at work.`),
    )
  }
  if (rateWaitMs > 0) {
    const rate = `${queue.rate} in ${tellTime(queue.ratePeriodMs ?? 0)}`
    const text = `${name} has used up its rate of ${rate}; there is room in ${tellTime(rateWaitMs)}.`
    reasons.push(reason('queue_rate', text, { wait_ms: rateWaitMs }))
  }
  return reasons
}

function tellKey(task: Task, { queue, keyRoom, keyRateWaitMs, keyHolders }: WaitFacts): Reason[] {
  if (!queue || task.concurrencyKey === null || keyRoom > 0 || queue.pausedAt) return []
  const key = `Key ${task.concurrencyKey} of queue ${task.queue}`
  const reasons: Reason[] = []
  if (queue.keyConcurrency !== null && keyHolders.length >= Math.min(queue.keyConcurrency, 10)) {
    const text = `${key} is full: at most ${queue.keyConcurrency} at once, and at work are ${keyHolders.join(', ')}.`
    reasons.push(reason('key_full', text, { task_ids: keyHolders }))
  }
  if (keyRateWaitMs > 0) {
    const rate = `${queue.keyRate} in ${tellTime(queue.keyRatePeriodMs ?? 0)}`
    const text = `${key} has used up its rate of ${rate}; there is room in ${tellTime(keyRateWaitMs)}.`
    reasons.push(reason('key_rate', text, { wait_ms: keyRateWaitMs }))
  }
  return reasons
}

function tellWorkers(task: Task, facts: WaitFacts): Reason | null {
  const { live, withNeed, able, open, slots, busy } = facts.workers
  const { need, labels } = readLane(laneOf(task))
  const what = need.startsWith('function:') ? `the handler ${need.slice(9)}` : need
  if (live === 0) return reason('no_worker', 'No worker is connected.')
  if (withNeed === 0) return reason('no_worker', `No live worker runs ${what}.`)
  if (able === 0) {
    const labelled = labels.length === 1 ? `label ${labels[0]}` : `labels ${labels.join(', ')}`
    return reason('no_worker', `No live worker that runs ${what} has the ${labelled}.`)
  }
  if (open === 0) return reason('workers_draining', 'All workers that can run it are about to stop.')
  if (busy < slots || task.waitsFor > 0 || facts.dueInMs > 0) return null
  const ahead = facts.ahead > 0 ? `, and ${tellAhead(facts)} ahead of it` : ', and it is next'
  return reason('workers_busy', `All ${slots} slots of workers that can run it have work${ahead}.`)
}

function tellAhead({ ahead }: WaitFacts): string {
  const count = ahead >= AHEAD_LIMIT ? `${AHEAD_LIMIT} or more` : String(ahead)
  return `${count} ${ahead === 1 ? 'task is' : 'tasks are'}`
}

/** Only what has a known length can be added up. */
function estimate(reasons: Reason[], { ahead }: WaitFacts, startsPerSecond: number): number | null {
  let waitMs = 0
  for (const { code, wait_ms } of reasons) {
    if (wait_ms !== null) waitMs = Math.max(waitMs, wait_ms)
    else if (code === 'workers_busy' || code === 'ahead') {
      if (startsPerSecond <= 0) return null
      waitMs = Math.max(waitMs, (1000 * (ahead + 1)) / startsPerSecond)
    } else if (code !== 'claiming') return null
  }
  return Math.round(waitMs)
}

function tellTime(ms: number): string {
  if (ms < 1000) return `${Math.ceil(ms)} ms`
  if (ms < 120_000) return `${Math.ceil(ms / 1000)} s`
  if (ms < 7_200_000) return `${Math.round(ms / 60_000)} min`
  return ms < 172_800_000 ? `${Math.round(ms / 3_600_000)} h` : `${Math.round(ms / 86_400_000)} days`
}
