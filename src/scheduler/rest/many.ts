import { LIMITS, type ManyInput, manyInput, manyInputWith, parse } from '../schemas.ts'
import { BATCH_BODY_LIMIT, isNdjson, readJson, readNdjson } from './body.ts'

export const NO_MANY_KEY =
  'the Idempotency-Key header is not for many tasks; give each its own idempotency_key'

/**
 * The tasks of a request: `{"tasks": […]}`, the array alone, or NDJSON, one task on each line.
 *
 * @throws `invalid` with the place and the field of the first thing that is wrong
 */
export async function readMany(request: Request): Promise<ManyInput> {
  if (isNdjson(request)) {
    const lines = await readNdjson(request, BATCH_BODY_LIMIT, LIMITS.many)
    const schema = manyInputWith((index) => {
      const place = `line ${lines[index]?.line}: `
      return { whole: `${place}the task `, field: place }
    })
    return parse(schema, { tasks: lines.map(({ value }) => value) })
  }
  const body = await readJson(request, BATCH_BODY_LIMIT)
  return parse(manyInput, Array.isArray(body) ? { tasks: body } : body)
}
