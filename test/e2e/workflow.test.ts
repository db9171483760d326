import { afterAll, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startSystem } from '../support/system.ts'

const bodies: unknown[] = []
const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  async fetch(request) {
    bodies.push(await request.json())
    return Response.json({ got: bodies.length })
  },
})
const folder = mkdtempSync(join(tmpdir(), 'taskmaster-workflow-'))
afterAll(() => {
  server.stop(true)
  rmSync(folder, { recursive: true, force: true })
})
await Bun.write(
  join(folder, 'sum.ts'),
  `import { defineTask } from '${join(import.meta.dir, '..', '..', 'src', 'task', 'task.ts')}'
export const sum = defineTask({
  name: 'sum',
  run: ({ parents }) => Object.values(parents).reduce((all, { result }) => all + Number(result), 0),
})`,
)

const system = await startSystem({ env: { TASK_PROCESS_TIME: '1' } })
await system.startWorker('w1', {
  WORKER_EXECUTORS: 'simulate,shell,http,function',
  TASK_HANDLERS: folder,
  HTTP_ALLOW_PRIVATE: '127.0.0.0/8',
})

interface Created {
  workflow_id: string
  tasks: Record<string, string>
}
const create = (tasks: object[]) => system.post<Created>('/api/workflows', { tasks })
const result = async (id: string) => (await system.get<{ result: unknown }>(`/tasks/${id}`)).result

test('what tasks come to is read by those that wait for them, whatever runs them', async () => {
  const { tasks } = await create([
    { key: 'two', command: 'echo 2 > "$TASKMASTER_RESULT"; echo said', executor: 'shell' },
    { key: 'three', command: 'echo 3 > "$TASKMASTER_RESULT"', executor: 'shell' },
    { key: 'sum', command: 'sum', executor: 'function', depends_on: ['two', 'three'] },
    {
      ...{ key: 'tell', command: `http://127.0.0.1:${server.port}/`, executor: 'http', depends_on: ['sum'] },
      payload: { send_parents: true, body: { mine: true } },
    },
    {
      ...{ key: 'copy', executor: 'shell', depends_on: ['two', 'sum'] },
      command: 'printf %s "$TASKMASTER_PARENTS" > "$TASKMASTER_RESULT"',
    },
    { key: 'alone', command: 'echo "<$TASKMASTER_PARENTS>"', executor: 'shell' },
  ])
  await system.ended(Object.values(tasks))
  expect(await result(tasks.sum!)).toBe(5)
  const sum = { task_id: tasks.sum, state: 'completed', result: 5 }
  expect(bodies).toMatchObject([{ mine: true, parents: { sum } }])
  expect(await result(tasks.copy!)).toMatchObject({
    two: { task_id: tasks.two, state: 'completed', result: 2, output: 'said\n' },
    sum,
  })
  expect(await system.get<object>(`/tasks/${tasks.alone}`)).toMatchObject({ output: '<>\n' })
}, 30_000)

test('a task follows at once on the last that it waited for', async () => {
  const chain = Array.from({ length: 10 }, (_, n) => ({
    ...{ key: `t${n}`, command: 'c', payload: { duration_ms: 0 } },
    depends_on: n === 0 ? [] : [`t${n - 1}`],
  }))
  const { tasks } = await create(chain)
  const rows = await system.ended(Object.values(tasks))
  const tookMs = rows.at(-1)!.completedAt!.getTime() - rows[0]!.pickedAt!.getTime()
  // No scan was waited for: those come every 10 s.
  expect(tookMs).toBeLessThan(5000)
  for (const [index, row] of rows.slice(1).entries()) {
    expect(row.pickedAt!.getTime()).toBeGreaterThanOrEqual(rows[index]!.completedAt!.getTime())
  }
})
