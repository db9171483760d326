import { createAsk } from './ask.ts'
import { newRecord, type SubmissionRecord } from './evidence.ts'
import { CRASHING, type Drawn, drawTask, drawWorkflow } from './mix.ts'
import { createPeople } from './people.ts'
import type { Random } from './random.ts'

/** ms between two submissions. */
const GAP_MS = { min: 5, max: 75 }
/** Submissions on their way at once: while nobody answers, no more are begun. */
const MAX_OPEN = 200
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
  /** ms after which a task is submitted that takes workers down; null: none is. */
  crashAfterMs: number | null
}

/** Submits a random mix by REST, each task under a key of its own, as often as it takes. */
export interface Load {
  readonly records: SubmissionRecord[]
  readonly acknowledged: number
  /** Every answer of a scheduler that says that it cannot do what it was asked to. */
  readonly serverErrors: ServerError[]
  /** Begins no more; resolves when those begun are acknowledged, or are given up after `patienceMs`. */
  stop(patienceMs: number): Promise<void>
}

export function startLoad({ urls, random, seed, crashAfterMs }: LoadOptions): Load {
  const records: SubmissionRecord[] = []
  const open = new Set<Promise<void>>()
  const startedAt = performance.now()
  const serverErrors: ServerError[] = []
  /** Tasks that may be deleted at any time: nothing is to depend on them. */
  const passing = new Set<SubmissionRecord>()
  let stopped = false
  let giveUpAt = Number.POSITIVE_INFINITY
  let acknowledged = 0
  let workflows = 0
  let crashed = false
  const ask = createAsk({
    urls,
    random,
    giveUpAt: () => giveUpAt,
    onServerError: (status) => serverErrors.push({ status, at: now() }),
  })
  const people = createPeople(ask, now)

  /** Some of the tasks that were acknowledged last. */
  function drawParents(count: number): string[] {
    const near = records
      .slice(-NEAR)
      .flatMap((record) => (passing.has(record) ? [] : (record.acknowledged[0] ?? [])))
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
        ...newRecord(`${name}-${key}`),
        acknowledged: [answer, again].flatMap((given) => given?.body.tasks?.[key] ?? []),
        acknowledgedAt: answer?.status === 200 ? now() : null,
        refusals,
        dependsOn: ids[key] ? depends_on.map((parent) => ids[parent] ?? parent) : [],
      })
    }
    if (answer?.status === 200) acknowledged += tasks.length
  }

  async function submit({ submission, aheadMs, action, parents }: Drawn) {
    const key = `chaos-${seed}-${records.length}`
    const scheduledAt = aheadMs === null ? null : Date.now() + aheadMs
    const dependsOn = drawParents(parents)
    const record: SubmissionRecord = { ...newRecord(key), scheduledAt, dependsOn }
    const isPassing = action?.kind === 'discard' || action?.kind === 'discard-many'
    if (isPassing) passing.add(record)
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
      return answer?.sent ?? 0
    }
    const sent = await send()
    if (record.acknowledged.length > 0) {
      acknowledged++
      record.acknowledgedAt = now()
    }
    // A key is free again once its task is deleted: a request that is still on its way would make another.
    if (isPassing && sent !== 1) return
    if (!isPassing && random.chance(AGAIN_SHARE)) await send()
    const [id] = record.acknowledged
    if (!action || !id) return
    await Bun.sleep(action.afterMs)
    await people.act(action.kind, id, record)
  }

  async function run() {
    while (!stopped) {
      if (open.size < MAX_OPEN) {
        const isTimeToCrash =
          !crashed && crashAfterMs !== null && performance.now() - startedAt > crashAfterMs
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
    serverErrors,
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

export interface ServerError {
  status: number
  at: number
}

/** Epoch ms by the machine's clock. */
const now = () => performance.timeOrigin + performance.now()
