import { A } from '@solidjs/router'
import { createMemo, createSignal, Index, Show } from 'solid-js'
import type { FeedEvent } from '../api.ts'
import { live } from '../events.ts'
import { formatCount, formatTime, shortId } from '../format.ts'
import { createPaced } from '../paced.ts'
import { createSeen } from '../seen.ts'
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
  queue_paused: 'paused',
  queue_resumed: 'resumed',
  worker_online: 'online',
  worker_offline: 'offline',
  trouble: 'trouble',
  recovered: 'recovered',
  gap: 'gap',
}

/** As often as a person can read, and less often where nobody can; more only costs. */
const PAUSE_MS = { seen: 400, unseen: 3000 }

/** What happens, as it happens; the newest on top. */
export function ActivityLog(props: { types?: ReadonlySet<string>; shown?: number }) {
  let holder!: HTMLElement
  const isSeen = createSeen(() => holder)
  const log = createPaced(live.log, () => (isSeen() ? PAUSE_MS.seen : PAUSE_MS.unseen))
  const [frozen, setFrozen] = createSignal<FeedEvent[] | null>(null)
  const entries = createMemo(() => {
    const all = frozen() ?? log()
    const kept = props.types?.size ? all.filter(({ type }) => props.types!.has(type)) : all
    return kept.slice(-(props.shown ?? 200)).reverse()
  })
  const unseen = () => {
    const last = frozen()?.at(-1)?.id
    return last === undefined ? 0 : log().filter(({ id }) => id > last).length
  }
  return (
    <section class="panel activity" aria-labelledby="activity-title" ref={holder}>
      <header class="panel-head">
        <h2 id="activity-title">Activity log</h2>
        <Show when={frozen() && unseen() > 0}>
          <p class="soft small">{formatCount(unseen())} newer</p>
        </Show>
        <button
          type="button"
          class="quiet"
          aria-pressed={frozen() !== null}
          onClick={() => setFrozen(frozen() ? null : log())}
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
          {/* Rows stay and change what they say: to make hundreds a second anew is more than a frame's work. */}
          <Index each={entries()}>
            {(entry) => (
              <>
                <Show when={live.gapAfter().has(entry().id)}>
                  <li class="log-gap">Events were left out here: there were more than could be shown</li>
                </Show>
                <li class={`log-${entry().level}`} classList={{ 'log-gap': entry().type === 'gap' }}>
                  <time datetime={entry().ts}>{formatTime(new Date(entry().ts))}</time>
                  <span class="log-kind">{LABELS[entry().type]}</span>
                  <span class="log-text">
                    <Message entry={entry()} />
                  </span>
                </li>
              </>
            )}
          </Index>
        </ol>
      </Show>
    </section>
  )
}

function Message(props: { entry: FeedEvent }) {
  const at = createMemo(() => (props.entry.task_id ? props.entry.msg.indexOf(props.entry.task_id) : -1))
  return (
    <Show when={at() >= 0} fallback={props.entry.msg}>
      {props.entry.msg.slice(0, at())}
      {/* No <A>, which listens to the address: there are hundreds of these. The router sees plain links too. */}
      <a href={`/tasks/${props.entry.task_id}`} class="mono" title={props.entry.task_id ?? ''}>
        {shortId(props.entry.task_id ?? '')}
      </a>
      {props.entry.msg.slice(at() + (props.entry.task_id?.length ?? 0))}
    </Show>
  )
}
