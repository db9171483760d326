import { A } from '@solidjs/router'
import { For, type JSX } from 'solid-js'
import { live } from '../events.ts'
import type { FilterState } from '../filter.ts'
import { formatCount, formatKnown, formatRate } from '../format.ts'
import { StateMark } from './StateMark.tsx'

const STATES = ['pending', 'assigned', 'running', 'completed', 'failed', 'cancelled'] as const
const titleOf = (state: string) => state[0]!.toUpperCase() + state.slice(1)

/** The figures of this moment: the six states always sum to the total. */
export function Tiles() {
  const countOf = (state: (typeof STATES)[number]) => live.figures.counts?.[state] ?? null
  const total = () => live.figures.counts && STATES.reduce((sum, state) => sum + (countOf(state) ?? 0), 0)
  const slots = () => live.online().reduce((sum, worker) => sum + worker.slots, 0)
  return (
    <section class="tiles" aria-label="Figures" classList={{ stale: !live.isFresh() }}>
      <Tile name="Total" value={formatKnown(total(), formatCount)} href="/tasks" />
      <For each={STATES}>
        {(state) => (
          <Tile
            name={titleOf(state)}
            value={formatKnown(countOf(state), formatCount)}
            href={`/tasks?q=state:${state}`}
            state={state}
            note={state === 'running' ? `of ${live.hasSnap() ? slots() : '–'} slots` : undefined}
          />
        )}
      </For>
      <Tile name="Throughput" value={formatKnown(live.figures.throughput, formatRate)} note="per second" />
      <Tile name="Queue depth" value={formatKnown(live.figures.queueDepth, formatCount)} note="wait" />
    </section>
  )
}

function Tile(props: {
  name: string
  value: string
  href?: string
  state?: FilterState
  note?: JSX.Element | undefined
}) {
  const body = () => (
    <>
      <span class="tile-name">
        {props.state && <StateMark state={props.state} bare />}
        {props.name}
      </span>
      <span class="tile-value">{props.value}</span>
      <span class="tile-note">{props.note ?? ''}</span>
    </>
  )
  return (
    <div class="tile" role="group" aria-label={props.name}>
      {props.href ? (
        <A href={props.href} class="tile-link">
          {body()}
        </A>
      ) : (
        body()
      )}
    </div>
  )
}
