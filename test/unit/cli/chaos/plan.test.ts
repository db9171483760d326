import { describe, expect, test } from 'bun:test'
import { describeFault, type Fault, WIDE_KINDS } from '../../../../src/cli/chaos/faults.ts'
import { ALL_KINDS, PATHS, PROCESSES, planFaults, skewOf } from '../../../../src/cli/chaos/plan.ts'
import { createRandom } from '../../../../src/cli/chaos/random.ts'
import { SQLSTATES } from '../../../../src/cli/chaos/sqlstates.ts'

describe('the plan of a run', () => {
  test('is the same for the same seed and duration', () => {
    expect(planFaults(7, 60_000)).toEqual(planFaults(7, 60_000))
  })

  test('is another for another seed', () => {
    expect(planFaults(7, 60_000).faults).not.toEqual(planFaults(8, 60_000).faults)
  })

  test('of a shorter run is the beginning of that of a longer one', () => {
    const short = planFaults(7, 20_000).faults
    expect(planFaults(7, 60_000).faults.slice(0, short.length)).toEqual(short)
  })

  test('keeps within its duration, in order', () => {
    const { faults } = planFaults(3, 30_000)
    const times = faults.map(({ atMs }) => atMs)
    expect(times).toEqual(times.toSorted((a, b) => a - b))
    expect(Math.max(...times)).toBeLessThan(30_000)
  })

  test('of a few storms has every kind of fault, on every process and path', () => {
    const faults = storms().flatMap((plan) => plan.faults)
    const kinds = new Set<string>(
      faults.flatMap((fault) => (fault.kind === 'path' ? [fault.kind, fault.fault.kind] : fault.kind)),
    )
    const ofPaths = ['deaf', 'delay', 'hole', 'refuse', 'stall']
    expect([...kinds].sort()).toEqual([...ALL_KINDS, ...ofPaths].sort())
    const targets = new Set(
      faults.flatMap((fault) => ('process' in fault ? fault.process : 'path' in fault ? fault.path : [])),
    )
    expect([...targets].sort()).toEqual([...PROCESSES, ...PATHS].sort())
    for (const fault of faults) expect(describeFault(fault)).toMatch(/\w+ \S+/)
  })

  test('of a few still seeds has every kind that concerns the whole system, and no other', () => {
    const kinds = new Set(still().flatMap(({ faults }) => faults.map(({ kind }) => kind)))
    expect([...kinds].sort()).toEqual([...WIDE_KINDS].sort())
  })

  test('fails statements with every class of errors, and in every way', () => {
    const faults = Array.from({ length: 200 }, (_, seed) =>
      planFaults(seed, 60_000, ['database-errors']).faults.flatMap((fault) =>
        fault.kind === 'database-errors' ? fault.trouble : [],
      ),
    ).flat()
    const classOf = (sqlstate: string) => sqlstate.slice(0, 2)
    expect(new Set(faults.map(({ sqlstate }) => classOf(sqlstate)))).toEqual(new Set(SQLSTATES.map(classOf)))
    expect([...new Set<string>(faults.map(({ what }) => what))].sort()).toEqual(
      ['database', 'inserts', 'logs', 'outputs', 'owner', 'role', 'updates', 'workers'].sort(),
    )
  })

  test('has one fault at a time when it is still, and time to heal after each', () => {
    for (const { faults } of still()) {
      for (const [index, fault] of faults.slice(1).entries()) {
        const before = faults[index] as Fault
        const lastsMs = 'forMs' in before && before.kind !== 'idle-transaction' ? before.forMs : 0
        expect(fault.atMs - before.atMs - lastsMs).toBeGreaterThanOrEqual(3500)
      }
    }
  })

  test('has the kinds that were chosen alone', () => {
    const { faults, weather } = planFaults(4, 60_000, ['frozen-database', 'idle-connections'])
    expect(weather).toBe('still')
    expect(new Set(faults.map(({ kind }) => kind))).toEqual(new Set(['frozen-database', 'idle-connections']))
  })

  test('leaves PostgreSQL a moment between two restarts', () => {
    for (let seed = 0; seed < 20; seed++) {
      const times = planFaults(seed, 60_000)
        .faults.filter(({ kind }) => kind === 'postgres')
        .map(({ atMs }) => atMs)
      for (const [index, at] of times.slice(1).entries()) {
        expect(at - (times[index] as number)).toBeGreaterThanOrEqual(6000)
      }
    }
  })
})

const storms = () => Array.from({ length: 30 }, (_, n) => planFaults(2 * n, 60_000, ALL_KINDS))
const still = () => Array.from({ length: 10 }, (_, n) => planFaults(2 * n + 1, 60_000, ALL_KINDS))

test('clocks are wrong by up to a minute either way, and the same for the same seed', () => {
  const skews = Array.from({ length: 100 }, (_, start) => skewOf(1, 'worker-1', start))
  expect(Math.max(...skews)).toBe(60_000)
  expect(Math.min(...skews)).toBe(-60_000)
  expect(skewOf(1, 'worker-1', 5)).toBe(skewOf(1, 'worker-1', 5))
})

test('random numbers are spread evenly enough', () => {
  const random = createRandom(1)
  const tally = new Map<number, number>()
  for (let draw = 0; draw < 10_000; draw++) {
    const value = random.integer(1, 10)
    tally.set(value, (tally.get(value) ?? 0) + 1)
  }
  expect([...tally.keys()].sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  for (const count of tally.values()) expect(Math.abs(count - 1000)).toBeLessThan(150)
})
