import { AppError } from '../../shared/core/error.ts'
import type { Index } from './indexed.ts'

const EVERY_MS = 1000
const ANSWER_LIMIT_MS = 10_000

/** Makes a schedule that has a tick each second for so long, all of which are to be fired, however late. */
export async function startSchedule(url: string, durationMs: number): Promise<void> {
  const response = await fetch(`${url}/api/schedules`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({
      name: 'chaos',
      every_ms: EVERY_MS,
      ends_at: new Date(Date.now() + durationMs).toISOString(),
      catch_up: 'all',
      task: { command: 'chaos', payload: { duration_ms: 1 } },
    }),
    signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
  })
  if (!response.ok) throw new AppError('unavailable', `cannot make a schedule: ${await response.text()}`)
}

/** Reckons the ticks of each schedule and holds its ledger and its tasks against them. */
export function* judgeTicks({ evidence }: Index): Generator<string | null> {
  const ledgers = Map.groupBy(evidence.ticks, ({ scheduleId }) => scheduleId)
  const started = Map.groupBy(
    evidence.tasks.filter(({ scheduleId }) => scheduleId !== null),
    ({ scheduleId, tickAt }) => `${scheduleId} ${tickAt}`,
  )
  for (const { id, everyMs, anchorAt, endsAt } of evidence.schedules) {
    const rows = new Map((ledgers.get(id) ?? []).map((row) => [row.tickAt, row]))
    // The first tick of an interval that was given no anchor is one interval after it was made.
    for (let tickAt = anchorAt + everyMs; tickAt <= (endsAt ?? 0); tickAt += everyMs) {
      const row = rows.get(tickAt)
      const tasks = started.get(`${id} ${tickAt}`) ?? []
      const what = `tick ${new Date(tickAt).toISOString()} of schedule ${id}`
      if (!row) yield `${what} is not in the ledger`
      else if (tasks.length !== 1) yield `${what} (${row.outcome}) has ${tasks.length} tasks`
      else
        yield tasks[0]?.id === row.taskId
          ? null
          : `${what} has task ${tasks[0]?.id}, its ledger says ${row.taskId}`
      rows.delete(tickAt)
    }
    for (const tickAt of rows.keys()) yield `schedule ${id} has no tick at ${new Date(tickAt).toISOString()}`
  }
}
