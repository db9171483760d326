import { beforeAll, describe, expect, test } from 'bun:test'
import { type ManyInput, manyInput } from '../../../src/scheduler/many-input.ts'
import { parse, parseAsync, submitInput } from '../../../src/scheduler/schemas.ts'
import { createStand } from '../scheduler/stand.ts'
import { createCalls, FULL, invalid, refusal } from './calls.ts'

const stand = await createStand()
const { sql } = stand
beforeAll(async () => {
  await sql`CREATE TABLE orders (id int PRIMARY KEY)`
})
const { submit, submitMany } = createCalls(sql)

/** Rows but for what differs between any two tasks. */
const rowsOf = (ids: string[]) => sql`
  SELECT to_jsonb(t) - '{id,created_at,scheduled_at,due_at,idempotency_key}'::text[] AS row, due_at = scheduled_at AS due
  FROM unnest(${ids}::uuid[]) WITH ORDINALITY AS g (id, n) JOIN tasks t USING (id) ORDER BY n`

test('submit() stores what REST stores, and so does submit_many()', async () => {
  const parent = await submit({ command: 'parent' })
  const tasks: Record<string, unknown>[] = [
    { command: 'x' },
    FULL,
    { command: 'send-email', executor: 'function', labels: ['eu'], payload: null, on_parent_failure: 'fail' },
    { command: 'x', depends_on: [parent, parent.toUpperCase()], priority: -7, queue: 'default' },
    { command: 'x', delay_seconds: 0.5, payload: [], name: '' },
  ]
  const keyed = (way: string) => tasks.map((task, index) => ({ ...task, idempotency_key: `${way} ${index}` }))
  const byRest = await stand.services.tasks.submitMany(
    (await parseAsync(manyInput, { tasks: keyed('rest') })) as ManyInput,
  )
  const byMany = await submitMany(keyed('many'))
  const byOne: string[] = []
  for (const task of keyed('one')) byOne.push(await submit(task))
  const rows = await rowsOf(byRest)
  expect(rows).toHaveLength(tasks.length)
  expect(await rowsOf(byMany)).toEqual(rows)
  expect(await rowsOf(byOne)).toEqual(rows)
  const [edges] = await sql`SELECT count(*) FROM dependencies WHERE depends_on = ${parent}`
  expect(edges).toEqual({ count: 3 })
})

test('ids are of version 7 and rise in the order of the tasks, which is that of their claim', async () => {
  const ids = await submitMany(Array.from({ length: 5000 }, (_, index) => ({ command: `${index}` })))
  expect(ids).toEqual(ids.toSorted())
  expect(new Set(ids).size).toBe(5000)
  for (const id of ids)
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  const now = Number.parseInt(ids[0]!.replaceAll('-', '').slice(0, 12), 16)
  expect(Math.abs(now - Date.now())).toBeLessThan(60_000)
})

test('a task is stored with the transaction that submits it, or not at all', async () => {
  const before = await sql`SELECT count(*) FROM tasks`
  const given: string[] = []
  const failed = sql.begin(async (tx) => {
    await tx`INSERT INTO orders VALUES (1)`
    given.push(
      await submit({ command: 'x', queue: 'gone' }, tx as never),
      ...(await submitMany([{ command: 'y' }], tx as never)),
    )
    throw new Error('the order is not to be')
  })
  expect(failed).rejects.toThrow('the order is not to be')
  await failed.catch(() => {})
  expect(given).toHaveLength(2)
  expect(await sql`SELECT count(*) FROM tasks`).toEqual(before)
  expect(await sql`SELECT FROM queues WHERE name = 'gone'`).toHaveLength(0)
  const id = await sql.begin(async (tx) => {
    await tx`INSERT INTO orders VALUES (1)`
    const id = await submit({ command: 'x' }, tx as never)
    expect(await sql`SELECT FROM tasks WHERE id = ${id}`).toHaveLength(0)
    return id
  })
  expect(await sql`SELECT FROM tasks WHERE id = ${id}`).toHaveLength(1)
})

test('a delay counts from the call, however long the transaction has lasted', async () => {
  const [row] = await sql.begin(async (tx) => {
    await tx`SELECT pg_sleep(0.2)`
    const id = await submit({ command: 'x', delay_seconds: 60 }, tx as never)
    return await tx`SELECT ${id} AS id, now() AS began`
  })
  const [due] =
    await sql`SELECT extract(epoch FROM due_at - ${row?.began}::timestamptz)::float8 AS s FROM tasks WHERE id = ${row?.id}`
  expect(due?.s).toBeWithin(60.19, 62)
})

test('a fault names its field, and is refused before anything is stored', async () => {
  const tasks = [{ command: 'x' }, { command: 'x', priority: 'urgent' }]
  const text = 'priority must be LOW, MEDIUM, HIGH, CRITICAL or a whole number from -32768 to 32767'
  expect(await refusal(submitMany(tasks))).toEqual(invalid(`tasks[1].${text}`, 'priority'))
  expect(await refusal(submit(tasks[1]!))).toEqual(invalid(text, 'priority'))
  expect(await refusal(submitMany([7]))).toEqual(invalid('tasks[0] must be an object', 'tasks'))
  expect(await refusal(submitMany([{ command: 'x', run_at: '2030-01-01T00:00Z' }]))).toEqual(
    invalid('tasks[0].run_at is a parameter of submit() alone; use scheduled_at', 'run_at'),
  )
  for (const bad of ['"a\\u0000"', '"\\ud800"']) {
    const fault = await refusal(sql`SELECT submit_many(${`[{"command":${bad}}]`}::text::jsonb)`)
    expect(fault.code).toMatch(/^22/)
  }
})

describe('what submit() is given', () => {
  const long = (size: number) => 'x'.repeat(size)
  const faults: [field: string, values: unknown[]][] = [
    ['command', [null, '', long(65_537)]],
    ['executor', ['', 'python']],
    ['payload', [9007199254740993n, { a: long(262_144) }]],
    ['queue', ['', 'a b', long(101)]],
    ['idempotency_key', ['', long(256)]],
    ['priority', ['', 'urgent', '5', 1.5, 32_768, -32_769]],
    ['name', [long(256)]],
    ['description', [long(10_001)]],
    ['labels', [[null], [''], ['a b'], Array(21).fill('a')]],
    ['concurrency_key', ['', long(256)]],
    ['max_retries', [-1, 1.5, 32_768]],
    ['retry_backoff_ms', [-1, 0.1, 2_147_483_648]],
    ['retry_backoff_cap_ms', [-1, 0.1, 2_147_483_648]],
    ['timeout_ms', [0, 0.1, 2_147_483_648]],
    ['cancel_grace_ms', [-1, 0.1, 2_147_483_648]],
    ['delay_seconds', [-1, 3_153_600_001]],
    ['depends_on', [Array(101).fill(crypto.randomUUID())]],
    ['on_parent_failure', ['', 'run']],
  ]
  test.each(faults)('%s is refused in the words of REST', async (field, values) => {
    for (const value of values) {
      const task = { command: 'x', [field]: value }
      let told = 'accepted'
      try {
        parse(submitInput, task)
      } catch (error) {
        told = (error as Error).message
      }
      if (typeof value === 'bigint')
        told = `payload: ${value} cannot be represented exactly; send it as a string`
      expect(await refusal(submit(task))).toEqual(invalid(told, field))
    }
  })

  test('NaN and infinite numbers and times are refused', async () => {
    const words = {
      delay_seconds: 'delay_seconds must be a number',
      max_retries: 'max_retries must be a whole number',
    }
    for (const [field, told] of Object.entries(words)) {
      for (const value of ['NaN', 'Infinity', '-Infinity'])
        expect((await refusal(submit({ command: 'x', [field]: value }))).message).toStartWith(told)
    }
    for (const run_at of [
      'infinity',
      '-infinity',
      '1969-12-31T23:59:59Z',
      '10000-01-01T00:00:00Z',
      '0001-01-01 BC',
    ]) {
      expect(await refusal(submit({ command: 'x', run_at }))).toEqual(
        invalid('Invalid date format. Use ISO 8601 format.', 'run_at'),
      )
    }
    expect(await refusal(submit({ command: 'x', run_at: '2030-01-01T00:00Z', delay_seconds: 1 }))).toEqual(
      invalid('delay_seconds and run_at must not both be given', 'delay_seconds'),
    )
  })

  test('a time is kept to the millisecond, as REST keeps it', async () => {
    const id = await submit({ command: 'x', run_at: '2030-01-01T01:00:00.123999+01:00' })
    expect((await stand.get(`/tasks/${id}`)).body.scheduled_at).toBe('2030-01-01T00:00:00.123Z')
  })

  test('a priority is a name or a number of any type', async () => {
    const given = ["'HIGH'", "'low'", '5', '-5::smallint', '7::bigint', '3.0', 'NULL', "'critical'::varchar"]
    const ids: string[] = []
    for (const value of given)
      ids.push((await sql.unsafe(`SELECT submit('x', priority => ${value}) AS id`))[0]?.id)
    const rows =
      await sql`SELECT priority FROM unnest(${ids}::uuid[]) WITH ORDINALITY AS g (id, n) JOIN tasks t USING (id) ORDER BY n`
    expect(rows.map(({ priority }) => priority)).toEqual([2, 0, 5, -5, 7, 3, 0, 3])
  })
})
