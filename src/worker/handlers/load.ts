import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isTaskDefinition, type TaskDefinition } from '../../task/task.ts'

/** Every handler by its name. */
export type Handlers = ReadonlyMap<string, TaskDefinition>

const FILES = '**/*.{ts,tsx,mts,js,jsx,mjs}'
const NOT_HANDLERS = /(^|\/)(node_modules|\.[^/]*|_[^/]*)(\/|$)|\.(test|spec)\.\w+$|\.d\.m?ts$/

/**
 * Loads what `defineTask` made and the files of a folder (or one file) export.
 *
 * @throws naming the file that cannot be loaded, or two that define the same task
 */
export async function loadHandlers(place: string): Promise<Handlers> {
  const handlers = new Map<string, TaskDefinition>()
  const places = new Map<string, string>()
  for (const file of await filesOf(place)) {
    const exported = await load(file)
    for (const value of new Set(Object.values(exported))) {
      if (!isTaskDefinition(value)) continue
      const other = places.get(value.name)
      if (other) throw new Error(`${file}: the task ${value.name} is defined in ${other} too`)
      handlers.set(value.name, value)
      places.set(value.name, file)
    }
  }
  if (handlers.size === 0) throw new Error(`${place}: no file there exports a task made by defineTask`)
  return handlers
}

async function load(file: string): Promise<Record<string, unknown>> {
  try {
    return await import(file)
  } catch (error) {
    throw new Error(`${file}: ${reasonOf(error)}`, { cause: error })
  }
}

/** What Bun throws for a file that does not parse has its reasons inside. */
function reasonOf(error: unknown): string {
  const inner = (error as AggregateError).errors?.map((one) => (one as Error).message)
  return [error instanceof Error ? error.message : String(error), ...(inner ?? [])].join('; ')
}

async function filesOf(place: string): Promise<string[]> {
  const found = await stat(place).catch(() => null)
  if (!found) throw new Error(`${place}: there is no such file or folder`)
  if (!found.isDirectory()) return [place]
  const names = [...new Bun.Glob(FILES).scanSync({ cwd: place })]
  return names
    .filter((name) => !NOT_HANDLERS.test(name))
    .sort()
    .map((name) => join(place, name))
}
