import { createMemo, For, Show } from 'solid-js'
import { formatDuration, formatTime } from '../format.ts'
import { createTimeline, type Stretch, type Told } from '../live/timeline.ts'

/** Every attempt of a task to one scale: dashed while it waits, solid while it runs. */
export function Timeline(props: { task: Told; now: number; chosen: number | null }) {
  const timeline = createMemo(() => createTimeline(props.task, props.now))
  return (
    <figure class="timeline">
      <ol>
        <For each={timeline().rows}>
          {(row) => (
            <li classList={{ chosen: row.attempt === props.chosen }}>
              <p class="timeline-name">
                <strong>Attempt {row.attempt}</strong>
                <span class="soft">
                  {row.worker ?? 'unknown worker'}
                  {row.slot === null ? '' : ` · slot ${row.slot + 1}`}
                </span>
              </p>
              <div class="timeline-bar" aria-hidden="true">
                <Piece kind="queued" stretch={row.queued} />
                <Piece kind="waited" stretch={row.waited} />
                <Piece kind={`ran ran-${row.outcome ?? 'on'}`} stretch={row.ran} />
              </div>
              <p class="timeline-words small">
                <Show when={row.queued}>{(part) => <span>queued {formatDuration(part().ms)}</span>}</Show>
                <Show when={row.waited}>
                  {(part) => <span>in the worker {formatDuration(part().ms)}</span>}
                </Show>
                <Show when={row.ran}>{(part) => <span>ran {formatDuration(part().ms)}</span>}</Show>
                <strong class={`outcome-${row.outcome ?? 'on'}`}>{row.outcome ?? 'goes on'}</strong>
                <Show when={row.error}>{(error) => <span class="timeline-error">{error()}</span>}</Show>
              </p>
            </li>
          )}
        </For>
      </ol>
      <figcaption class="soft small">
        <span>{formatTime(new Date(timeline().begin))}</span>
        <span>{formatDuration(timeline().end - timeline().begin)} in all</span>
        <span>{formatTime(new Date(timeline().end))}</span>
      </figcaption>
    </figure>
  )
}

function Piece(props: { kind: string; stretch: Stretch | null }) {
  return (
    <Show when={props.stretch}>
      {(stretch) => (
        <span
          class={props.kind}
          style={{
            left: `${stretch().from * 100}%`,
            width: `max(2px, ${(stretch().to - stretch().from) * 100}%)`,
          }}
        />
      )}
    </Show>
  )
}
