import { beforeAll, expect, test } from 'bun:test'
import { readFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { createTestDatabase, databaseEnv } from '../support/database.ts'
import { type Service, startService } from '../support/processes.ts'
import { waitFor } from '../support/wait.ts'

const ROWS = 100_000
const STEP = 20_000
const MIB = 1024 * 1024
/** More than that would be a part of the table: its rows alone are over 100 MiB as they are written. */
const FLAT_MIB = 60

let scheduler: Service

beforeAll(async () => {
  const { sql, settings } = await createTestDatabase()
  for (let from = 1; from <= ROWS; from += STEP) {
    await sql`
      INSERT INTO task_records (id, command, scheduled_at, due_at)
      SELECT uuidv7(), repeat('x', 700), now() + n * interval '1 s', now() + n * interval '1 s'
      FROM generate_series(${from}::int, ${from + STEP - 1}::int) AS n`
  }
  await sql`ANALYZE task_records`
  scheduler = await startService('scheduler', databaseEnv(settings))
}, 120_000)

const url = () => `http://127.0.0.1:${scheduler.port}`

async function residentMib(): Promise<number> {
  const status = await readFile(`/proc/${scheduler.pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+)/.exec(status)![1]) / 1024
}

async function exportAll(): Promise<{ rows: number; bytes: number; peakMib: number }> {
  const counted = { rows: 0, bytes: 0, peakMib: 0 }
  const response = await fetch(`${url()}/api/tasks/export`)
  for await (const chunk of response.body!) {
    counted.bytes += chunk.byteLength
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) counted.rows++
    counted.peakMib = Math.max(counted.peakMib, await residentMib())
  }
  return counted
}

/** Asks for an export and reads nothing of it. */
async function openSlowReader(): Promise<Socket> {
  const socket = connect(scheduler.port, '127.0.0.1')
  await new Promise<void>((resolve) => socket.once('connect', resolve))
  socket.pause()
  socket.write(`GET /api/tasks/export HTTP/1.1\r\nHost: 127.0.0.1:${scheduler.port}\r\n\r\n`)
  return socket
}

test('a hundred thousand tasks are exported in flat memory', async () => {
  await (await fetch(`${url()}/api/tasks/export?q=warm-up`)).text()
  const first = await exportAll()
  expect(first.rows).toBe(ROWS)
  expect(first.bytes).toBeGreaterThan(100 * MIB)
  const before = await residentMib()
  const { peakMib } = await exportAll()
  console.log(
    `${(first.bytes / MIB).toFixed(0)} MiB; resident ${before.toFixed(0)}, at most ${peakMib.toFixed(0)} MiB`,
  )
  expect(peakMib - before).toBeLessThan(FLAT_MIB)
}, 120_000)

test('twenty who read nothing cost little, and hold nobody up', async () => {
  const before = await residentMib()
  const sockets = await Promise.all(Array.from({ length: 20 }, openSlowReader))
  const startedAt = performance.now()
  const answers = Array.from({ length: 50 }, async () => {
    const response = await fetch(`${url()}/tasks`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"command": "x"}',
    })
    return response.status
  })
  expect(new Set(await Promise.all(answers))).toEqual(new Set([200]))
  const first = await fetch(`${url()}/api/tasks/export`)
  const reader = first.body!.getReader()
  expect((await reader.read()).done).toBe(false)
  await reader.cancel()
  expect(performance.now() - startedAt).toBeLessThan(5000)
  // Whatever would be read ahead would be read by now.
  let last = 0
  const settled = await waitFor(
    async () => {
      const now = await residentMib()
      const isStill = Math.abs(now - last) < 1
      last = now
      return isStill && now
    },
    { what: 'the memory to stand still' },
  )
  console.log(`20 slow readers: ${before.toFixed(0)} to ${settled.toFixed(0)} MiB`)
  expect(settled - before).toBeLessThan(150)
  for (const socket of sockets) socket.destroy()
}, 60_000)
