import { Match, Switch } from 'solid-js'
import type { FilterState } from '../filter.ts'

/** A state by colour, form and word. */
export function StateMark(props: { state: FilterState; bare?: boolean }) {
  return (
    <span class={`state state-${props.state}`}>
      <svg class="mark" viewBox="0 0 14 14" width="14" height="14" aria-hidden="true">
        <Switch fallback={<circle cx="7" cy="7" r="5" />}>
          <Match when={props.state === 'assigned'}>
            <circle cx="7" cy="7" r="5" stroke-dasharray="2.6 2.6" />
          </Match>
          <Match when={props.state === 'running'}>
            <circle cx="7" cy="7" r="5" />
            <path class="solid" d="M7 2a5 5 0 0 1 0 10z" />
          </Match>
          <Match when={props.state === 'completed'}>
            <path d="M2.5 7.5 5.5 10.5 11.5 4" />
          </Match>
          <Match when={props.state === 'failed'}>
            <path d="M3 3 11 11M11 3 3 11" />
          </Match>
          <Match when={props.state === 'cancelled'}>
            <circle cx="7" cy="7" r="5" />
            <path d="M3.6 10.4 10.4 3.6" />
          </Match>
          <Match when={props.state === 'retrying'}>
            <path d="M11.5 7a4.5 4.5 0 1 1-1.6-3.4M10.5 1v3H7.5" />
          </Match>
        </Switch>
      </svg>
      {!props.bare && props.state}
    </span>
  )
}
