import { createEffect, createSignal, For, on, Show } from 'solid-js'
import { formatCount, formatTime } from '../format.ts'
import type { createOutput, Line } from '../output.ts'

/** How near the end one must be to be following it, in CSS px. */
const NEAR = 24

/** What a task says, line by line, as it says it. */
export function OutputPanel(props: {
  id: string
  isEnded: boolean
  output: ReturnType<typeof createOutput>
}) {
  let box: HTMLDivElement | undefined
  const [isFollowing, setFollowing] = createSignal(true)
  const [isSpoken, setSpoken] = createSignal(false)
  const toEnd = () => box?.scrollTo({ top: box.scrollHeight })
  createEffect(
    on([props.output.lines, isFollowing], () => {
      if (isFollowing()) toEnd()
    }),
  )
  const beginsAttempt = (line: Line, index: number) => {
    const before = props.output.lines()[index - 1]
    return before ? before.attempt !== line.attempt : line.attempt > 1
  }
  return (
    <section class="panel output-panel" aria-labelledby="output-title">
      <header class="panel-head">
        <h2 id="output-title">Output</h2>
        <Show when={props.output.lines().length > 0}>
          <button
            type="button"
            class="quiet"
            aria-pressed={isFollowing()}
            onClick={() => setFollowing(!isFollowing())}
          >
            Follow
          </button>
          <Show when={!props.isEnded}>
            <button
              type="button"
              class="quiet"
              aria-pressed={isSpoken()}
              onClick={() => setSpoken(!isSpoken())}
            >
              Read aloud
            </button>
          </Show>
        </Show>
      </header>
      <Show when={props.output.isLost()}>
        <p class="soft small">Disconnected: what it says now is shown later.</p>
      </Show>
      <Show
        when={props.output.lines().length > 0}
        fallback={<p class="soft">{props.isEnded ? 'It said nothing.' : 'It has said nothing yet.'}</p>}
      >
        <Show when={props.output.leftOut() > 0}>
          <p class="soft small">
            {formatCount(props.output.leftOut())} earlier lines are not shown.{' '}
            <a href={`/api/tasks/${props.id}/logs`}>All of them, as JSON</a>
          </p>
        </Show>
        <div
          ref={box}
          class="output"
          role="log"
          aria-label="Lines"
          aria-live={isSpoken() ? 'polite' : 'off'}
          // What scrolls must be reached by keyboard.
          tabindex="0"
          onScroll={(event) => {
            const { scrollTop, scrollHeight, clientHeight } = event.currentTarget
            setFollowing(scrollHeight - scrollTop - clientHeight < NEAR)
          }}
        >
          <For each={props.output.lines()}>
            {(line, index) => (
              <>
                <Show when={beginsAttempt(line, index())}>
                  <p class="output-attempt">Attempt {line.attempt}</p>
                </Show>
                <p class={`output-line output-${line.stream}`}>
                  <time datetime={line.at}>{formatTime(new Date(line.at))}</time>
                  <Show when={line.stream !== 'stdout'}>
                    <span class="output-stream">{line.stream === 'stderr' ? 'err' : 'log'}</span>
                  </Show>
                  <code>{line.text}</code>
                </p>
              </>
            )}
          </For>
        </div>
      </Show>
    </section>
  )
}
