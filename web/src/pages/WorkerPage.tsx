import { A, useParams } from '@solidjs/router'
import { useQuery } from '@tanstack/solid-query'
import { createEffect, For, on, Show } from 'solid-js'
import { useDialogs } from '../dialogs.ts'
import { live } from '../events.ts'
import { formatCount, formatInstant, shortId } from '../format.ts'
import { Empty } from '../parts/Empty.tsx'
import { queries } from '../queries.ts'
import { reasonOf } from '../reason.ts'
import { useTitle } from '../title.ts'

/** One worker: what it is, what it holds, and where to see what it did. */
export default function WorkerPage() {
  const params = useParams<{ id: string }>()
  const dialogs = useDialogs()
  const list = useQuery(() => queries.workers())
  const worker = () => list.data?.find(({ id, name }) => String(id) === params.id || name === params.id)
  const seen = () => live.workers().find(({ id }) => id === worker()?.id)
  useTitle(() => worker()?.name ?? 'Worker')
  createEffect(
    on(
      () => [seen()?.busySlots, seen()?.online],
      () => list.refetch(),
      { defer: true },
    ),
  )
  return (
    <Show
      when={worker()}
      fallback={
        <Show when={!list.isPending} fallback={<p class="soft">Loading …</p>}>
          <Show
            when={!list.error}
            fallback={
              <Empty level="h1" title="The worker cannot be shown" text={reasonOf(list.error)}>
                <button type="button" class="primary" onClick={() => list.refetch()}>
                  Try again
                </button>
              </Empty>
            }
          >
            <Empty
              level="h1"
              title="There is no such worker"
              text="It may be gone for so long that it was forgotten."
            >
              <A href="/" class="button primary">
                See the workers
              </A>
            </Empty>
          </Show>
        </Show>
      }
    >
      {(shown) => (
        <>
          <header class="page-head">
            <div>
              <h1>{shown().name}</h1>
              <p class="soft">
                {shown().status}, {shown().busy_slots} of {shown().slots} slots busy
              </p>
            </div>
            <div class="choice">
              <A class="button" href={`/tasks?q=worker:${shown().name}`}>
                Its tasks
              </A>
              <button
                type="button"
                class="danger"
                disabled={!shown().online || !live.figures.canScale}
                onClick={() => dialogs.open('kill', shown().name)}
              >
                Kill {shown().name}
              </button>
            </div>
          </header>
          <div class="columns">
            <section class="panel" aria-labelledby="now-title">
              <h2 id="now-title">Runs now</h2>
              <ul class="plain-list">
                <For each={shown().current_task_ids} fallback={<li class="soft">Nothing.</li>}>
                  {(id) => (
                    <li>
                      <A href={`/tasks/${id}`} class="mono">
                        {shortId(id)}
                      </A>
                    </li>
                  )}
                </For>
              </ul>
            </section>
            <section class="panel" aria-labelledby="facts-title">
              <h2 id="facts-title">Facts</h2>
              <dl class="facts">
                <dt>Id</dt>
                <dd class="mono">{shown().id}</dd>
                <dt>Completed</dt>
                <dd>{formatCount(shown().tasks_completed)} tasks</dd>
                <dt>Runs</dt>
                <dd>{shown().executors.join(', ')}</dd>
                <dt>Labels</dt>
                <dd>{shown().labels.join(', ') || '–'}</dd>
                <dt>Host</dt>
                <dd>{shown().hostname || '–'}</dd>
                <dt>Process</dt>
                <dd>{shown().pid ?? '–'}</dd>
                <dt>Address</dt>
                <dd>{shown().address || '–'}</dd>
                <dt>Link</dt>
                <dd>{shown().link}</dd>
                <dt>Runs</dt>
                <dd>{shown().executors.join(', ') || '–'}</dd>
                <dt>Labels</dt>
                <dd>{shown().labels.join(', ') || '–'}</dd>
                <dt>Joined</dt>
                <dd>{formatInstant(new Date(shown().registered_at))}</dd>
                <dt>Last heard of</dt>
                <dd>{formatInstant(new Date(shown().last_active_at))}</dd>
              </dl>
            </section>
          </div>
        </>
      )}
    </Show>
  )
}
