import { beforeAll, describe, expect, test } from 'bun:test'
import { createStand } from '../scheduler/stand.ts'
import { createCalls, type Fault, FULL, invalid, refusal } from './calls.ts'

const stand = await createStand()
const { sql } = stand
const { submit, submitMany } = createCalls(sql)
beforeAll(async () => {
  await sql`CREATE TABLE orders (id int PRIMARY KEY)`
})

describe('an idempotency key', () => {
  /** Tries again when another one took the key meanwhile. */
  async function again<T>(run: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await run()
      } catch (error) {
        if ((error as Fault).code !== '40001') throw error
      }
    }
  }

  const CONFLICT = 'another request was made under the same idempotency_key'

  test('stands for one request, whether SQL or REST made it', async () => {
    const task = { ...FULL, delay_seconds: 3600, idempotency_key: 'both' }
    const id = await submit(task)
    expect((await stand.post('/tasks', task)).body).toEqual({ task_id: id, status: 'submitted' })
    expect(await submit(task)).toBe(id)
    expect(await submitMany([{ command: 'other' }, task, task])).toEqual([expect.any(String), id, id])
    const other = { ...task, max_retries: 4 }
    expect((await stand.post('/tasks', other)).status).toBe(409)
    const conflict = { code: '23505', detail: 'idempotency_key', column_name: 'idempotency_key' }
    expect(await refusal(submit(other))).toEqual({ ...conflict, message: CONFLICT })
    expect(await refusal(submitMany([{ command: 'other' }, other]))).toEqual({
      ...conflict,
      message: `tasks[1]: ${CONFLICT}`,
    })
    const second = await stand.post('/tasks', {
      command: 'x',
      payload: { b: 1e21, a: 0.1 },
      idempotency_key: 'rest',
    })
    expect(await submit({ command: 'x', payload: { a: 0.1, b: 1e21 }, idempotency_key: 'rest' })).toBe(
      second.body.task_id,
    )
    const timed = { command: 'x', idempotency_key: 'timed' }
    const third = await stand.post('/api/schedule', { ...timed, scheduled_at: '2030-01-01T00:00:00.5Z' })
    expect(await submit({ ...timed, run_at: '2030-01-01T01:00:00.5+01:00' })).toBe(third.body.task_id)
    expect(await submitMany([{ ...timed, scheduled_at: '2030-01-01T00:00:00.5001Z' }])).toEqual([
      third.body.task_id,
    ])
  })

  test('within one submit_many() stands for the first, and for nothing else', async () => {
    const one = { command: 'x', idempotency_key: 'within' }
    const [first, second, third] = await submitMany([one, { command: 'y' }, one])
    expect(first).toBe(third!)
    expect(second).not.toBe(first!)
    const tasks = [
      { command: 'a', idempotency_key: 'a' },
      { command: 'b', idempotency_key: 'a' },
    ]
    expect((await refusal(submitMany(tasks))).message).toBe(`tasks[1]: ${CONFLICT}`)
    expect(await sql`SELECT FROM tasks WHERE idempotency_key = 'a'`).toHaveLength(0)
  })

  test('holds within an open transaction, and only there', async () => {
    const task = { command: 'x', idempotency_key: 'open' }
    const id = await sql.begin(async (tx) => {
      const id = await submit(task, tx as never)
      expect(await submit(task, tx as never)).toBe(id)
      expect(await submitMany([task], tx as never)).toEqual([id])
      await tx
        .savepoint(async (step) => {
          expect((await refusal(submit({ ...task, name: 'other' }, step as never))).message).toBe(CONFLICT)
          throw new Error('back')
        })
        .catch(() => {})
      return id
    })
    expect(await submit(task)).toBe(id)
  })

  test('that REST takes before the commit fails the commit, which succeeds when it is tried again', async () => {
    const task = { command: 'x', idempotency_key: 'overtaken' }
    const transaction = (other = {}, meanwhile?: () => Promise<unknown>) =>
      sql.begin(async (tx) => {
        await tx`INSERT INTO orders VALUES (7) ON CONFLICT DO NOTHING`
        const id = await submit({ ...task, ...other }, tx as never)
        await meanwhile?.()
        return id
      })
    let first = ''
    const overtaken = await refusal(
      transaction({}, async () => {
        first = (await stand.post('/tasks', task)).body.task_id
      }),
    )
    expect(overtaken).toMatchObject({ code: '40001', column_name: 'idempotency_key' })
    expect(await sql`SELECT FROM orders WHERE id = 7`).toHaveLength(0)
    expect(await transaction()).toBe(first)
    const another = { idempotency_key: 'overtaken too' }
    const conflict = await refusal(
      transaction({ ...another, name: 'another' }, () => stand.post('/tasks', { ...task, ...another })),
    )
    expect(conflict).toMatchObject({ code: '23505', message: CONFLICT })
  })

  test('many times at once by both ways is one task', async () => {
    const task = { command: 'x', idempotency_key: 'storm' }
    const ids = await Promise.all(
      Array.from({ length: 60 }, async (_, index) =>
        index % 3 === 0
          ? await again(() => submit(task))
          : index % 3 === 1
            ? (await again(() => submitMany([{ command: 'own' }, task])))[1]
            : (await stand.post('/tasks', task)).body.task_id,
      ),
    )
    expect(new Set(ids).size).toBe(1)
  })
})

describe('what a task depends on', () => {
  test('must exist, and is named where it does not', async () => {
    const id = crypto.randomUUID()
    const parent = await submit({ command: 'x' })
    expect(await refusal(submit({ command: 'x', depends_on: [parent, id] }))).toEqual(
      invalid(`depends_on[1]: there is no task ${id}`, 'depends_on'),
    )
    const answer = await stand.post('/tasks', { command: 'x', depends_on: [parent, id] })
    expect(answer.body.error).toBe(`depends_on[1]: there is no task ${id}`)
    expect((await refusal(submitMany([{ command: 'x' }, { command: 'y', depends_on: [id] }]))).message).toBe(
      `tasks[1].depends_on[0]: there is no task ${id}`,
    )
  })

  test('may be of the same transaction, or have ended', async () => {
    const [parent, child] = await sql.begin(async (tx) => {
      const parent = await submit({ command: 'x' }, tx as never)
      return [parent, await submit({ command: 'y', depends_on: [parent] }, tx as never)]
    })
    await sql`UPDATE tasks SET cancelled_at = now() WHERE id = ${parent}`
    const late = await submit({ command: 'z', depends_on: [parent] })
    await sql`SELECT resolve_dependents(100, 100)`
    const rows = await sql`SELECT state, error FROM tasks WHERE id IN (${child}, ${late})`
    expect([...rows]).toEqual(
      Array(2).fill({ state: 'failed', error: `depends on ${parent}, which was cancelled` }),
    )
  })

  test('is at most 20,000 in one call', async () => {
    const parents = await submitMany(Array.from({ length: 100 }, () => ({ command: 'x' })))
    const tasks = Array.from({ length: 201 }, () => ({ command: 'y', depends_on: parents }))
    expect((await refusal(submitMany(tasks))).message).toBe(
      'tasks must have at most 20000 dependencies in all',
    )
    expect(await submitMany(tasks.slice(1))).toHaveLength(200)
  })
})
