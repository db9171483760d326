import { format } from 'node:util'
import { parseForCode } from '../../shared/core/exact-json.ts'
import type { ParentOutcomes } from '../../shared/core/parents.ts'
import type { Json } from '../../shared/core/task.ts'
import { describeIssues } from '../../task/standard-schema.ts'
import type { TaskContext, TaskDefinition } from '../../task/task.ts'
import { type Handlers, loadHandlers } from '../handlers/load.ts'
import { serveTaskModule } from '../handlers/module.ts'
import type { SlotSettings, SlotTask } from '../messages.ts'
import { type Run, runs } from '../runs.ts'
import { type Executor, type ExecutorContext, Failure } from './executor.ts'

let handlers: Promise<Handlers> | null = null

/**
 * Loads the handlers into this thread. What does not load fails the tasks that need it.
 *
 * @param current what runs now
 */
export async function prepareFunctions(
  { handlers: place }: SlotSettings,
  current: () => Run | null,
): Promise<void> {
  if (!place) return
  serveTaskModule()
  handlers = loadHandlers(place)
  await handlers.catch(() => {})
  hearConsole(current)
}

/** Runs the handler that the command names, with the payload as its input. */
export const runFunction: Executor = async (task, context) => {
  const definition = (await handlers)?.get(task.command)
  if (!definition) throw new Failure(`This worker has no handler named ${task.command}`)
  const input = await readInput(definition, task.payload)
  try {
    return (await definition.run(contextOf(task, context), input)) as Json | undefined
  } catch (error) {
    // Of whichever copy of the module its class is.
    if (!(error instanceof Error) || error.name !== 'Unretryable') throw error
    throw new Failure(error.message, true, error.stack)
  }
}

async function readInput({ input }: TaskDefinition, payload: Json | null): Promise<unknown> {
  if (!input) return payload
  const read = await input['~standard'].validate(payload)
  if (read.issues) throw new Failure(describeIssues(read.issues), true)
  return read.value
}

function contextOf({ taskId, attempt, parents }: SlotTask, context: ExecutorContext): TaskContext {
  const { say, progress } = context
  return {
    ...{ progress, taskId, attempt },
    get signal() {
      return context.signal
    },
    token: `${taskId}#${attempt}`,
    parents: (parents ? parseForCode(parents) : {}) as unknown as ParentOutcomes,
    log: (text) => say('log', String(text)),
  }
}

const STREAMS = { log: 'stdout', info: 'stdout', debug: 'stdout', warn: 'stderr', error: 'stderr' } as const

/**
 * What a handler prints is its task's, not the worker's, nor that of a task which runs when it prints late. What says
 * not whose it is, is of the one that runs.
 */
function hearConsole(current: () => Run | null) {
  for (const [name, stream] of Object.entries(STREAMS)) {
    console[name as keyof typeof STREAMS] = (...words: unknown[]) => {
      const run = runs.getStore() ?? current()
      run?.context.say(stream, `${format(...words)}\n`)
    }
  }
}
