import { OUTCOMES, type Outcome, type Ring } from './ring.ts'

/** A worker's place in the picture. */
export interface LaneRow {
  workerId: number
  slots: number
}

/** One bar: dashed from `from` to `started`, solid from there to `end`; epoch ms. */
export interface Bar {
  index: number
  taskId: string
  attempt: number
  workerId: number
  slot: number
  from: number
  /** Infinite while it waits. */
  started: number
  /** The moment shown, while it goes on. */
  end: number
  outcome: Outcome
}

/**
 * Calls `draw` for every bar that touches the time from `begin` to `now`. What waits in a worker without a slot is
 * shown in its free lanes, first come first; what finds none is not shown.
 *
 * @returns how many wait, by worker
 */
export function layOut(
  ring: Ring,
  rows: LaneRow[],
  begin: number,
  now: number,
  draw: (index: number, slot: number, from: number, started: number, end: number) => void,
): Map<number, number> {
  const places = new Map<number, { slots: number; ends: Float64Array; waiting: number[] }>()
  for (const { workerId, slots } of rows)
    places.set(workerId, { slots, ends: new Float64Array(slots), waiting: [] })

  for (let index = 0; index < ring.size; index++) {
    if (!ring.taskId[index]) continue
    const place = places.get(ring.workerId[index]!)
    if (!place) continue
    const slot = ring.slot[index]!
    const ended = ring.ended[index]!
    const started = ring.started[index]!
    if (slot < 0 || Number.isNaN(started)) {
      if (Number.isNaN(ended) && !Number.isNaN(ring.picked[index]!)) place.waiting.push(index)
      continue
    }
    if (slot >= place.slots) continue
    const end = Math.min(Number.isNaN(ended) ? now : ended, ring.until[index]!)
    if (end > place.ends[slot]!) place.ends[slot] = end
    if (end >= begin && ring.from[index]! <= now) draw(index, slot, ring.from[index]!, started, end)
  }

  const waiting = new Map<number, number>()
  for (const [workerId, place] of places) {
    waiting.set(workerId, place.waiting.length)
    place.waiting.sort((a, b) => ring.picked[a]! - ring.picked[b]!)
    let slot = 0
    for (const index of place.waiting) {
      while (slot < place.slots && place.ends[slot]! >= now) slot++
      if (slot >= place.slots) break
      const from = Math.max(ring.picked[index]!, place.ends[slot]!)
      draw(index, slot, from, Number.POSITIVE_INFINITY, now)
      slot++
    }
  }
  return waiting
}

/** The same bars as objects, for those who look with other eyes. */
export function listBars(ring: Ring, rows: LaneRow[], begin: number, now: number): Bar[] {
  const bars: Bar[] = []
  layOut(ring, rows, begin, now, (index, slot, from, started, end) => {
    bars.push({
      index,
      taskId: ring.taskId[index]!,
      attempt: ring.attempt[index]!,
      workerId: ring.workerId[index]!,
      slot,
      from,
      started,
      end,
      outcome: OUTCOMES[ring.outcome[index]!]!,
    })
  })
  return bars
}
