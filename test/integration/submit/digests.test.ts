import { beforeAll, expect, test } from 'bun:test'
import { parse, submitInput } from '../../../src/scheduler/schemas.ts'
import { delayOf, taskFrom } from '../../../src/scheduler/task-from.ts'
import { createTestDatabase } from '../../support/database.ts'
import fc from '../../support/property.ts'
import { compareIn, createAttempts } from './attempts.ts'

const { sql } = await createTestDatabase()
const compare = compareIn(sql)
beforeAll(() => createAttempts(sql))

/** A name or a text with what is special to JSON, to JavaScript and to UTF-16. */
const special = fc
  .array(
    fc.constantFrom(
      ...'a b 1 02 10 4294967294 4294967295 " \\ / \n \t \u007f \u2028 ü \ue000 \uffff 𝒳 \u{10ffff} \u{10000} __proto__'.split(
        ' ',
      ),
    ),
    { maxLength: 3 },
  )
  .map((parts) => parts.join(''))

const valid = {
  name: special,
  priority: fc.oneof(
    fc.integer({ min: -32_768, max: 32_767 }),
    fc.constantFrom('low', 'Medium', 'HIGH', 'LOW'),
  ),
  executor: fc.constantFrom('simulate', 'shell', null),
  payload: fc.dictionary(special, fc.jsonValue({ maxDepth: 2 }).map(storable), { maxKeys: 4 }),
  max_retries: fc.constantFrom(0, 1, 32_767),
  timeout_ms: fc.constantFrom(1, 5000, null),
  cancel_grace_ms: fc.constantFrom(0, 5000, 7),
  queue: fc.constantFrom('default', 'mail', null),
  labels: fc.array(fc.constantFrom('a', 'B', 'a:b', 'a-b'), { maxLength: 3 }),
  concurrency_key: fc.constantFrom('k', '\ue000𝒳', null),
  delay_seconds: fc.oneof(fc.double({ min: 0, max: 1000, noNaN: true }), fc.constantFrom(0, 60, 1e-7, null)),
  description: fc.constantFrom('', 'd'),
  retry_backoff_ms: fc.constantFrom(0, 100),
  on_parent_failure: fc.constantFrom('fail', 'skip'),
}

function storable(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value).replace(/\\u(0000|d[89a-f]..)/gi, '?'))
}

const validTask = fc.record(
  { command: special.filter((text) => text !== ''), ...valid },
  { requiredKeys: ['command'] },
)

test('tasks of every kind are taken alike, and their requests have one digest', async () => {
  const given = fc.sample(validTask, 300).map((task, index) => ({ ...task, idempotency_key: `key ${index}` }))
  for (const { payload } of given) if (payload) delete (payload as { env?: unknown }).env
  expect(new Set(await compare(given.map((task) => JSON.stringify([task]))))).toEqual(new Set(['accepted']))
  const { ids, differing } = await storeBoth(given)
  expect({ ids, differing }).toEqual({ ids: given.length, differing: [] })
})

/** Stores tasks in SQL, and asks for the digests that REST has of them. */
async function storeBoth(given: object[]) {
  const [stored] = await sql<
    { ids: string[] }[]
  >`SELECT submit_many(${JSON.stringify(given)}::text::jsonb) AS ids`
  const rows = await sql<{ hash: string }[]>`
    SELECT k.request_hash AS hash FROM unnest(${stored!.ids}::uuid[]) WITH ORDINALITY AS s (id, n) JOIN idempotency_keys k ON k.task_id = s.id ORDER BY n`
  const differing = given.flatMap((task, index) => {
    const input = parse(submitInput, task)
    const { requestHash } = taskFrom(input, delayOf(input))
    return requestHash === rows[index]?.hash ? [] : [task]
  })
  return { ids: rows.length, differing }
}
