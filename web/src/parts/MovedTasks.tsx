import { A } from '@solidjs/router'
import { createMemo, For, Show } from 'solid-js'
import { live } from '../events.ts'
import { plural, shortId } from '../format.ts'

const SHOWN = 50

/** What was taken from a worker, lost with it or handed back, and goes on with another. */
export function MovedTasks() {
  const moved = createMemo(() =>
    live
      .moves()
      .filter(({ from, to }) => to !== null && to !== from)
      .slice(0, SHOWN),
  )
  const stranded = () => live.moves().filter(({ to }) => to === null).length
  const stand = (outcome: string | null, startedAt: number | null) =>
    outcome ?? (startedAt === null ? 'waits' : 'runs')
  /** A worker that is started again has the name of the one that was lost. */
  const successorOf = (from: number, to: number) =>
    live.nameOf(from) === live.nameOf(to) ? `the new ${live.nameOf(to)}` : live.nameOf(to)
  return (
    <section class="panel moved" aria-labelledby="moved-title">
      <header class="panel-head">
        <h2 id="moved-title">Moved tasks</h2>
        <Show when={stranded() > 0}>
          <p class="soft small">{plural(stranded(), 'task')} wait for another worker</p>
        </Show>
      </header>
      <Show
        when={moved().length > 0}
        fallback={
          <p class="soft small">
            None yet. When a worker is lost, its tasks are listed here as they go on elsewhere.
          </p>
        }
      >
        <ul aria-label="Moved tasks">
          <For each={moved()}>
            {(move) => (
              <li>
                <A href={`/tasks/${move.taskId}?attempt=${move.attempt}`} class="mono">
                  {shortId(move.taskId)}
                </A>
                <span>
                  {live.nameOf(move.from)} <span aria-hidden="true">→</span>
                  <span class="visually-hidden">to</span> {successorOf(move.from, move.to!)}
                </span>
                <span class="soft">
                  attempt {move.attempt}, {stand(move.outcome, move.startedAt)}
                  {move.hadStarted ? '' : ', had not started before'}
                </span>
              </li>
            )}
          </For>
        </ul>
      </Show>
    </section>
  )
}
