import { expect, test } from 'bun:test'
import { parseCron } from '../../../src/shared/core/schedule/cron.ts'
import { jumpsByHand, ticksByHand } from '../../support/cron-oracle.ts'
import fc from '../../support/property.ts'

/**
 * Patterns against a calendar read by hand, over ten years. CRON_ORACLE_RUNS makes it look longer: 20,000 takes minutes.
 */
const RUNS = Number(process.env.CRON_ORACLE_RUNS ?? 80)
const FROM = Date.UTC(2024, 0, 1)
const TO = Date.UTC(2034, 0, 1)
const DAY = 86_400_000
const MINUTE = 60_000

/** Fifty: with and without summer time, both hemispheres, half and quarter hours, changes at midnight, of half an hour and in Ramadan. */
const ZONES =
  `UTC Europe/Berlin Europe/London Europe/Dublin Europe/Lisbon Europe/Athens Europe/Istanbul Europe/Moscow
  Europe/Chisinau Atlantic/Azores Atlantic/Reykjavik America/New_York America/Chicago America/Denver America/Phoenix
  America/Los_Angeles America/Anchorage America/Adak America/Halifax America/St_Johns America/Havana America/Mexico_City
  America/Bogota America/Sao_Paulo America/Santiago America/Asuncion America/Nuuk America/Miquelon Pacific/Easter
  Pacific/Auckland Pacific/Chatham Pacific/Apia Pacific/Kiritimati Pacific/Honolulu Pacific/Norfolk Australia/Sydney
  Australia/Adelaide Australia/Darwin Australia/Lord_Howe Australia/Eucla Asia/Jerusalem Asia/Beirut Asia/Gaza
  Asia/Tehran Asia/Kolkata Asia/Kathmandu Asia/Tokyo Africa/Cairo Africa/Casablanca Antarctica/Troll`.split(
    /\s+/,
  )

const jumps = new Map(ZONES.map((zone) => [zone, jumpsByHand(zone, FROM, TO)]))

const value = (min: number, max: number) => fc.integer({ min, max })
const range = (min: number, max: number) =>
  fc.tuple(value(min, max), value(min, max)).map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`)
const field = (min: number, max: number) =>
  fc.oneof(
    { weight: 3, arbitrary: fc.constant('*') },
    { weight: 3, arbitrary: value(min, max).map(String) },
    {
      weight: 2,
      arbitrary: fc
        .uniqueArray(value(min, max), { minLength: 2, maxLength: 4 })
        .map((all) => all.sort((a, b) => a - b).join(',')),
    },
    { weight: 1, arbitrary: range(min, max) },
    { weight: 1, arbitrary: value(2, Math.min(30, max)).map((step) => `*/${step}`) },
    { weight: 1, arbitrary: fc.tuple(range(min, max), value(2, 7)).map(([all, step]) => `${all}/${step}`) },
  )
/** Hours at which clocks change more often than others. */
const hours = fc.oneof(field(0, 23), value(0, 3).map(String), fc.constantFrom('1,2', '0-3', '2,3', '0,12'))
const seconds = fc.oneof(
  { weight: 4, arbitrary: fc.constant('0') },
  { weight: 1, arbitrary: value(0, 59).map(String) },
  { weight: 1, arbitrary: fc.constantFrom('0,30', '*/20') },
)

const pattern = fc
  .tuple(
    seconds,
    field(0, 59),
    hours,
    fc.oneof({ weight: 3, arbitrary: fc.constant('*') }, field(1, 31)),
    fc.oneof({ weight: 4, arbitrary: fc.constant('*') }, field(1, 12)),
    fc.oneof({ weight: 3, arbitrary: fc.constant('*') }, field(0, 6)),
  )
  .map((fields) => fields.join(' '))

/** A zone and two days of it: around a change of its clock if it has any, else any. */
const span = fc.constantFrom(...ZONES).chain((zone) => {
  const changes = jumps.get(zone) ?? []
  const any = fc.integer({ min: 1, max: (TO - FROM) / DAY - 3 }).map((day) => FROM + day * DAY)
  const start =
    changes.length === 0
      ? any
      : fc.oneof(
          {
            weight: 4,
            arbitrary: fc.constantFrom(...changes.map((at) => Math.floor(at / DAY) * DAY - DAY / 2)),
          },
          { weight: 1, arbitrary: any },
        )
  return start.map((from) => ({ zone, from, to: from + 2.5 * DAY }))
})

function ticksOf(cron: string, zone: string, from: number, to: number): number[] {
  const times = parseCron(cron, zone)
  const found: number[] = []
  for (let tick = times.next(new Date(from - 1)); tick && tick.getTime() < to; tick = times.next(tick))
    found.push(tick.getTime())
  return found
}

const shown = (ticks: number[]) => ticks.map((tick) => new Date(tick).toISOString())

test('there are fifty zones, and most of them change their clocks within the ten years', () => {
  expect(new Set(ZONES).size).toBe(50)
  expect([...jumps.values()].filter((all) => all.length > 0).length).toBeGreaterThan(30)
})

test('the ticks of any pattern in any zone are those that a calendar read by hand gives, changes of the clock included', () => {
  fc.assert(
    fc.property(pattern, span, (cron, { zone, from, to }) => {
      expect(shown(ticksOf(cron, zone, from, to))).toEqual(shown(ticksByHand(cron, zone, from, to)))
    }),
    { numRuns: RUNS, ...(process.env.CRON_ORACLE_RUNS ? {} : { seed: 20_270_328 }) },
  )
}, 600_000)

test('every change of the clock of every zone in ten years is right for times that are written out and for those that go on', () => {
  const zones = process.env.CRON_ORACLE_RUNS ? ZONES : ZONES.filter((_, index) => index % 5 === 1)
  for (const zone of zones)
    for (const at of (jumps.get(zone) ?? []).slice(0, process.env.CRON_ORACLE_RUNS ? undefined : 4))
      for (const cron of ['0 30 0,1,2,3 * * *', '0 */15 * * * *', '0 0 0 * * *', '0 15 2 * * *']) {
        const [from, to] = [Math.floor(at / MINUTE) * MINUTE - DAY / 4, at + DAY / 4]
        expect({ zone, cron, ticks: shown(ticksOf(cron, zone, from, to)) }).toEqual({
          ...{ zone, cron },
          ticks: shown(ticksByHand(cron, zone, from, to)),
        })
      }
}, 600_000)

test('the ticks before an instant are those after an earlier one, backwards', () => {
  fc.assert(
    fc.property(pattern, span, (cron, { zone, from, to }) => {
      const forward = ticksOf(cron, zone, from, to).slice(-20)
      const backward = parseCron(cron, zone)
        .previous(new Date(to), forward.length)
        .map((tick) => tick.getTime())
      expect(shown(backward.toReversed())).toEqual(shown(forward))
    }),
    { numRuns: Math.min(RUNS, 50), seed: 7 },
  )
}, 600_000)
