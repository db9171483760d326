import { A } from '@solidjs/router'
import { useQuery } from '@tanstack/solid-query'
import { For, Show } from 'solid-js'
import { shortId } from '../format.ts'
import { queries } from '../queries.ts'

/** How often a task that waits is asked again why. */
const ASK_MS = 2000
/** The id of a task in a sentence; splitting by it keeps the ids. */
const ID = /([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/

/** What stands in the way of a task that waits, first things first. */
export function WhyPanel(props: { taskId: string }) {
  const why = useQuery(() => ({ ...queries.why(props.taskId), refetchInterval: ASK_MS }))
  return (
    <section class="panel why" aria-labelledby="why-title">
      <h2 id="why-title">Why isn't it running?</h2>
      <Show
        when={why.data}
        fallback={<p class="soft">{why.error ? 'That cannot be said now.' : 'Loading …'}</p>}
      >
        {(found) => (
          <>
            <ol class="reasons">
              <For each={found().reasons}>
                {(reason) => (
                  <li>
                    <For each={reason.text.split(ID)}>
                      {(part) => (
                        <Show when={part.match(ID)} fallback={part}>
                          <A href={`/tasks/${part}`}>{shortId(part)}</A>
                        </Show>
                      )}
                    </For>
                    <For each={reason.task_ids.filter((id) => !reason.text.includes(id))}>
                      {(id) => (
                        <>
                          {' '}
                          <A href={`/tasks/${id}`}>{shortId(id)}</A>
                        </>
                      )}
                    </For>
                  </li>
                )}
              </For>
            </ol>
            <Show when={found().estimate_ms}>
              {(ms) => <p class="soft">It should start in about {Math.ceil(ms() / 1000)} s.</p>}
            </Show>
          </>
        )}
      </Show>
    </section>
  )
}
