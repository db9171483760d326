import type { Disturbance } from './evidence.ts'
import type { FaultKind } from './faults.ts'
import type { Index } from './indexed.ts'
import { COORDINATORS } from './plan.ts'

/** How long after a disturbance a worker may be given up because of it, in ms: leases, reconnections, restarts. */
const AFTERMATH_MS = 5000
/** The machine's clock is read by several processes. */
const GRAIN_MS = 50

/**
 * Whether something happened, from then until then, because of which a worker that lives may be given up: to the
 * worker, to a coordinator or to the way between them, or PostgreSQL cut connections and one coordinator was back
 * before the other. What concerns the whole database at the same time is no excuse: nobody could renew a lease.
 */
export function isExcused(
  { evidence }: Index,
  worker: string | undefined,
  from: number,
  until: number,
): boolean {
  const concerned = new Set([worker, ...COORDINATORS])
  return (
    evidence.disturbances.some(
      (disturbance) =>
        overlaps(disturbance, from, until) &&
        (disturbance.targets.some((name) => concerned.has(name)) || cutsConnections(disturbance)),
    ) ||
    evidence.ends.some(
      ({ name, at }) => concerned.has(name) && at <= until + GRAIN_MS && at >= from - AFTERMATH_MS,
    )
  )
}

export const overlaps = ({ from, to }: Disturbance, start: number, end: number): boolean =>
  from <= end + GRAIN_MS && (to ?? Number.POSITIVE_INFINITY) >= start - AFTERMATH_MS

function cutsConnections({ fault }: Disturbance): boolean {
  if (fault.kind === 'database-errors') return ['role', 'database'].includes(fault.trouble.what)
  return (['postgres', 'idle-connections'] as FaultKind[]).includes(fault.kind)
}
