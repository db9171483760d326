import { beforeAll, expect, test } from 'bun:test'
import pino from 'pino'
import { startSchedules } from '../../../src/coordinator/schedules/schedules.ts'
import { createCaller } from '../../../src/scheduler/trpc.ts'
import { waitFor } from '../../support/wait.ts'
import { createStand, refuses, type Stand } from './stand.ts'

let stand: Stand
let names = 0

beforeAll(async () => {
  stand = await createStand()
})

const JSON_BODY = { 'content-type': 'application/json' }

async function ask(method: string, path: string, body?: unknown) {
  const init = body === undefined ? { method } : { method, headers: JSON_BODY, body: JSON.stringify(body) }
  const response = await stand.app.request(path, init)
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as ReturnType<typeof JSON.parse>,
  }
}

const nightly = (more: object = {}) => ({
  name: `nightly ${++names}`,
  cron: '30 2 * * *',
  time_zone: 'Europe/Berlin',
  task: { command: 'report', priority: 'HIGH' },
  ...more,
})

async function create(more: object = {}) {
  const { status, body } = await stand.post('/api/schedules', nightly(more))
  expect({ status, error: body.error }).toEqual({ status: 200, error: undefined })
  return body
}

test('a schedule is stored, read, listed, edited, paused, resumed and deleted', async () => {
  const made = await create({ name: 'the report' })
  expect(made).toMatchObject({
    ...{
      name: 'the report',
      cron: '30 2 * * *',
      every_ms: null,
      time_zone: 'Europe/Berlin',
      state: 'active',
    },
    ...{ task: { command: 'report', priority: 2 }, catch_up: 'last', catch_up_window_ms: 86_400_000 },
    ...{ overlap: 'allow', version: 1, paused_at: null, queued_ticks: 0, last_tick: null },
  })
  expect(new Date(made.next_at).getUTCMinutes()).toBe(30)
  const path = `/api/schedules/${made.schedule_id}`
  expect((await stand.get(path)).body).toEqual(made)
  const listed = await stand.get('/api/schedules')
  expect(listed.body).toContainEqual(made)
  expect(Number(listed.headers.get('x-total-count'))).toBe(listed.body.length)

  const edited = await ask('PATCH', path, { cron: '0 3 * * MON', overlap: 'skip', version: 1 })
  expect(edited.body).toMatchObject({
    cron: '0 3 * * MON',
    overlap: 'skip',
    catch_up: 'last',
    version: 2,
    name: 'the report',
  })
  expect(edited.body.next_at).not.toBe(made.next_at)
  refuses(await ask('PATCH', path, { overlap: 'queue', version: 1 }), 409, /at version 2/, 'conflict')

  const hourly = await ask('PATCH', path, { every_ms: 3_600_000 })
  expect(hourly.body).toMatchObject({ cron: null, every_ms: 3_600_000 })
  expect(Date.parse(hourly.body.next_at) - Date.parse(hourly.body.anchor_at)).toBe(3_600_000)

  const paused = await ask('POST', `${path}/pause`)
  expect(paused.body).toMatchObject({ state: 'paused', next_at: null })
  expect((await ask('POST', `${path}/pause`)).body).toEqual(paused.body)
  expect((await ask('POST', `${path}/resume`)).body).toMatchObject({ state: 'active', paused_at: null })

  expect((await ask('DELETE', path)).body).toEqual({ schedule_id: made.schedule_id, status: 'deleted' })
  refuses(await stand.get(path), 404, 'Schedule not found', 'not_found')
})

test('a list goes on page by page, by name', async () => {
  for (const name of ['page a', 'page b', 'page c']) await create({ name })
  const names: string[] = []
  let next: string | null = '/api/schedules?limit=2'
  while (next) {
    const page = await stand.get(next)
    expect(page.body.length).toBeLessThanOrEqual(2)
    names.push(...page.body.map(({ name }: { name: string }) => name))
    next = /<(.*)>/.exec(page.headers.get('link') ?? '')?.[1] ?? null
  }
  expect(names).toEqual(names.toSorted())
  expect(names).toContain('page c')
})

const WRONG: [what: string, body: object, error: string | RegExp][] = [
  ['no name', { name: undefined }, 'name is required'],
  ['no task', { task: undefined }, 'task is required'],
  ['a task without a command', { task: {} }, 'task.command is required'],
  [
    'a task with a time',
    { task: { command: 'x', scheduled_at: '2030-01-01T00:00:00Z' } },
    /^task.scheduled_at is not/,
  ],
  ['a task with a key', { task: { command: 'x', idempotency_key: 'k' } }, /^task.idempotency_key is not/],
  ['a wrong priority of the task', { task: { command: 'x', priority: 'URGENT' } }, /^priority must be/],
  ['neither pattern nor interval', { cron: undefined }, 'cron or every_ms is required'],
  ['both', { every_ms: 1000 }, 'give cron or every_ms, not both'],
  ['a minute there is not', { cron: '60 * * * *' }, /^Invalid cron expression: minute 60 /],
  ['four fields', { cron: '0 0 * *' }, /^cron must be five fields/],
  ['a time instead of a pattern', { cron: '2030-01-01T00:00:00' }, /^cron must be five fields/],
  ['a date that never comes', { cron: '0 0 30 2 *' }, 'cron names no time that is to come'],
  ['@reboot', { cron: '@reboot' }, /^Invalid cron expression/],
  ['an unknown zone', { time_zone: 'Mars/Base' }, /^time_zone must be/],
  ['an offset as a zone', { time_zone: '+02:00' }, /^time_zone must be/],
  ['an interval too short', { cron: undefined, every_ms: 10 }, /^every_ms must be/],
  ['an anchor of a pattern', { anchor_at: '2030-01-01T00:00:00Z' }, /^anchor_at is for every_ms/],
  [
    'an end before the start',
    { starts_at: '2030-01-02T00:00:00Z', ends_at: '2030-01-01T00:00:00Z' },
    /^ends_at must not/,
  ],
  ['an end that has been', { ends_at: '2020-01-01T00:00:00Z' }, /^ends_at is before the first tick/],
  ['no time', { starts_at: 'tomorrow' }, /^starts_at must be a time/],
  ['an unknown policy', { catch_up: 'some' }, 'catch_up must be one of: skip, last, all'],
  ['another', { overlap: 'wait' }, 'overlap must be one of: allow, skip, queue'],
  ['a wrong window', { catch_up_window_ms: -1 }, /^catch_up_window_ms must be/],
  ['a text that cannot be stored', { name: 'a\0b' }, /^name must not contain NUL/],
]
for (const [what, more, error] of WRONG) {
  test(`${what} is refused, and the answer names the field`, async () => {
    refuses(await stand.post('/api/schedules', nightly(more)), 400, error, 'invalid')
  })
}

test('two schedules of one name are refused, made or edited', async () => {
  const [one, other] = [await create(), await create()]
  refuses(await stand.post('/api/schedules', nightly({ name: one.name })), 409, /^name: /, 'conflict')
  refuses(await ask('PATCH', `/api/schedules/${other.id}`, { name: one.name }), 409, /^name: /, 'conflict')
})

test('a schedule that is not there is not found, whatever is asked of it', async () => {
  for (const id of [crypto.randomUUID(), 'nothing']) {
    const path = `/api/schedules/${id}`
    for (const [method, rest, body] of [
      ['GET', '', undefined],
      ['PATCH', '', { name: 'x' }],
      ['DELETE', '', undefined],
      ['POST', '/pause', undefined],
      ['POST', '/resume', undefined],
      ['POST', '/run-now', undefined],
      ['POST', '/backfill', { from: '2020-01-01T00:00:00Z', to: '2020-01-02T00:00:00Z' }],
      ['GET', '/ticks', undefined],
    ] as const) {
      refuses(await ask(method, `${path}${rest}`, body), 404, 'Schedule not found', 'not_found')
    }
  }
  expect((await ask('PUT', `/api/schedules/${crypto.randomUUID()}`)).headers.get('allow')).toBe(
    'GET, HEAD, PATCH, DELETE',
  )
})

test('a preview gives the next ticks in the zone and in UTC, and says what changes of the clock do', async () => {
  const { status, body } = await stand.post('/api/schedules/preview', {
    cron: '30 2 * * *',
    time_zone: 'Europe/Berlin',
    count: 3,
  })
  expect(status).toBe(200)
  expect(body.ticks).toHaveLength(3)
  expect(body.ticks[0].local).toMatch(/^\d{4}-\d\d-\d\d 0[23]:[03]0:00 \+0[12]:00$/)
  const notes = body.clock_changes.map(({ note }: { note: string }) => note)
  expect(
    notes.some((note: string) => /^02:30 does not exist on .* in Europe\/Berlin: fires at 03:00$/.test(note)),
  ).toBeTrue()
  expect(notes.some((note: string) => /^02:30 comes twice on .* fires the first time$/.test(note))).toBeTrue()
  refuses(
    await stand.post('/api/schedules/preview', { cron: '* * * * *', count: 101 }),
    400,
    /^count must be/,
    'invalid',
  )
  refuses(await stand.post('/api/schedules/preview', {}), 400, /^cron or every_ms/, 'invalid')
})

test('run now starts its task at once and beside the ticks', async () => {
  const { id } = await create({ overlap: 'skip' })
  const { body } = await ask('POST', `/api/schedules/${id}/run-now`)
  const task = (await stand.get(`/tasks/${body.task_id}`)).body
  expect(task).toMatchObject({
    command: 'report',
    priority: 2,
    schedule_id: id,
    tick_at: null,
    state: 'pending',
  })
  expect(Date.parse(task.due_at)).toBeLessThanOrEqual(Date.now())
  const [tick] = (await stand.get(`/api/schedules/${id}/ticks`)).body
  expect(tick).toMatchObject({ outcome: 'by_hand', task_id: body.task_id, lag_ms: 0 })
})

test('a backfill starts each tick of a past time that did not fire, once', async () => {
  const { id } = await create({ cron: '0 * * * *', time_zone: 'UTC' })
  const day = { from: '2026-01-01T00:00:00Z', to: '2026-01-01T23:00:00Z' }
  const { body } = await ask('POST', `/api/schedules/${id}/backfill`, day)
  expect(body).toMatchObject({ count: 24, ticks: 24 })
  expect(body.task_ids).toHaveLength(24)
  expect(
    (await ask('POST', `/api/schedules/${id}/backfill`, { ...day, to: '2026-01-02T00:00:00Z' })).body,
  ).toMatchObject({ count: 1, ticks: 25 })
  const tasks =
    await stand.sql`SELECT tick_at FROM tasks WHERE schedule_id = ${id} AND due_at = tick_at ORDER BY tick_at`
  expect(tasks).toHaveLength(25)
  const first = await stand.get(`/api/schedules/${id}/ticks?limit=10`)
  expect(first.body.map(({ outcome }: { outcome: string }) => outcome)).toEqual(Array(10).fill('backfilled'))
  const second = await stand.get(/<(.*)>/.exec(first.headers.get('link') ?? '')![1]!)
  expect(second.body[0].tick_at < first.body.at(-1).tick_at).toBeTrue()

  refuses(
    await ask('POST', `/api/schedules/${id}/backfill`, {
      from: '2025-01-01T00:00:00Z',
      to: '2026-01-01T00:00:00Z',
    }),
    400,
    /at most 1000 ticks/,
    'invalid',
  )
  refuses(
    await ask('POST', `/api/schedules/${id}/backfill`, {
      from: '2099-01-01T00:00:00Z',
      to: '2099-01-01T00:00:00Z',
    }),
    400,
    /^to must not be in the future/,
    'invalid',
  )
  refuses(
    await ask('POST', `/api/schedules/${id}/backfill`, {
      from: '2026-01-02T00:00:00Z',
      to: '2026-01-01T00:00:00Z',
    }),
    400,
    /^from must not/,
    'invalid',
  )
  refuses(
    await ask('POST', `/api/schedules/${id}/backfill`, { to: '2026-01-01T00:00:00Z' }),
    400,
    'from is required',
    'invalid',
  )
})

test('tRPC does the same, and a schedule made there is fired by a coordinator', async () => {
  const caller = createCaller(stand.services)
  const coordinator = await startSchedules({
    sql: stand.sql,
    log: pino({ level: 'silent' }),
    scanIntervalMs: 60_000,
  })
  const made = await caller.schedules.create({ name: 'by tRPC', every_ms: 1000, task: { command: 'x' } })
  const fired = await waitFor(
    async () =>
      (await caller.schedules.ticks({ schedule_id: made.id })).ticks.find(
        ({ outcome }) => outcome === 'fired',
      ),
    { what: 'a tick' },
  )
  expect((await caller.tasks.get({ task_id: fired.task_id! })).schedule_id).toBe(made.id)
  expect((await caller.schedules.get({ schedule_id: made.id })).last_tick).toMatchObject({ outcome: 'fired' })
  expect((await caller.schedules.pause({ schedule_id: made.id })).state).toBe('paused')
  expect((await caller.schedules.resume({ schedule_id: made.id })).state).toBe('active')
  expect((await caller.schedules.edit({ schedule_id: made.id, name: 'renamed' })).name).toBe('renamed')
  expect((await caller.schedules.list({ limit: 1000 })).schedules.map(({ id }) => id)).toContain(made.id)
  expect((await caller.schedules.runNow({ schedule_id: made.id })).task_id).toBeString()
  expect((await caller.schedules.preview({ every_ms: 1000 })).ticks).toHaveLength(10)
  expect(
    (
      await caller.schedules.backfill({
        schedule_id: made.id,
        from: '2020-01-01T00:00:00Z',
        to: '2020-01-01T00:00:00Z',
      })
    ).count,
  ).toBe(0)
  expect((await caller.schedules.delete({ schedule_id: made.id })).status).toBe('deleted')
  expect(caller.schedules.get({ schedule_id: 'x' })).rejects.toThrow('schedule_id must be a UUID')
  await coordinator.stop()
})

test('a page of another site cannot change a schedule', async () => {
  const { id } = await create()
  const headers = { origin: 'https://elsewhere.example' }
  for (const [method, rest] of [
    ['POST', '/run-now'],
    ['DELETE', ''],
  ] as const) {
    const response = await stand.app.request(`/api/schedules/${id}${rest}`, { method, headers })
    expect(response.status).toBe(403)
  }
})
