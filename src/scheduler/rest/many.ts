import { type ManyInput, manyInput, manyInputWith, placeOfMany } from '../many-input.ts'
import { LIMITS, type Place, parseAsync } from '../schemas.ts'
import { isNdjson, readJson, readNdjson } from './body.ts'

export const NO_MANY_KEY =
  'the Idempotency-Key header is not for many tasks; give each its own idempotency_key'

export interface ManyRead {
  tasks: ManyInput
  /** Where in the request each of them is. */
  placeOf(index: number): Place
}

/**
 * The tasks of a request: `{"tasks": […]}`, the array alone, or NDJSON, one task on each line.
 *
 * @throws `invalid` with the place and the field of the first thing that is wrong
 */
export async function readMany(request: Request): Promise<ManyRead> {
  if (isNdjson(request)) {
    const lines = await readNdjson(request, LIMITS.many)
    const placeOf = (index: number) => {
      const place = `line ${lines[index]?.line}: `
      return { itself: place, whole: `${place}the task `, field: place }
    }
    const tasks = await parseAsync(manyInputWith(placeOf), { tasks: lines.map(({ value }) => value) })
    return { tasks, placeOf }
  }
  const body = await readJson(request)
  const tasks = await parseAsync(manyInput, Array.isArray(body) ? { tasks: body } : body)
  return { tasks, placeOf: placeOfMany }
}
