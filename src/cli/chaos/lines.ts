import { attemptKey, type Index } from './indexed.ts'

/** Holds the stored lines of each attempt whose end was accepted against what it had printed by then. */
export function* judgeLines({ evidence, history }: Index): Generator<string | null> {
  const stored = new Map(evidence.lines.map((row) => [attemptKey(row.taskId, row.attempt), row]))
  const accepted = [
    ...evidence.tasks
      .filter(({ state }) => state === 'completed')
      .map(({ id, attempt }) => attemptKey(id, attempt)),
    ...evidence.attempts
      .filter(({ outcome }) => outcome === 'failed')
      .map(({ taskId, attempt }) => attemptKey(taskId, attempt)),
  ]
  for (const key of accepted) {
    const end = history.get(key)?.find(({ event }) => event === 'completed' || event === 'failed')
    if (!end?.lines) continue
    const { lines = 0, different = 0 } = stored.get(key) ?? {}
    yield lines === end.lines && different === end.lines
      ? null
      : `attempt ${key} printed ${end.lines} lines, and ${lines} are stored, ${different} of them different`
  }
}
