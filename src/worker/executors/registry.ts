import type { Executor } from './executor.ts'
import { simulate } from './simulate.ts'

/** Every executor by the name that tasks use. Most slots never need most of them: they are loaded by their first task. */
export const executors: Record<string, Executor | undefined> = {
  simulate,
  shell: async (...given) => await (await import('./shell/shell.ts')).shell(...given),
  http: async (...given) => await (await import('./http/http.ts')).http(...given),
  function: async (...given) => await (await import('./function.ts')).runFunction(...given),
}
