import type { AnyTask } from './definition.ts'
import type { Inputs } from './wire.ts'

/** A task as it goes to the scheduler. */
export type Submission = Inputs['tasks']['submitMany']['tasks'][number]

type Camel<Name> = Name extends `${infer First}_${infer Rest}` ? `${First}${Capitalize<Camel<Rest>>}` : Name
type SaidOtherwise = 'command' | 'payload' | 'executor' | 'delay_seconds' | 'scheduled_at' | 'max_retries'

/** Every optional field of a task, in camel case: what the scheduler takes, the client takes. */
export type SubmitOptions = {
  [Name in keyof Submission as Name extends SaidOtherwise ? never : Camel<Name>]?:
    | Submission[Name]
    | undefined
} & {
  /** ms from now, by the scheduler's clock. */
  delayMs?: number | undefined
  /** When; a text must be ISO 8601 with Z or an offset. */
  at?: Date | string | undefined
  /** How often it may run again after a failure. */
  retries?: number | undefined
}

/** A task by its command, for any executor. */
export type PlainTask = SubmitOptions & Pick<Submission, 'command' | 'payload' | 'executor'>

/** The submission of a task that is a function, of which only the name must be known. */
export function functionTask(task: AnyTask | string, input: unknown, options: SubmitOptions): Submission {
  const { name, retries, timeoutMs } = typeof task === 'string' ? { name: task } : task
  return {
    ...toWire({ retries, timeoutMs, ...withoutUnset(options) }),
    command: name,
    executor: 'function' as Submission['executor'],
    payload: (input ?? null) as Submission['payload'],
  }
}

/** The submission of a task by its command. */
export const plainTask = ({ command, payload, executor, ...options }: PlainTask): Submission => ({
  ...toWire(options),
  ...withoutUnset({ payload, executor }),
  command,
})

function toWire({ delayMs, at, retries, ...others }: SubmitOptions): Omit<Submission, 'command'> {
  const renamed = Object.entries(others).map(([name, value]) => [toSnake(name), value])
  return withoutUnset({
    ...Object.fromEntries(renamed),
    delay_seconds: delayMs === undefined ? undefined : delayMs / 1000,
    scheduled_at: at instanceof Date ? at.toISOString() : at,
    max_retries: retries,
  })
}

const toSnake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

const withoutUnset = <Fields extends object>(fields: Fields): Fields =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Fields
