import { A } from '@solidjs/router'
import { createMemo, createSignal, For, Show } from 'solid-js'
import type { FeedEvent } from '../api.ts'
import { live } from '../events.ts'
import { formatCount, formatTime, shortId } from '../format.ts'
import { Empty } from './Empty.tsx'

const LABELS: Record<FeedEvent['type'], string> = {
  scheduled: 'scheduled',
  assigned: 'assigned',
  started: 'started',
  completed: 'completed',
  failed: 'failed',
  cancelled: 'cancelled',
  retrying: 'retrying',
  reassigned: 'reassigned',
  scale: 'scale',
  kill: 'kill',
  worker_online: 'online',
  worker_offline: 'offline',
  gap: 'gap',
}

/** What happens, as it happens; the newest on top. */
export function ActivityLog(props: { types?: ReadonlySet<string>; shown?: number }) {
  const [frozen, setFrozen] = createSignal<FeedEvent[] | null>(null)
  const entries = createMemo(() => {
    const all = frozen() ?? live.log()
    const kept = props.types?.size ? all.filter(({ type }) => props.types!.has(type)) : all
    return kept.slice(-(props.shown ?? 200)).reverse()
  })
  const unseen = () => {
    const last = frozen()?.at(-1)?.id
    return last === undefined ? 0 : live.log().filter(({ id }) => id > last).length
  }
  return (
    <section class="panel activity" aria-labelledby="activity-title">
      <header class="panel-head">
        <h2 id="activity-title">Activity log</h2>
        <Show when={frozen() && unseen() > 0}>
          <p class="soft small">{formatCount(unseen())} newer</p>
        </Show>
        <button
          type="button"
          class="quiet"
          aria-pressed={frozen() !== null}
          onClick={() => setFrozen(frozen() ? null : live.log())}
        >
          {frozen() ? 'Resume' : 'Pause'}
        </button>
      </header>
      <Show
        when={entries().length > 0}
        fallback={
          <Show
            when={props.types?.size && live.log().length > 0}
            fallback={
              <Empty title="Nothing has happened yet" text="Schedule a task to see it pass by.">
                <A href="/schedule" class="button">
                  Schedule a task
                </A>
              </Empty>
            }
          >
            <Empty title="Nothing of this kind" text="None of the last 200 events is.">
              <A href="/activity" class="button">
                Show everything
              </A>
            </Empty>
          </Show>
        }
      >
        <ol class="log" tabindex="0" aria-label="Events, newest first">
          <For each={entries()}>
            {(entry) => (
              <>
                <Show when={live.gapAfter().has(entry.id)}>
                  <li class="log-gap">Events were left out here: there were more than could be shown</li>
                </Show>
                <li class={`log-${entry.level}`} classList={{ 'log-gap': entry.type === 'gap' }}>
                  <time datetime={entry.ts}>{formatTime(new Date(entry.ts))}</time>
                  <span class="log-kind">{LABELS[entry.type]}</span>
                  <span class="log-text">
                    <Message entry={entry} />
                  </span>
                </li>
              </>
            )}
          </For>
        </ol>
      </Show>
    </section>
  )
}

function Message(props: { entry: FeedEvent }) {
  const parts = () => {
    const { task_id, msg } = props.entry
    const at = task_id ? msg.indexOf(task_id) : -1
    return at < 0 ? null : [msg.slice(0, at), msg.slice(at + task_id!.length)]
  }
  return (
    <Show when={parts()} fallback={props.entry.msg}>
      {(around) => (
        <>
          {around()[0]}
          <A href={`/tasks/${props.entry.task_id}`} class="mono" title={props.entry.task_id ?? ''}>
            {shortId(props.entry.task_id!)}
          </A>
          {around()[1]}
        </>
      )}
    </Show>
  )
}
