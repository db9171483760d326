import { useSearchParams } from '@solidjs/router'
import { useQuery } from '@tanstack/solid-query'
import { For, Show } from 'solid-js'
import type { Queue } from '../api.ts'
import { formatCount, formatInstant, plural } from '../format.ts'
import { Empty } from '../parts/Empty.tsx'
import { LimitsDialog } from '../parts/LimitsDialog.tsx'
import { PauseDialog } from '../parts/PauseDialog.tsx'
import { ScheduleMark } from '../parts/ScheduleMark.tsx'
import { queries } from '../queries.ts'
import { heldOf, perKeyOf, rateOf } from '../queues.ts'
import { reasonOf } from '../reason.ts'
import { useTitle } from '../title.ts'

type Asked = 'pause' | 'limits'

/** All queues: what is in each, and what holds it back. */
export default function QueuesPage() {
  useTitle(() => 'Queues')
  const list = useQuery(() => queries.queues())
  const [params, setParams] = useSearchParams<{ dialog?: string; queue?: string }>()
  const ask = (dialog: Asked, queue: string | null) => setParams({ dialog, queue }, { scroll: false })
  const close = () => setParams({ dialog: null, queue: null }, { scroll: false, replace: true })
  const asked = (dialog: Asked) =>
    params.dialog === dialog ? list.data?.find(({ name }) => name === params.queue) : undefined
  return (
    <>
      <header class="page-head">
        <div>
          <h1>Queues</h1>
          <p class="soft">{list.data ? plural(list.data.length, 'queue') : ''}</p>
        </div>
        <div class="choice">
          <button type="button" class="primary" onClick={() => ask('limits', null)}>
            New queue
          </button>
        </div>
      </header>
      <Show
        when={list.data}
        fallback={
          <Show when={list.error} fallback={<p class="soft">Loading …</p>}>
            <Empty title="The queues cannot be shown" text={reasonOf(list.error)}>
              <button type="button" class="primary" onClick={() => list.refetch()}>
                Try again
              </button>
            </Empty>
          </Show>
        }
      >
        {(queues) => (
          <section class="panel table-panel" aria-label="Queues" tabindex="0">
            <table>
              <thead>
                <tr>
                  <th scope="col">Name</th>
                  <th scope="col">State</th>
                  <th scope="col">With workers</th>
                  <th scope="col">Due</th>
                  <th scope="col">Rate</th>
                  <th scope="col">Of each key</th>
                  <th scope="col">
                    <span class="visually-hidden">What can be done</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                <For each={queues()}>{(queue) => <Line queue={queue} onAsk={ask} />}</For>
              </tbody>
            </table>
          </section>
        )}
      </Show>
      <Show when={asked('pause')}>{(queue) => <PauseDialog queue={queue()} onClose={close} />}</Show>
      <Show when={asked('limits')} keyed>
        {(queue) => <LimitsDialog queue={queue} onClose={close} />}
      </Show>
      <Show when={params.dialog === 'limits' && !params.queue}>
        <LimitsDialog queue={null} onClose={close} />
      </Show>
    </>
  )
}

function Line(props: { queue: Queue; onAsk: (dialog: Asked, queue: string) => void }) {
  const isPaused = () => props.queue.state === 'paused'
  return (
    <tr>
      <th scope="row">{props.queue.name}</th>
      <td>
        <ScheduleMark state={props.queue.state} />
        <Show when={props.queue.paused_by}>{(by) => <span class="soft"> by {by()}</span>}</Show>
        <Show when={props.queue.paused_at}>
          {(at) => <span class="soft">, {formatInstant(new Date(at()))}</span>}
        </Show>
      </td>
      <td>{heldOf(props.queue)}</td>
      <td>{formatCount(props.queue.due)}</td>
      <td>{rateOf(props.queue.rate) || 'no limit'}</td>
      <td>{perKeyOf(props.queue) || 'no limit'}</td>
      <td>
        <div class="choice">
          <button
            type="button"
            aria-label={`${isPaused() ? 'Resume' : 'Pause'} ${props.queue.name}`}
            onClick={() => props.onAsk('pause', props.queue.name)}
          >
            {isPaused() ? 'Resume' : 'Pause'}
          </button>
          <button
            type="button"
            aria-label={`Limits of ${props.queue.name}`}
            onClick={() => props.onAsk('limits', props.queue.name)}
          >
            Limits
          </button>
        </div>
      </td>
    </tr>
  )
}
