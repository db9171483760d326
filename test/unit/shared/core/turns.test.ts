import { expect, test } from 'bun:test'
import { type Candidate, type Limits, takeTurns } from '../../../../src/shared/core/turns.ts'
import fc from '../../../support/property.ts'

const FREE: Limits = {
  ...{ places: 100, agedPlaces: 0, ageingMs: null },
  roomOf: () => Number.POSITIVE_INFINITY,
  keyRoomOf: () => Number.POSITIVE_INFINITY,
}

let count = 0
const candidate = (more: Partial<Candidate> = {}): Candidate => ({
  ...{ id: `t${count++}`, lane: '//', queue: 'default', priority: 0, waitedMs: 0, key: null },
  ...more,
})

const ids = (tasks: Candidate[]) => tasks.map(({ id }) => id)

/** What the store gives: of each level, and of each key, in the order in which they are to run. */
const given = fc
  .array(
    fc.record({
      queue: fc.constantFrom('a', 'b', 'c'),
      priority: fc.integer({ min: 0, max: 3 }),
      waitedMs: fc.nat(100_000),
      key: fc.option(fc.constantFrom('k1', 'k2', 'k3', 'k4'), { nil: null }),
    }),
    { maxLength: 60 },
  )
  .map((fields) =>
    fields
      .map((one) => candidate({ ...one, lane: `${one.queue}//` }))
      .sort(
        (a, b) =>
          (a.key ?? '').localeCompare(b.key ?? '') || b.priority - a.priority || b.waitedMs - a.waitedMs,
      ),
  )
const rooms = fc.record({
  queues: fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.nat(10)),
  keys: fc.dictionary(fc.constantFrom('k1', 'k2', 'k3', 'k4'), fc.nat(4)),
  places: fc.nat(40),
  agedPlaces: fc.nat(10),
})

test('no queue and no key is given more than its room, and nothing is left while somebody has room', () => {
  fc.assert(
    fc.property(given, rooms, (candidates, { queues, keys, places, agedPlaces }) => {
      const roomOf = (queue: string) => queues[queue] ?? Number.POSITIVE_INFINITY
      const keyRoomOf = (_: string, key: string) => keys[key] ?? Number.POSITIVE_INFINITY
      const chosen = takeTurns(candidates, { places, agedPlaces, ageingMs: 30_000, roomOf, keyRoomOf })
      expect(new Set(ids(chosen)).size).toBe(chosen.length)
      expect(chosen.length).toBeLessThanOrEqual(places)
      const takenOf = (is: (one: Candidate) => boolean) => chosen.filter(is).length
      for (const queue of ['a', 'b', 'c']) {
        expect(takenOf((one) => one.queue === queue)).toBeLessThanOrEqual(roomOf(queue))
        for (const key of ['k1', 'k2', 'k3', 'k4']) {
          expect(takenOf((one) => one.queue === queue && one.key === key)).toBeLessThanOrEqual(
            keyRoomOf(queue, key),
          )
        }
      }
      if (chosen.length === places) return
      const left = candidates.filter(({ id }) => !ids(chosen).includes(id))
      for (const { queue, key } of left) {
        const queueIsFull = takenOf((one) => one.queue === queue) >= roomOf(queue)
        const keyIsFull =
          key !== null && takenOf((one) => one.queue === queue && one.key === key) >= keyRoomOf(queue, key)
        expect(queueIsFull || keyIsFull).toBe(true)
      }
    }),
  )
})

test('without keys a higher priority goes first, and within one what has been due longer', () => {
  fc.assert(
    fc.property(given, fc.nat(40), (candidates, places) => {
      const plain = candidates.map((one) => ({ ...one, key: null }))
      plain.sort((a, b) => b.priority - a.priority || b.waitedMs - a.waitedMs)
      const chosen = takeTurns(plain, { ...FREE, places })
      const rank = ({ priority, waitedMs }: Candidate) => [priority, waitedMs]
      expect(chosen.map(rank)).toEqual(plain.slice(0, places).map(rank))
    }),
  )
})

test('keys take turns: while two have tasks left neither is ever more than one ahead', () => {
  const sizes = fc.uniqueArray(fc.tuple(fc.string({ minLength: 1 }), fc.integer({ min: 1, max: 50 })), {
    selector: ([key]) => key,
    minLength: 1,
    maxLength: 8,
  })
  fc.assert(
    fc.property(sizes, fc.nat(100), fc.nat(20), (keys, places, agedPlaces) => {
      const candidates = keys.flatMap(([key, size]) =>
        Array.from({ length: size }, (_, n) => candidate({ key, priority: size - n, waitedMs: 100 * n })),
      )
      const chosen = takeTurns(candidates, { ...FREE, places, agedPlaces, ageingMs: 1000 })
      const taken = (of: string) => chosen.filter(({ key }) => key === of).length
      for (const [one, size] of keys) {
        if (taken(one) === size) continue
        for (const [other] of keys) expect(taken(other) - taken(one)).toBeLessThanOrEqual(1)
      }
    }),
  )
})

test('the last places go to what has aged, the longest due first, whatever its priority', () => {
  const critical = Array.from({ length: 20 }, () => candidate({ priority: 3, waitedMs: 1000 }))
  const low = [90_000, 60_000, 31_000, 29_000].map((waitedMs) => candidate({ waitedMs }))
  const chosen = takeTurns([...critical, ...low], { ...FREE, places: 10, agedPlaces: 2, ageingMs: 30_000 })
  expect(ids(chosen)).toEqual(ids([...critical.slice(0, 8), ...low.slice(0, 2)]))
  const young = takeTurns([...critical, low[3]!], { ...FREE, places: 10, agedPlaces: 2, ageingMs: 30_000 })
  expect(ids(young)).toEqual(ids(critical.slice(0, 10)))
})

test('of one key, too, the last places go to what has aged; it costs the key a turn as any other does', () => {
  const of = (key: string, priority: number, waitedMs: number) => candidate({ key, priority, waitedMs })
  const critical = [of('a', 3, 1000), of('a', 3, 900)]
  const other = [of('b', 0, 40_000), of('b', 0, 39_000)]
  const low = of('a', 0, 90_000)
  const limits = { ...FREE, places: 3, agedPlaces: 1, ageingMs: 30_000 }
  expect(ids(takeTurns([...critical, low, ...other], limits))).toEqual(ids([critical[0]!, other[0]!, low]))
  const later = { ...limits, places: 5 }
  expect(ids(takeTurns([...critical, low, ...other], later)).slice(0, 4)).toEqual(
    ids([critical[0]!, other[0]!, critical[1]!, other[1]!]),
  )
})
