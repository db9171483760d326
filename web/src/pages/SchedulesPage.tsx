import { A, useSearchParams } from '@solidjs/router'
import { useQuery } from '@tanstack/solid-query'
import { For, Show } from 'solid-js'
import type { Schedule } from '../api.ts'
import { formatInstant, formatUtc, plural } from '../format.ts'
import { Empty } from '../parts/Empty.tsx'
import { PageFoot } from '../parts/PageFoot.tsx'
import { ScheduleMark } from '../parts/ScheduleMark.tsx'
import { queries } from '../queries.ts'
import { reasonOf } from '../reason.ts'
import { doToSchedule, outcomeOf, timingOf } from '../schedules.ts'
import { useTitle } from '../title.ts'

/** All recurring schedules, by name. */
export default function SchedulesPage() {
  useTitle(() => 'Recurring schedules')
  const [params, setParams] = useSearchParams<{ after?: string }>()
  const list = useQuery(() => queries.schedules(params.after))
  return (
    <>
      <header class="page-head">
        <div>
          <h1>Recurring schedules</h1>
          <p class="soft" aria-live="polite">
            {list.data ? plural(list.data.total, 'schedule') : ''}
          </p>
        </div>
        <div class="choice">
          <A class="button" href="/schedule">
            One task
          </A>
          <A class="button primary" href="/schedules/new">
            New schedule
          </A>
        </div>
      </header>
      <Show
        when={list.data}
        fallback={
          <Show when={list.error} fallback={<p class="soft">Loading …</p>}>
            <Empty title="The schedules cannot be shown" text={reasonOf(list.error)}>
              <button type="button" class="primary" onClick={() => list.refetch()}>
                Try again
              </button>
            </Empty>
          </Show>
        }
      >
        {(page) => (
          <Show
            when={page().schedules.length > 0}
            fallback={
              <Empty title="Nothing recurs yet" text="A schedule starts a task again and again.">
                <A href="/schedules/new" class="button primary">
                  Make a schedule
                </A>
              </Empty>
            }
          >
            <section class="panel table-panel" aria-label="Schedules" tabindex="0">
              <table>
                <thead>
                  <tr>
                    <th scope="col">Name</th>
                    <th scope="col">State</th>
                    <th scope="col">When</th>
                    <th scope="col">Next tick</th>
                    <th scope="col">Last tick</th>
                    <th scope="col">
                      <span class="visually-hidden">What can be done</span>
                    </th>
                  </tr>
                </thead>
                <tbody>
                  <For each={page().schedules}>{(schedule) => <Line schedule={schedule} />}</For>
                </tbody>
              </table>
            </section>
            <PageFoot
              isFirst={!params.after}
              next={page().next_cursor}
              go={(after) => setParams({ after })}
            />
          </Show>
        )}
      </Show>
    </>
  )
}

function Line(props: { schedule: Schedule }) {
  const isPaused = () => props.schedule.state === 'paused'
  return (
    <tr>
      <th scope="row">
        <A href={`/schedules/${props.schedule.id}`} class="line-link">
          {props.schedule.name}
        </A>
      </th>
      <td>
        <ScheduleMark state={props.schedule.state} />
      </td>
      <td class="mono">{timingOf(props.schedule)}</td>
      <td>
        <Show when={props.schedule.next_at} fallback="–">
          {(at) => <span title={formatUtc(new Date(at()))}>{formatInstant(new Date(at()))}</span>}
        </Show>
      </td>
      <td>
        <Show when={props.schedule.last_tick} fallback="–">
          {(last) => (
            <span title={last().reason ?? ''}>
              {formatInstant(new Date(last().tick_at))}, {outcomeOf(last().outcome)}
            </span>
          )}
        </Show>
      </td>
      <td>
        <div class="choice">
          <button
            type="button"
            aria-label={`${isPaused() ? 'Resume' : 'Pause'} ${props.schedule.name}`}
            onClick={() => doToSchedule(isPaused() ? 'resume' : 'pause', props.schedule)}
          >
            {isPaused() ? 'Resume' : 'Pause'}
          </button>
          <button
            type="button"
            aria-label={`Run now: ${props.schedule.name}`}
            onClick={() => doToSchedule('runNow', props.schedule)}
          >
            Run now
          </button>
        </div>
      </td>
    </tr>
  )
}
