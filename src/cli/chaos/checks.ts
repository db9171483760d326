import { isEnded, TASK_STATES } from '../../shared/core/task.ts'
import type { TaskRow } from '../../shared/store/evidence.ts'
import { blamesParent, judgeAsked, judgeEdges } from './dependencies.ts'
import { judgeHealing, judgeReadiness, judgeRefusals } from './healing.ts'
import { attemptKey, type Index } from './indexed.ts'
import { judgeLines } from './lines.ts'
import { judgeDraining, judgeGivenUp } from './soundness.ts'
import { judgeTicks } from './ticks.ts'

/** What is wrong about each thing that a check looked at; null: nothing. */
export type Check = (index: Index) => Iterable<string | null>

/** Every promise that a run is held against. */
export const CHECKS: Record<string, Check> = {
  'no acknowledged task is lost': function* ({ evidence, tasks, lives }) {
    for (const { key, acknowledged } of evidence.submissions) {
      for (const id of new Set(acknowledged)) {
        yield tasks.has(id) || lives.gone.has(id)
          ? null
          : `task ${id} was acknowledged (key ${key}) and is not there`
      }
    }
  },

  'one idempotency key stands for one task': function* ({ evidence }) {
    const byKey = Map.groupBy(evidence.tasks, ({ idempotencyKey }) => idempotencyKey)
    for (const { key, acknowledged, refusals } of evidence.submissions) {
      const ids = new Set([...acknowledged, ...(byKey.get(key) ?? []).map(({ id }) => id)])
      if (refusals.length > 0) yield `key ${key} was answered: ${refusals.join(', ')}`
      else yield ids.size <= 1 ? null : `key ${key} stands for ${[...ids].join(' and ')}`
    }
  },

  'every task comes to one end': function* ({ evidence }) {
    for (const task of evidence.tasks) {
      const ends = [task.completedAt, task.failedAt, task.cancelledAt].filter((at) => at !== null)
      yield isEnded(task.state) && ends.length === 1
        ? null
        : `task ${task.id} is ${task.state} and has ${ends.length} ends`
    }
  },

  'the attempts of a task are numbered without a gap, each with one outcome': function* ({ evidence, past }) {
    for (const task of evidence.tasks) {
      // What was put back and then ended by hand has all of its attempts behind it.
      const behind = task.pickedAt === null ? task.attempt : task.attempt - 1
      const numbers = (past.get(task.id) ?? []).map(({ attempt }) => attempt).sort((a, b) => a - b)
      const isWhole = numbers.length === Math.max(0, behind) && numbers.every((n, index) => n === index + 1)
      yield isWhole
        ? null
        : `task ${task.id} is at attempt ${task.attempt} and has behind it: ${numbers.join(', ') || 'none'}`
    }
  },

  'the accepted outcome is the one that its attempt had': function* (index) {
    for (const task of index.evidence.tasks) yield judgeEnd(task, index)
    for (const { taskId, attempt, outcome, error } of index.evidence.attempts) {
      if (outcome === 'failed') yield judgeFailure(taskId, attempt, error, index)
    }
  },

  'nothing is cancelled that nobody cancelled': function* ({ evidence, tasks }) {
    const asked = new Set(
      evidence.submissions
        .filter(({ cancelAsked }) => cancelAsked)
        .flatMap(({ acknowledged }) => acknowledged),
    )
    for (const task of tasks.values()) {
      if (task.state !== 'cancelled') continue
      const isSkipped = task.onParentFailure === 'skip' && blamesParent(task)
      yield isSkipped || asked.has(task.id) ? null : `task ${task.id} is cancelled`
    }
  },

  'what was confirmed as deleted is gone': function* ({ evidence, tasks }) {
    for (const { acknowledged, discardConfirmed } of evidence.submissions) {
      if (!discardConfirmed) continue
      for (const id of new Set(acknowledged)) yield tasks.has(id) ? `task ${id} is still there` : null
    }
  },

  'what was confirmed as cancelled stays so': function* ({ evidence, tasks }) {
    for (const { acknowledged, cancelConfirmed } of evidence.submissions) {
      const task = tasks.get(acknowledged[0] ?? '')
      if (cancelConfirmed && task) {
        yield task.state === 'cancelled' ? null : `task ${task.id} is ${task.state}`
      }
    }
  },

  'failures and losses are charged as they happened': function* ({ evidence, past, lives }) {
    for (const task of evidence.tasks) {
      const { id, failures, losses, maxRetries, state, error } = task
      const behind = past.get(id) ?? []
      const failed = behind.filter(({ outcome }) => outcome === 'failed').length
      // What nobody had heard of as started costs nothing.
      const lost = behind.filter(({ outcome, startedAt }) => outcome === 'lost' && startedAt !== null).length
      // What failed with a task that it depended on did not run.
      const isLost = state === 'failed' && isLossError(error)
      const failedItself = state === 'failed' && !isLost && !blamesParent(task)
      // A last attempt that failed or was lost while it was being stopped counts, though the task is cancelled.
      const uncharged = state === 'cancelled' ? failures + losses - failed - lost : 0
      // A new life counts anew, and when it began is not said.
      const most = failed + lost + (failedItself || isLost || state === 'cancelled' ? 1 : 0)
      const isCharged = lives.touched.has(id)
        ? failures + losses <= most
        : state === 'cancelled'
          ? (uncharged === 0 || uncharged === 1) && failures >= failed && losses >= lost
          : failures === failed + (failedItself ? 1 : 0) && losses === lost + (isLost ? 1 : 0)
      const isSpent = !failedItself || failures === maxRetries + 1
      const isRight = isCharged && isSpent && failures <= maxRetries + 1 && losses <= evidence.maxLosses
      yield isRight
        ? null
        : `task ${id} (${state}: ${error}) counts ${failures} failures and ${losses} losses of ${maxRetries} retries; its attempts ${failed} and ${lost}`
    }
  },

  'nothing that finished is handed back': function* ({ evidence, history }) {
    // The worker lives, or the attempt would be lost with it: what it has finished, it reports until that is stored.
    for (const { taskId, attempt, outcome } of evidence.attempts) {
      if (outcome !== 'returned') continue
      const end = history.get(attemptKey(taskId, attempt))?.find(({ event }) => event !== 'start')?.event
      yield end === 'completed' || end === 'failed'
        ? `attempt ${attemptKey(taskId, attempt)} was handed back, but its executor saw it as ${end}`
        : null
    }
  },

  'no attempt of a sound worker is given up': judgeGivenUp,

  'a worker that was asked to end is given nothing': judgeDraining,

  'every line of an accepted attempt is stored once': judgeLines,

  'no attempt starts twice, nor ends twice': function* ({ history }) {
    for (const [key, events] of history) {
      const starts = events.filter(({ event }) => event === 'start').length
      yield starts === 1 && events.length <= 2
        ? null
        : `attempt ${key}: ${events.map(({ event, pid }) => `${event} (${pid})`).join(', ')}`
    }
  },

  'what is to depend on others does': judgeAsked,

  'nothing starts before all that it depends on has ended well, and what depends on a failure ends as it is to':
    judgeEdges,

  'nothing starts before its time': function* ({ evidence, tasks }) {
    const asked = new Map(
      evidence.submissions.flatMap(({ acknowledged, scheduledAt, runNowAskedAt }) =>
        // What was to run now may have done so from then on.
        acknowledged.map((id) => [id, Math.min(scheduledAt ?? 0, runNowAskedAt ?? Number.POSITIVE_INFINITY)]),
      ),
    )
    for (const { taskId, attempt, event, at } of evidence.history) {
      const task = tasks.get(taskId)
      if (event !== 'start' || !task) continue
      const early = Math.max(task.scheduledAt, asked.get(taskId) ?? 0) - at
      yield early <= evidence.clockErrorMs
        ? null
        : `attempt ${attemptKey(taskId, attempt)} started ${early.toFixed(3)} ms early`
    }
  },

  'what was confirmed to run now is due by then': function* ({ evidence, tasks }) {
    for (const { acknowledged, runNowConfirmedAt } of evidence.submissions) {
      const task = tasks.get(acknowledged[0] ?? '')
      if (runNowConfirmedAt === null || !task) continue
      const late = task.scheduledAt - runNowConfirmedAt
      yield late <= evidence.clockErrorMs ? null : `task ${task.id} is due ${late.toFixed(3)} ms later`
    }
  },

  'nothing starts before it is picked': function* ({ evidence, tasks, past }) {
    for (const { taskId, attempt, event, at } of evidence.history) {
      if (event !== 'start') continue
      const task = tasks.get(taskId)
      const row = past.get(taskId)?.find((behind) => behind.attempt === attempt)
      const pickedAt = row ? row.pickedAt : task?.attempt === attempt ? task.pickedAt : null
      if (pickedAt === null || pickedAt === undefined) {
        if (task) yield `attempt ${attemptKey(taskId, attempt)} ran and the table knows nothing of it`
      } else {
        const early = pickedAt - at
        yield early <= evidence.clockErrorMs
          ? null
          : `attempt ${attemptKey(taskId, attempt)} started ${early.toFixed(3)} ms before it was picked`
      }
    }
  },

  'what an older attempt reports after a newer one was picked is refused': function* ({
    evidence,
    tasks,
    past,
  }) {
    // Refused means: whatever the older says later, the row goes by the newest attempt of all.
    for (const { id, state, attempt } of evidence.tasks) {
      const newest = Math.max(attempt, ...(past.get(id) ?? []).map((row) => row.attempt))
      if (state === 'completed' || state === 'failed') {
        yield newest === attempt ? null : `task ${id} took the outcome of ${attempt}, but ${newest} is newer`
      }
    }
    for (const { taskId, attempt, event } of evidence.history) {
      const task = tasks.get(taskId)
      if (event === 'start' && task && attempt > task.attempt) {
        yield `attempt ${attemptKey(taskId, attempt)} ran after ${task.attempt} was accepted as the last`
      }
    }
  },

  'each tick of a schedule starts one task': judgeTicks,

  'what cannot be done for now is refused as such': judgeRefusals,

  'a scheduler says when it cannot do its work, and when it can again': judgeReadiness,

  'the system heals soon after each fault': judgeHealing,

  'the counters equal the table': function* ({ evidence: { tasks, counts }, lives }) {
    // What was deleted had ended; what was given a new life ends once more.
    const isMore = lives.retried.size > 0
    const range = (name: string, counted: number, least: number) =>
      counted < least || (!isMore && counted > least + lives.gone.size)
        ? `${name} is counted as ${counted} and is ${least}, with ${lives.gone.size} deleted`
        : null
    for (const state of TASK_STATES) {
      const actual = tasks.filter((task) => task.state === state).length
      yield compare(state, counts.get(state) ?? 0, actual)
      if (isEnded(state)) yield range(`ever:${state}`, counts.get(`ever:${state}`) ?? 0, actual)
    }
    const completed = Map.groupBy(
      tasks.filter(({ state }) => state === 'completed'),
      ({ workerId }) => workerId,
    )
    for (const [workerId, own] of completed) {
      yield range(`worker:${workerId}`, counts.get(`worker:${workerId}`) ?? 0, own.length)
    }
    let submitted = 0
    for (const [name, value] of counts) if (name.startsWith('submitted:')) submitted += value
    yield compare('submitted', submitted, tasks.length + lives.gone.size)
  },
}

const compare = (name: string, counted: number, actual: number) =>
  counted === actual ? null : `${name} is counted as ${counted} and is ${actual}`

const LOSS = /^worker lost \d+ times$/
const isLossError = (error: string | null) => error !== null && LOSS.test(error)

const endOf = (taskId: string, attempt: number, { history }: Index) =>
  history.get(attemptKey(taskId, attempt))?.find(({ event }) => event !== 'start')?.event

function judgeEnd(task: TaskRow, index: Index): string | null {
  const { id, attempt, state, error } = task
  if (state === 'completed') {
    const end = endOf(id, attempt, index)
    return end === 'completed' ? null : `task ${id} is completed by attempt ${attempt}, which ${saw(end)}`
  }
  if (state !== 'failed' || blamesParent(task)) return null
  if (!isLossError(error)) return judgeFailure(id, attempt, error, index)
  return task.losses === index.evidence.maxLosses
    ? null
    : `task ${id} failed (${error}) after ${task.losses} losses`
}

function judgeFailure(taskId: string, attempt: number, error: string | null, index: Index): string | null {
  const end = endOf(taskId, attempt, index)
  const what = `attempt ${attemptKey(taskId, attempt)} failed (${error})`
  if (error === 'simulated failure') return end === 'failed' ? null : `${what}, but ${saw(end)}`
  // The end of an earlier life.
  if (isLossError(error)) return null
  // A thread that was ended may not have come to its first word, nor said its last.
  if (error === `timed out after ${index.tasks.get(taskId)?.timeoutMs} ms`) return null
  return `${what}, which no executor says`
}

const saw = (end: string | undefined) => (end ? `its executor saw as ${end}` : 'its executor saw no end of')
