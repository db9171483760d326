import { createSignal, For, Show } from 'solid-js'
import { recall, remember } from '../theme.ts'

const KEY = 'views'

/** Searches that this browser remembers. */
export function SavedViews(props: { query: string; onPick: (query: string) => void }) {
  const [views, setViews] = createSignal(read())
  const keep = (next: string[]) => {
    setViews(next)
    remember(KEY, next.length > 0 ? JSON.stringify(next) : null)
  }
  const isKept = () => views().includes(props.query)
  return (
    <div class="choice views">
      <For each={views()}>
        {(view) => (
          <button
            type="button"
            class="mono"
            aria-pressed={view === props.query}
            onClick={() => props.onPick(view)}
          >
            {view}
          </button>
        )}
      </For>
      <Show when={props.query}>
        <button
          type="button"
          class="quiet"
          onClick={() =>
            keep(isKept() ? views().filter((view) => view !== props.query) : [...views(), props.query])
          }
        >
          {isKept() ? 'Forget this view' : 'Save this view'}
        </button>
      </Show>
    </div>
  )
}

function read(): string[] {
  try {
    const views: unknown = JSON.parse(recall(KEY) ?? '[]')
    return Array.isArray(views) ? views.filter((view) => typeof view === 'string') : []
  } catch {
    return []
  }
}
