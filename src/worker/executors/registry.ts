import type { Executor } from './executor.ts'
import { simulate } from './simulate.ts'

/** Every executor by the name that tasks use. */
export const executors: Record<string, Executor | undefined> = { simulate }
