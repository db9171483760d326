import { expect, test } from 'bun:test'
import { parseCron } from '../../../src/shared/core/schedule/cron.ts'
import { preview } from '../../../src/shared/core/schedule/preview.ts'
import { type ClockChange, wallTime, zoneOf } from '../../../src/shared/core/schedule/zone.ts'

/**
 * Every zone and each of its clock changes over four years: ALL_ZONES=1 looks at all of them, which takes minutes.
 * Otherwise ZONES_SEED chooses some of the zones.
 */
const SEED = Number(process.env.ZONES_SEED ?? 20_270_328)
const SAMPLE = 6
const FROM = new Date('2024-01-01T00:00:00Z')
const TO = new Date('2028-01-01T00:00:00Z')
const MINUTE = 60_000
const none = { everyMs: null, anchorAt: null, startsAt: null, endsAt: null }

function sampled(zones: string[]): string[] {
  let state = SEED
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
  return zones.toSorted(() => random() - 0.5).slice(0, SAMPLE)
}

const all = Intl.supportedValuesOf('timeZone')
/** Those with changes at midnight, of half an hour and of two hours, always. */
const ODD = [
  'America/Nuuk',
  'America/Havana',
  'Africa/Cairo',
  'Asia/Beirut',
  'Australia/Lord_Howe',
  'Antarctica/Troll',
]
const zones = process.env.ALL_ZONES ? all : [...new Set([...ODD, ...sampled(all)])]

/** A pattern for that time on the wall: with and without seconds. */
const at = (wall: number) => {
  const time = new Date(wall)
  return `${time.getUTCMinutes()} ${time.getUTCHours()} * * *`
}

/** Times on the wall about a change: before it, at its ends and within. */
function patternsAbout({ at: change, beforeMs, afterMs }: ClockChange): string[] {
  const [low, high] = [Math.min(beforeMs, afterMs), Math.max(beforeMs, afterMs)].map(
    (ahead) => change.getTime() + ahead,
  ) as [number, number]
  const walls = [low - MINUTE, low, (low + high) / 2, high - MINUTE, high]
  return [...walls.map(at), `*/15 ${new Date(low).getUTCHours()} * * *`, '30 * * * *']
}

test('a time that clocks jump over at midnight comes at the end of the gap, on the next day', () => {
  const timing = {
    ...none,
    cron: '30 23 * * *',
    timeZone: 'America/Nuuk',
    startsAt: new Date('2027-03-26T00:00:00Z'),
  }
  const { ticks, changes } = preview(timing, new Date('2027-01-01T00:00:00Z'), 4)
  expect(ticks.map((tick) => tick.at.toISOString())).toEqual([
    '2027-03-26T01:30:00.000Z',
    '2027-03-27T01:30:00.000Z',
    '2027-03-28T01:00:00.000Z',
    '2027-03-29T00:30:00.000Z',
  ])
  expect(changes[0]?.note).toBe(
    '23:30 does not exist on 2027-03-27 in America/Nuuk: fires at 00:00 on 2027-03-28',
  )
})

test('what is said of a change of the clock is what the ticks are, in every zone', () => {
  for (const timeZone of zones) {
    for (const change of zoneOf(timeZone).changes(FROM, TO)) {
      for (const cron of patternsAbout(change)) {
        const after = new Date(change.at.getTime() - 150 * MINUTE)
        const { ticks, changes } = preview({ ...none, cron, timeZone }, after, 14)
        const note = changes.find(({ at }) => at.getTime() === change.at.getTime())?.note
        const found = near(
          ticks.map((tick) => tick.at.getTime()),
          change,
        )
        const where = { timeZone, cron, change: change.at.toISOString(), seed: SEED }
        expect({ ...where, ticks: found }).toEqual({ ...where, ticks: expected(cron, change) })
        const resumed = wallTime(change.at.getTime() + change.afterMs).slice(11, 16)
        if (note?.includes(': fires at ')) {
          expect(note).toContain(`: fires at ${resumed}`)
          expect({ ...where, found }).toEqual({
            ...where,
            found: expect.arrayContaining([change.at.toISOString()]),
          })
        }
        if (note?.endsWith(': fires the first time'))
          expect(found.some((tick) => tick < change.at.toISOString())).toBeTrue()
        if (note?.endsWith(': fires both times')) expect(found.length).toBeGreaterThan(1)
      }
    }
  }
}, 600_000)

test('the ticks before an instant are those after an earlier one, about every change in every zone', () => {
  for (const timeZone of zones) {
    for (const change of zoneOf(timeZone).changes(FROM, TO)) {
      for (const cron of patternsAbout(change).slice(0, 5)) {
        const times = parseCron(cron, timeZone)
        const backward = times.previous(new Date(change.at.getTime() + 1440 * MINUTE), 3).reverse()
        const forward = [times.next(new Date((backward[0] as Date).getTime() - 1)) as Date]
        for (let n = 1; n < 3; n++) forward.push(times.next(forward.at(-1) as Date) as Date)
        expect({ timeZone, cron, ticks: forward }).toEqual({ timeZone, cron, ticks: backward })
      }
    }
  }
}, 600_000)

const lengthOf = ({ beforeMs, afterMs }: ClockChange) => Math.abs(afterMs - beforeMs)

/** The ticks that clocks that jump or fall back do something to. */
const near = (ticks: number[], change: ClockChange) =>
  ticks
    .filter(
      (tick) => Math.abs(tick - change.at.getTime() + 0.5) < lengthOf(change) || tick === change.at.getTime(),
    )
    .map((tick) => new Date(tick).toISOString())

/** The same by a look at each minute, and by the rules of docs/schedules.md. */
function expected(cron: string, { at, beforeMs, afterMs }: ClockChange): string[] {
  const times = parseCron(cron, 'UTC')
  const isFixed = !/[*/]/.test(cron.split(' ').slice(0, 2).join(''))
  const isNamed = (wall: number) => times.next(new Date(wall - 1))?.getTime() === wall
  const found = new Set<number>()
  const change = at.getTime()
  for (let wall = change + beforeMs; isFixed && wall < change + afterMs; wall += MINUTE)
    if (isNamed(wall)) found.add(change)
  const length = Math.abs(afterMs - beforeMs)
  for (let instant = change - length; instant <= change + length; instant += MINUTE) {
    const wall = instant + (instant < change ? beforeMs : afterMs)
    const isSecondTime = instant >= change && wall < change + beforeMs
    if (isNamed(wall) && !(isFixed && isSecondTime)) found.add(instant)
  }
  return near([...found], { at, beforeMs, afterMs })
}
