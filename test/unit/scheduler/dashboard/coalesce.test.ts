import { describe, expect, test } from 'bun:test'
import { coalesce, keyOf, type Step } from '../../../../src/scheduler/dashboard/coalesce.ts'
import type { Delta } from '../../../../src/scheduler/dashboard/messages.ts'
import type { Span } from '../../../../src/shared/store/spans.ts'
import { HEALTHY } from '../../../support/health.ts'
import fc from '../../../support/property.ts'

const NO_COUNTS = { pending: 0, assigned: 0, running: 0, completed: 0, failed: 0, cancelled: 0 }
const WIDE = { spans: 1000, log: 50 }

const span = (taskId: string, attempt: number, times: Partial<Span> = {}): Span => ({
  ...{ taskId, attempt, workerId: 1, slot: 0, command: 'x', outcome: null },
  ...{ pickedAt: 1, startedAt: null, endedAt: null, ...times },
})

function step(seq: number, spans: Span[], born: Iterable<string> = [], rest: Partial<Delta> = {}): Step {
  const standing = { seq, at: seq, health: HEALTHY, dataAgeMs: 0 }
  const figures = { ...standing, counts: NO_COUNTS, throughput: 0, queueDepth: 0 }
  const delta: Delta = {
    type: 'delta',
    ...figures,
    workers: [],
    spans,
    buckets: [],
    log: [],
    dropped: 0,
    ...rest,
  }
  return { delta, born: new Set(born) }
}

test('the latest of each attempt wins, with its start and its end', () => {
  const { delta } = coalesce(
    [
      step(1, [span('a', 1)], ['a#1']),
      step(2, [span('a', 1, { startedAt: 2 }), span('b', 1)], ['b#1']),
      step(3, [span('a', 1, { startedAt: 2, endedAt: 3, outcome: 'completed' })]),
    ],
    WIDE,
  )
  expect(delta.seq).toBe(3)
  expect(delta.spans).toEqual([
    span('a', 1, { startedAt: 2, endedAt: 3, outcome: 'completed' }),
    span('b', 1),
  ])
})

test('the latest of each worker and each second wins, and log lines beyond the limit are counted', () => {
  const worker = (busySlots: number) => ({
    ...{ id: 1, name: 'w1', slots: 5, online: true, draining: false, offlineAt: null },
    ...{ link: 'stream' as const, busySlots },
  })
  const second = (completed: number) => ({ at: 7, completed, failed: 0, wait: [], run: [] })
  const line = (id: number) => ({ id }) as Delta['log'][number]
  const { delta } = coalesce(
    [
      step(1, [], [], { workers: [worker(1)], buckets: [second(1)], log: [line(1), line(2)], dropped: 4 }),
      step(2, [], [], { workers: [worker(2)], buckets: [second(9)], log: [line(3)] }),
    ],
    { spans: 10, log: 2 },
  )
  expect(delta).toMatchObject({
    workers: [worker(2)],
    buckets: [second(9)],
    log: [line(2), line(3)],
    dropped: 5,
  })
})

describe('whatever happens, however slowly a client reads and however little it is given at once', () => {
  const TASKS = 6
  /** Which task goes on, by how much: 0 one step, 1 straight to its end. */
  const happening = fc.tuple(fc.nat(TASKS - 1), fc.nat(1))
  const run = fc.record({
    steps: fc.array(fc.array(happening, { maxLength: 12 }), { minLength: 1, maxLength: 40 }),
    reads: fc.array(fc.boolean(), { minLength: 40, maxLength: 40 }),
    limit: fc.nat(4),
  })

  /** The steps as the board makes them, and the last that is known of each attempt. */
  function happen(steps: [task: number, leap: number][][]) {
    const tasks = Array.from({ length: TASKS }, () => ({ attempt: 0, phase: 2 }))
    const told = new Map<string, Span>()
    const made = steps.map((happenings, index) => {
      const spans = new Map<string, Span>()
      const born = new Set<string>()
      for (const [number, leap] of happenings) {
        const task = tasks[number]!
        if (task.phase === 2) {
          task.attempt++
          task.phase = leap ? 2 : 0
        } else task.phase = leap ? 2 : task.phase + 1
        const startedAt = task.phase >= 1 ? index : null
        const end = task.phase === 2 ? { endedAt: index, outcome: 'completed' as const } : {}
        const now = span(`t${number}`, task.attempt, { startedAt, ...end })
        if (!told.has(keyOf(now))) born.add(keyOf(now))
        told.set(keyOf(now), now)
        spans.set(keyOf(now), now)
      }
      return step(index + 1, [...spans.values()], born)
    })
    return { made, told }
  }

  function read({ made }: ReturnType<typeof happen>, reads: boolean[], limit: number): Delta[] {
    const messages: Delta[] = []
    let missed: Step[] = []
    made.forEach((next, index) => {
      missed.push(next)
      if (!reads[index] && index < made.length - 1) return
      messages.push(coalesce(missed as [Step], { spans: limit, log: 50 }).delta)
      missed = []
    })
    return messages
  }

  test('what the client ever saw, it knows the last state of: no end is lost', () => {
    fc.assert(
      fc.property(run, ({ steps, reads, limit }) => {
        const history = happen(steps)
        const known = new Map<string, Span>()
        for (const { spans } of read(history, reads, limit))
          for (const one of spans) known.set(keyOf(one), one)
        for (const [key, one] of known) expect(one).toEqual(history.told.get(key)!)
        // And whatever still goes on, it knows of.
        for (const [key, one] of history.told) if (one.endedAt === null) expect(known.has(key)).toBe(true)
      }),
      { numRuns: 300 },
    )
  })

  test('the attempts of a task come in order, and none goes back', () => {
    fc.assert(
      fc.property(run, ({ steps, reads, limit }) => {
        const phaseOf = ({ startedAt, endedAt }: Span) => (endedAt !== null ? 2 : startedAt !== null ? 1 : 0)
        const last = new Map<string, number>()
        for (const { spans } of read(happen(steps), reads, limit)) {
          for (const one of spans) {
            const place = one.attempt * 3 + phaseOf(one)
            expect(place).toBeGreaterThan(last.get(one.taskId) ?? 0)
            last.set(one.taskId, place)
          }
        }
      }),
      { numRuns: 300 },
    )
  })

  test('what is left out is counted, and nothing is when there is room', () => {
    fc.assert(
      fc.property(run, ({ steps, reads, limit }) => {
        const history = happen(steps)
        const messages = read(history, reads, limit)
        const known = new Set(messages.flatMap(({ spans }) => spans.map(keyOf)))
        const dropped = messages.reduce((sum, message) => sum + message.dropped, 0)
        expect(known.size + dropped).toBe(history.told.size)
        expect(read(history, reads, 1000).every((message) => message.dropped === 0)).toBe(true)
      }),
      { numRuns: 300 },
    )
  })
})
