import { Show } from 'solid-js'

/** Below one page of a list: the way back to the first, and on to the next. */
export function PageFoot(props: {
  isFirst: boolean
  next: string | null
  /** @param after where the page begins; null: at the beginning */
  go: (after: string | null) => void
}) {
  return (
    <div class="choice table-foot">
      <Show when={!props.isFirst}>
        <button type="button" onClick={() => props.go(null)}>
          From the beginning
        </button>
      </Show>
      <Show when={props.next}>
        {(next) => (
          <button type="button" onClick={() => props.go(next())}>
            More
          </button>
        )}
      </Show>
    </div>
  )
}
