import { Show } from 'solid-js'
import { headOf } from '../../../src/shared/core/text.ts'
import { isEnded } from '../actions.ts'
import type { TaskDetail } from '../api.ts'
import { CopyButton } from './CopyButton.tsx'

/** Of a result, in characters; the rest is a click away. */
const SHOWN = 20_000

/** What came of a task, and what it was given. */
export function ResultPanel(props: { task: TaskDetail; progress: number | null }) {
  const result = () => JSON.stringify(props.task.result, null, 2)
  return (
    <section class="panel" aria-labelledby="result-title">
      <h2 id="result-title">Result</h2>
      <Show when={props.task.error}>{(error) => <pre class="result fault">{error()}</pre>}</Show>
      <Show when={props.task.error_stack}>
        {(stack) => (
          <details>
            <summary>Where it was thrown</summary>
            <pre class="result">{stack()}</pre>
          </details>
        )}
      </Show>
      <Show when={props.task.result !== null}>
        <pre class="result">{result().length > SHOWN ? `${headOf(result(), SHOWN)}\n…` : result()}</pre>
        <CopyButton text={result()} label="Copy the result" />
      </Show>
      <Show when={!props.task.error && props.task.result === null}>
        <Show
          when={props.progress !== null && !isEnded(props.task.state)}
          fallback={
            <p class="soft">{isEnded(props.task.state) ? 'It left no result and no error.' : 'Not yet.'}</p>
          }
        >
          <p class="soft">
            <progress max="1" value={props.progress!} aria-label="Progress, as the task reports it" />{' '}
            {Math.round(props.progress! * 100)} %, as it says
          </p>
        </Show>
      </Show>
      <h2>Command</h2>
      <pre class="result">{props.task.command}</pre>
      <Show when={props.task.payload !== null}>
        <h2>Payload</h2>
        <pre class="result">{JSON.stringify(props.task.payload, null, 2)}</pre>
      </Show>
    </section>
  )
}
