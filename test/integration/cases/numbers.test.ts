import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { createClient } from '../../../src/client/main.ts'
import { decimalOf, isExact } from '../../../src/shared/core/exact-json.ts'
import { numberText } from '../../support/numbers.ts'
import { createServed } from '../scheduler/served.ts'

/** NUMBERS_SEED chooses other numbers. */
const SEED = Number(process.env.NUMBERS_SEED ?? 9_007_199)
const BIG = '9007199254740993'
const WHY = `${BIG} cannot be represented exactly; send it as a string`

const { url, sql } = await createServed()
const json = { 'Content-Type': 'application/json' }

async function send(path: string, body: string, headers: Record<string, string> = json, method = 'POST') {
  const response = await fetch(url + path, { method, headers, body })
  return { status: response.status, text: await response.text() }
}
const read = async (path: string) => await (await fetch(url + path)).text()

test('a number of a payload comes back with the same decimal value, or is refused by its place', async () => {
  const numbers = fc.sample(numberText, { numRuns: 300, seed: SEED })
  await Promise.all(
    numbers.map(async (number) => {
      const given = { number, seed: SEED }
      const { status, text } = await send('/tasks', `{"command":"x","payload":{"n":[${number}]}}`)
      expect({ ...given, status }).toEqual({ ...given, status: isExact(number) ? 200 : 400 })
      if (status === 400) {
        expect(JSON.parse(text).error).toStartWith(`payload.n[0]: ${number} cannot be represented exactly`)
        return
      }
      const [, found = ''] =
        /"payload":\{"n":\[([^\]]+)\]\}/.exec(await read(`/tasks/${JSON.parse(text).task_id}`)) ?? []
      expect({ ...given, value: decimalOf(found) }).toEqual({ ...given, value: decimalOf(number) })
    }),
  )
}, 60_000)

test('a number that cannot be kept is refused by its place, wherever a payload is taken', async () => {
  const task = `{"command":"x","payload":{"id":${BIG}}}`
  const at = '2040-01-01T00:00:00Z'
  for (const [path, body, place, headers] of [
    ['/tasks', task, 'payload.id: '],
    ['/api/schedule', `{"command":"x","scheduled_at":"${at}","payload":{"id":${BIG}}}`, 'payload.id: '],
    ['/api/schedule/batch', `{"count":2,"payload":[${BIG}]}`, 'payload[0]: '],
    ['/api/tasks/batch', `{"tasks":[{"command":"x"},${task}]}`, 'tasks[1].payload.id: '],
    [
      '/api/tasks/batch',
      `{"command":"x"}\n${task}\n`,
      'line 2: payload.id: ',
      { 'Content-Type': 'application/x-ndjson' },
    ],
    ['/api/workflows', `{"tasks":[{"key":"a","command":"x","payload":${BIG}}]}`, 'tasks[0].payload: '],
    ['/api/schedules', `{"name":"s","every_ms":1000,"task":${task}}`, 'task.payload.id: '],
  ] as const) {
    const { status, text } = await send(path, body, headers)
    expect({ path, status, answer: JSON.parse(text) }).toEqual({
      ...{ path, status: 400, answer: { error: place + WHY, code: 'invalid' } },
    })
  }
  for (const [path, body] of [
    ['/trpc/tasks.submit', task],
    ['/trpc/tasks.submit?batch=1', `{"0":${task}}`],
  ] as const) {
    const { status, text } = await send(path, body)
    expect({ path, status }).toEqual({ path, status: 400 })
    expect(text).toContain(`payload.id: ${WHY}`)
  }
  const [row] = await sql`SELECT count(*)::int AS count FROM tasks WHERE payload::text LIKE ${`%${BIG}%`}`
  expect(row?.count).toBe(0)
})

test('a result is shown with all its digits, and code reads those that JavaScript has not as strings', async () => {
  const { text } = await send('/tasks', '{"command":"x"}')
  const id: string = JSON.parse(text).task_id
  const result = `{"id": ${BIG}, "ratio": 0.1234567890123456789, "one": 1.0, "wide": 1e400}`
  await sql`UPDATE tasks SET result = ${result}::text::jsonb, picked_at = now(), started_at = now(), completed_at = now(),
    worker_id = 1, attempt = 1, slot = 0, due_at = now() - interval '1 s', scheduled_at = now() - interval '1 s' WHERE id = ${id}`
  for (const path of [
    `/tasks/${id}`,
    '/api/tasks',
    `/api/status?task_id=${id}`,
    '/api/tasks/export?format=ndjson',
  ]) {
    const answer = await read(path)
    expect({
      path,
      hasAll: answer.includes(`"id":${BIG}`) && answer.includes('0.1234567890123456789'),
    }).toEqual({ path, hasAll: true })
  }
  const client = createClient({ url })
  const task = await client.api.tasks.get.query({ task_id: id })
  expect(task.result).toMatchObject({ id: BIG, ratio: '0.1234567890123456789', one: 1 })
  client.close()
})
