import { formatDuration } from '../duration.ts'
import { renderPairs, renderTable } from '../table.ts'

export interface Rate {
  limit: number
  period_ms: number
}

/** What the scheduler answers. */
export interface QueueView {
  name: string
  state: 'active' | 'paused'
  paused_at: string | null
  paused_by: string | null
  concurrency: number | null
  rate: Rate | null
  per_key: { concurrency: number | null; rate: Rate | null }
  held: number
  due: number
}

/** `100/1m`, as it is written after --rate. */
const rateOf = (rate: Rate | null): string => (rate ? `${rate.limit}/${formatDuration(rate.period_ms)}` : '')

const stateOf = ({ state, paused_by }: QueueView): string =>
  state === 'paused' && paused_by ? `paused by ${paused_by}` : state

const heldOf = ({ held, concurrency }: QueueView): string =>
  concurrency === null ? `${held}` : `${held} of ${concurrency}`

const perKeyOf = ({ per_key }: QueueView): string =>
  [per_key.concurrency === null ? '' : `${per_key.concurrency} at once`, rateOf(per_key.rate)]
    .filter(Boolean)
    .join(', ')

export function renderQueues(queues: QueueView[], width: number): string {
  return renderTable(
    [
      { title: 'NAME', value: ({ name }) => name },
      { title: 'HELD', value: heldOf, align: 'right' },
      { title: 'DUE', value: ({ due }) => due, align: 'right' },
      { title: 'RATE', value: ({ rate }) => rateOf(rate) },
      { title: 'PER KEY', value: perKeyOf },
      { title: 'STATE', value: stateOf, isFlexible: true },
    ],
    queues,
    width,
  )
}

export const describeQueue = (queue: QueueView): string =>
  renderPairs([
    ['Queue', queue.name],
    ['Status', stateOf(queue)],
    ['Held', heldOf(queue)],
    ['Due', queue.due],
    ['Rate', rateOf(queue.rate) || 'no limit'],
    ['Per key', perKeyOf(queue) || 'no limit'],
  ])
