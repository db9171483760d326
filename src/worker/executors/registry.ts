import type { Executor } from './executor.ts'
import { runFunction } from './function.ts'
import { http } from './http/http.ts'
import { shell } from './shell/shell.ts'
import { simulate } from './simulate.ts'

/** Every executor by the name that tasks use. */
export const executors: Record<string, Executor | undefined> = {
  simulate,
  shell,
  http,
  function: runFunction,
}
