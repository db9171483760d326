import { plugin } from 'bun'
import * as task from '../../task/task.ts'

/** Lets handlers import `taskmaster/task` wherever they lie, installed beside them or not. */
export function serveTaskModule(): void {
  plugin({
    name: 'taskmaster/task',
    setup(build) {
      build.module('taskmaster/task', () => ({ loader: 'object', exports: { ...task } }))
    },
  })
}
