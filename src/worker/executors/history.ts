import { appendFileSync } from 'node:fs'
import type { SlotTask } from '../messages.ts'

/** Notes in a file when an attempt starts and how it ends: a line of JSON each. */
export function historyIn(file: string, { taskId, attempt }: SlotTask, lines: number) {
  return (event: string): void => {
    const line = { task_id: taskId, attempt, event, pid: process.pid, at: now(), lines }
    // One short line, appended whole: several threads and processes may share the file.
    appendFileSync(file, `${JSON.stringify(line)}\n`)
  }
}

/** Epoch ms by a clock that no test skews: the monotonic one, from where the process began. */
const now = () => performance.timeOrigin + performance.now()
