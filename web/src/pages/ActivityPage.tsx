import { useSearchParams } from '@solidjs/router'
import { For } from 'solid-js'
import { ActivityLog } from '../parts/ActivityLog.tsx'
import { useTitle } from '../title.ts'

const GROUPS: Record<string, string[]> = {
  workers: ['worker_online', 'worker_offline', 'kill', 'scale'],
  trouble: ['failed', 'retrying', 'reassigned', 'worker_offline', 'kill', 'gap'],
  queues: ['queue_paused', 'queue_resumed'],
  ended: ['completed', 'failed', 'cancelled'],
}

/** All that happens, narrowed by kind. */
export default function ActivityPage() {
  useTitle(() => 'Activity')
  const [params, setParams] = useSearchParams<{ kind?: string }>()
  const kind = () => (params.kind && params.kind in GROUPS ? params.kind : 'everything')
  return (
    <>
      <header class="page-head">
        <h1>Activity</h1>
        <fieldset class="choice">
          <legend class="visually-hidden">Show</legend>
          <For each={['everything', ...Object.keys(GROUPS)]}>
            {(name) => (
              <button
                type="button"
                aria-pressed={kind() === name}
                onClick={() => setParams({ kind: name === 'everything' ? null : name })}
              >
                {name[0]!.toUpperCase() + name.slice(1)}
              </button>
            )}
          </For>
        </fieldset>
      </header>
      <ActivityLog types={new Set(GROUPS[kind()] ?? [])} />
    </>
  )
}
