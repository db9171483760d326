import type { SubmissionRecord } from './evidence.ts'
import { CRASHING, type Drawn, drawTask, drawWorkflow } from './mix.ts'
import type { Random } from './random.ts'

/** ms between two submissions. */
const GAP_MS = { min: 5, max: 75 }
/** Submissions on their way at once: while nobody answers, no more are begun. */
const MAX_OPEN = 200
const ANSWER_LIMIT_MS = 3000
const PAUSE_MS = { min: 50, max: 300 }
/** Share of acknowledged submissions that are made again. */
const AGAIN_SHARE = 0.1
/** Share of submissions that are whole workflows. */
const WORKFLOW_SHARE = 0.03
/** Tasks that depend on others depend on some of so many before them. */
const NEAR = 30

export interface LoadOptions {
  /** Of the schedulers. */
  urls: string[]
  random: Random
  seed: number
  crashAfterMs: number
}

/** Submits a random mix by REST, each task under a key of its own, as often as it takes. */
export interface Load {
  readonly records: SubmissionRecord[]
  readonly acknowledged: number
  /** Begins no more; resolves when those begun are acknowledged, or are given up after `patienceMs`. */
  stop(patienceMs: number): Promise<void>
}

export function startLoad({ urls, random, seed, crashAfterMs }: LoadOptions): Load {
  const records: SubmissionRecord[] = []
  const open = new Set<Promise<void>>()
  const startedAt = performance.now()
  let stopped = false
  let giveUpAt = Number.POSITIVE_INFINITY
  let acknowledged = 0
  let workflows = 0
  let crashed = false

  /** Asks one of the schedulers after the other until one answers; null when it is too late. */
  async function ask(path: string, body: object): Promise<{ status: number; body: Answer } | null> {
    for (let turn = random.integer(0, urls.length - 1); performance.now() < giveUpAt; turn++) {
      try {
        const response = await fetch(`${urls[turn % urls.length]}${path}`, {
          method: 'POST',
          headers: { 'Content-Type': 'application/json' },
          body: JSON.stringify(body),
          signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
        })
        const answer = (await response.json()) as Answer
        if (response.status < 500 && response.status !== 429) return { status: response.status, body: answer }
      } catch {
        // No answer, or half of one: it may have been done all the same.
      }
      await Bun.sleep(random.integer(PAUSE_MS.min, PAUSE_MS.max))
    }
    return null
  }

  /** Some of the tasks that were acknowledged last. */
  function drawParents(count: number): string[] {
    const near = records.slice(-NEAR).flatMap(({ acknowledged: [id] }) => id ?? [])
    if (near.length === 0) return []
    return [...new Set(Array.from({ length: count }, () => random.pick(near)))]
  }

  async function submitWorkflow() {
    const tasks = drawWorkflow(random)
    const name = `chaos-${seed}-workflow-${++workflows}`
    const body = { name, tasks, idempotency_key: name }
    const answer = await ask('/api/workflows', body)
    const again = random.chance(AGAIN_SHARE) ? await ask('/api/workflows', body) : null
    const ids = answer?.body.tasks ?? {}
    for (const { key, depends_on } of tasks) {
      const refusals =
        answer && answer.status !== 200 ? [`${answer.status} ${JSON.stringify(answer.body)}`] : []
      records.push({
        key: `${name}-${key}`,
        acknowledged: [answer, again].flatMap((given) => given?.body.tasks?.[key] ?? []),
        refusals,
        dependsOn: ids[key] ? depends_on.map((parent) => ids[parent] ?? parent) : [],
        ...{ scheduledAt: null, cancelAsked: false, cancelConfirmed: false },
      })
    }
    if (answer?.status === 200) acknowledged += tasks.length
  }

  async function submit({ submission, aheadMs, cancelMs, parents }: Drawn) {
    const key = `chaos-${seed}-${records.length}`
    const scheduledAt = aheadMs === null ? null : Date.now() + aheadMs
    const dependsOn = drawParents(parents)
    const record: SubmissionRecord = {
      key,
      acknowledged: [],
      refusals: [],
      scheduledAt,
      dependsOn,
      cancelAsked: false,
      cancelConfirmed: false,
    }
    records.push(record)
    const task = { command: 'chaos', ...submission, idempotency_key: key, depends_on: dependsOn }
    const [path, body] =
      scheduledAt === null
        ? ['/tasks', task]
        : ['/api/schedule', { ...task, scheduled_at: new Date(scheduledAt).toISOString() }]
    const send = async () => {
      const answer = await ask(path, body)
      if (answer?.status === 200) record.acknowledged.push(answer.body.task_id ?? 'nothing')
      else if (answer) record.refusals.push(`${answer.status} ${JSON.stringify(answer.body)}`)
    }
    await send()
    if (record.acknowledged.length > 0) acknowledged++
    if (random.chance(AGAIN_SHARE)) await send()
    const [id] = record.acknowledged
    if (cancelMs === null || !id) return
    await Bun.sleep(cancelMs)
    record.cancelAsked = true
    const answer = await ask(`/api/tasks/${id}/cancel`, {})
    record.cancelConfirmed = answer?.body.status === 'cancelled'
    // What has ended meanwhile cannot be cancelled.
    if (answer && answer.status !== 200 && answer.status !== 409) {
      record.refusals.push(`cancel: ${answer.status} ${JSON.stringify(answer.body)}`)
    }
  }

  async function run() {
    while (!stopped) {
      if (open.size < MAX_OPEN) {
        const isTimeToCrash = !crashed && performance.now() - startedAt > crashAfterMs
        crashed ||= isTimeToCrash
        const isWorkflow = !isTimeToCrash && random.chance(WORKFLOW_SHARE)
        const begun = isWorkflow ? submitWorkflow() : submit(isTimeToCrash ? CRASHING : drawTask(random))
        const task = begun.finally(() => open.delete(task))
        open.add(task)
      }
      await Bun.sleep(random.integer(GAP_MS.min, GAP_MS.max))
    }
  }

  const running = run()
  return {
    records,
    get acknowledged() {
      return acknowledged
    },
    async stop(patienceMs) {
      stopped = true
      giveUpAt = Math.min(giveUpAt, performance.now() + patienceMs)
      await running
      await Promise.all(open)
    },
  }
}

interface Answer {
  task_id?: string
  status?: string
  /** Of a workflow: the ids by their keys. */
  tasks?: Record<string, string>
}
