import type { HistoryEvent } from './evidence.ts'

/** What the executors wrote. The last line of one that was killed may be half. */
export async function readHistory(file: string): Promise<HistoryEvent[]> {
  const text = await Bun.file(file)
    .text()
    .catch(() => '')
  return text.split('\n').flatMap((line) => {
    const parsed = parse(line)
    if (!parsed) return []
    const { task_id: taskId, attempt, event, pid, at, lines } = parsed
    return [{ taskId, attempt, event, pid, at, lines }]
  })
}

type Line = Omit<HistoryEvent, 'taskId'> & { task_id: string }

function parse(line: string): Line | null {
  try {
    return JSON.parse(line) as Line
  } catch {
    return null
  }
}
