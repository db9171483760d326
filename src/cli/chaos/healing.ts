import type { Disturbance, Evidence } from './evidence.ts'
import type { Index } from './indexed.ts'
import { isEnvironmental } from './sqlstates.ts'

/** Within so long after a fault, submissions are acknowledged again and tasks start. */
const HEAL_MS = 12_000
/** Within so long, a scheduler notices that it cannot do its work, or that it can again. */
const NOTICE_MS = 3000
const READY_MS = 10_000

/** The faults during which no scheduler, or no coordinator, can do its work. */
function isOutage({ fault }: Disturbance): boolean {
  if (fault.kind === 'frozen-database') return true
  return (
    fault.kind === 'database-errors' &&
    ['updates', 'workers', 'owner', 'role', 'database'].includes(fault.trouble.what)
  )
}

/** Holds what the schedulers said of their readiness against the faults that concern all of them. */
export function* judgeReadiness({ evidence }: Index): Generator<string | null> {
  for (const outage of evidence.disturbances.filter(isOutage)) {
    const until = outage.to ?? evidence.liftedAt
    for (const { url, at, answeredAt, status } of evidence.readiness) {
      const from = outage.inForceFrom ?? until
      if (at < from + NOTICE_MS || answeredAt > until) continue
      const elapsed = ((at - from) / 1000).toFixed(1)
      yield status !== 200 ? null : `${url} said that it is ready, ${elapsed} s into: ${outage.what}`
    }
  }
  for (const [url, samples] of Map.groupBy(evidence.readiness, (sample) => sample.url)) {
    const after = samples.filter(({ at }) => at >= evidence.liftedAt)
    const again = after.find(({ status }) => status === 200)
    const tookMs = (again?.at ?? Number.POSITIVE_INFINITY) - evidence.liftedAt
    yield tookMs <= READY_MS ? null : `${url} was not ready ${READY_MS / 1000} s after the last fault`
  }
}

/** Holds the answers of the schedulers that say that something is wrong against what was wrong then. */
export function* judgeRefusals({ evidence }: Index): Generator<string | null> {
  const errors = evidence.disturbances.flatMap(({ fault, from, to }) =>
    // An error of which a value could be the cause is one of the program.
    fault.kind === 'database-errors' && !isEnvironmental(fault.trouble.sqlstate) ? { from, to } : [],
  )
  for (const { status, at } of evidence.serverErrors) {
    if (status === 503 || errors.some(({ from, to }) => at >= from && at <= (to ?? at) + NOTICE_MS))
      yield null
    else
      yield `a scheduler answered ${status}, ${((at - evidence.liftedAt) / 1000).toFixed(1)} s from the end of the faults`
  }
}

/** Holds the time from the end of each fault of a still run until the system works again against a limit. */
export function* judgeHealing({ evidence }: Index): Generator<string | null> {
  if (evidence.weather !== 'still') return
  const signs = {
    'no submission was acknowledged': evidence.submissions.flatMap(
      ({ acknowledgedAt }) => acknowledgedAt ?? [],
    ),
    'no task started': evidence.history.flatMap(({ event, at }) => (event === 'start' ? at : [])),
  }
  for (const { what, to } of evidence.disturbances) {
    if (to === null) yield `never over: ${what}`
    else if (to < evidence.liftedAt && hasWork(evidence, to)) {
      const until = healedBy(evidence, to)
      for (const [sign, times] of Object.entries(signs)) {
        yield times.some((at) => at >= to && at <= until)
          ? null
          : `${sign} within ${((until - to) / 1000).toFixed(1)} s of the end of: ${what}`
      }
    }
  }
}

/** By when the system has to work again: nothing heals while all of it is out. */
function healedBy({ disturbances, liftedAt }: Evidence, from: number): number {
  let until = from + HEAL_MS
  for (const outage of disturbances.filter(isOutage).toSorted((a, b) => a.from - b.from)) {
    const to = outage.to ?? liftedAt
    if (to > from && outage.from < until) until += to - Math.max(from, outage.from)
  }
  return until
}

/** Whether the load went on for long enough afterwards. */
const hasWork = ({ liftedAt }: Evidence, at: number) => at + HEAL_MS <= liftedAt
