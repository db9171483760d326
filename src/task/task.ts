import type { ParentOutcome } from '../shared/core/parents.ts'
import type { StandardSchema } from './standard-schema.ts'

/** What `run` is given beside its input. */
export interface TaskContext {
  /** Aborted when the task is cancelled or out of time. What goes on after its grace is ended with its thread. */
  readonly signal: AbortSignal
  /** Adds a line to what the task says; see it with `bun run taskmaster logs TASK`. */
  log(text: string): void
  /** Says how far it has got, from 0 to 1. */
  progress(fraction: number): void
  readonly taskId: string
  /** Rises with every attempt of the task. */
  readonly attempt: number
  /**
   * Of this attempt alone: `<task id>#<attempt>`. A later attempt has a higher number, so what the task writes to can
   * refuse an attempt that was given up and does not know it.
   */
  readonly token: string
  /** What the tasks that this one waited for came to, by their keys in its workflow, or else by their ids. */
  readonly parents: Readonly<Record<string, ParentOutcome>>
}

export interface TaskOptions<Input, Given, Result> {
  /** What tasks name as their command. */
  name: string
  /** Reads the payload: a zod schema, or any other Standard Schema. What it refuses fails, and is not tried again. */
  input?: StandardSchema<Given, Input>
  /** How often it may run again after a failure, unless the submitter says. */
  retries?: number
  /** ms that an attempt may run, unless the submitter says. */
  timeoutMs?: number
  run(context: TaskContext, input: Input): Result | Promise<Result>
}

const BRAND = Symbol.for('taskmaster.task')

/** What `defineTask` makes: given to a worker by TASK_HANDLERS, and to a typed client by reference. */
export interface TaskDefinition<Input = unknown, Given = unknown, Result = unknown>
  extends Readonly<TaskOptions<Input, Given, Result>> {
  readonly [BRAND]: true
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}$/

/**
 * Defines a task that is a TypeScript function.
 *
 * @throws when the name is not one, or `retries` or `timeoutMs` no whole number
 */
export function defineTask<Result, Input = unknown, Given = Input>(
  options: TaskOptions<Input, Given, Result>,
): TaskDefinition<Input, Given, Awaited<Result>> {
  const { name, retries = 0, timeoutMs = 1 } = options
  if (!NAME.test(name)) {
    throw new TypeError(`a task's name must be letters, digits and _.:-, at most 100, not "${name}"`)
  }
  if (!Number.isInteger(retries) || retries < 0) throw new TypeError(`${name}: retries must be 0 or more`)
  if (!Number.isInteger(timeoutMs) || timeoutMs < 1)
    throw new TypeError(`${name}: timeoutMs must be 1 or more`)
  return Object.freeze({ ...options, [BRAND]: true as const }) as TaskDefinition<
    Input,
    Given,
    Awaited<Result>
  >
}

/** Whether a value was made by `defineTask`, of whichever copy of this module. */
export const isTaskDefinition = (value: unknown): value is TaskDefinition =>
  typeof value === 'object' && value !== null && BRAND in value

/** What a submitter of a task gives. */
export type TaskInput<Task> =
  Task extends TaskDefinition<infer _Input, infer Given, infer _Result> ? Given : never
/** What its `run` returns. */
export type TaskResult<Task> =
  Task extends TaskDefinition<infer _Input, infer _Given, infer Result> ? Result : never

/** Thrown by `run`: the task fails for good, whatever retries it has left. */
export class Unretryable extends Error {
  override readonly name = 'Unretryable'
}
