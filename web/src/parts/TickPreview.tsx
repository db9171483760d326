import { useQuery } from '@tanstack/solid-query'
import { For, Show } from 'solid-js'
import { type PreviewInput, queries } from '../queries.ts'
import { isInvalid, reasonOf } from '../reason.ts'

const COUNT = 5

/** The next ticks of what is being written, and what changes of the clock will do to it. */
export function TickPreview(props: { input: PreviewInput }) {
  const found = useQuery(() => queries.preview({ ...props.input, count: COUNT }))
  return (
    <section class="tick-preview" aria-labelledby="preview-title" aria-live="polite">
      <h2 id="preview-title">Next ticks</h2>
      <Show
        when={!found.error}
        fallback={
          <p class="fault">
            {isInvalid(found.error) ? sentence((found.error as Error).message) : reasonOf(found.error)}
          </p>
        }
      >
        <Show when={found.data} fallback={<p class="soft">Loading …</p>}>
          {(preview) => (
            <>
              <ol class="plain-list ticks">
                <For
                  each={preview().ticks}
                  fallback={<li class="soft">There are none: it names no time that is to come.</li>}
                >
                  {({ at, local, note }) => (
                    <li>
                      <span class="mono">{local}</span>{' '}
                      <span class="soft mono">{at.slice(0, 19).replace('T', ' ')} UTC</span>
                      <Show when={note}>
                        <strong class="note">{note}</strong>
                      </Show>
                    </li>
                  )}
                </For>
              </ol>
              <Show when={preview().clock_changes.length > 0}>
                <h3>When clocks change</h3>
                <ul class="plain-list">
                  <For each={preview().clock_changes}>{({ note }) => <li>{note}</li>}</For>
                </ul>
              </Show>
            </>
          )}
        </Show>
      </Show>
    </section>
  )
}

const sentence = (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1).replace(/\.$/, '')}.`
