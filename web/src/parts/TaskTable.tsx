import { createEffect, createMemo, createSignal, For, onCleanup, onMount, Show } from 'solid-js'
import { live } from '../events.ts'
import type { Selection } from '../selection.ts'
import type { Sort, TaskPages } from '../taskpages.ts'
import { ROW_HEIGHT, TaskLine } from './TaskLine.tsx'

const SPARE = 6
const COLUMNS = [
  '',
  'Id',
  'Name',
  'Command',
  'State',
  'Priority',
  'Worker',
  'Attempt',
  'Scheduled',
  'Wait',
  'Run',
  'Progress',
]
/** By which columns the tasks can be sorted. */
const SORTED: Record<string, 'scheduled' | 'priority'> = { Scheduled: 'scheduled', Priority: 'priority' }

const ARROWS = { ascending: '↑', descending: '↓', none: '' } as const

/** The tasks as rows of one height, of which only those in view are in the page. */
export function TaskTable(props: {
  pages: TaskPages
  selection: Selection
  sort: Sort
  onSort: (sort: Sort) => void
  onHold: (held: boolean) => void
}) {
  let holder!: HTMLDivElement
  const [top, setTop] = createSignal(0)
  const [height, setHeight] = createSignal(600)
  const [focused, setFocused] = createSignal(0)
  const [now, setNow] = createSignal(live.shownAt())
  const count = () => Math.max(props.pages.rows().length, props.pages.total())
  const first = () => Math.max(0, Math.floor(top() / ROW_HEIGHT) - SPARE)
  const last = () => Math.min(count(), Math.ceil((top() + height()) / ROW_HEIGHT) + SPARE)
  const indexes = createMemo(() =>
    Array.from({ length: Math.max(0, last() - first()) }, (_, n) => first() + n),
  )

  onMount(() => {
    const observer = new ResizeObserver(() => setHeight(holder.clientHeight))
    observer.observe(holder)
    const timer = setInterval(() => setNow(live.shownAt()), 500)
    onCleanup(() => {
      observer.disconnect()
      clearInterval(timer)
    })
  })
  createEffect(() => props.pages.reach(last()))

  function directionOf(column: string): keyof typeof ARROWS {
    if (props.sort === SORTED[column]) return 'ascending'
    return props.sort === `-${SORTED[column]}` ? 'descending' : 'none'
  }

  function move(to: number) {
    const index = Math.max(0, Math.min(count() - 1, to))
    setFocused(index)
    const [above, below] = [index * ROW_HEIGHT, (index + 1) * ROW_HEIGHT]
    const visible = holder.clientHeight - ROW_HEIGHT
    if (above < holder.scrollTop) holder.scrollTop = above
    else if (below > holder.scrollTop + visible) holder.scrollTop = below - visible
    setTop(holder.scrollTop)
    requestAnimationFrame(() => holder.querySelector<HTMLElement>(`[data-index="${index}"]`)?.focus())
  }

  function onKey(event: KeyboardEvent) {
    const row = (event.target as HTMLElement).closest<HTMLElement>('[data-index]')
    if (!row || event.target !== row) return
    const at = Number(row.dataset.index)
    const page = Math.max(1, Math.floor(height() / ROW_HEIGHT) - 2)
    const steps: Record<string, number> = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      PageDown: at + page,
      PageUp: at - page,
      Home: 0,
      End: count() - 1,
    }
    const id = props.pages.rows()[at]?.id
    if (event.key in steps) move(steps[event.key]!)
    else if (event.key === ' ' && id) props.selection.turn(id, event.shiftKey)
    else if (event.key === 'Enter') row.querySelector('a')?.click()
    else return
    event.preventDefault()
  }

  return (
    <div
      class="task-table"
      role="grid"
      aria-label="Tasks"
      aria-rowcount={count() + 1}
      aria-multiselectable="true"
      tabindex="-1"
      ref={holder}
      onScroll={() => setTop(holder.scrollTop)}
      onKeyDown={onKey}
      onFocusIn={(event) => props.onHold((event.target as HTMLElement).closest('[data-index]') !== null)}
      onFocusOut={(event) => {
        if (!holder.contains(event.relatedTarget as Node | null)) props.onHold(false)
      }}
    >
      <div class="task-row task-head" role="row" aria-rowindex="1">
        <For each={COLUMNS}>
          {(column) => (
            <span role="columnheader" aria-sort={directionOf(column)}>
              <Show when={SORTED[column]} fallback={column || <span class="visually-hidden">Selected</span>}>
                {(key) => (
                  <button
                    type="button"
                    class="quiet sorter"
                    onClick={() => props.onSort(props.sort === `-${key()}` ? key() : `-${key()}`)}
                  >
                    {column} <span aria-hidden="true">{ARROWS[directionOf(column)]}</span>
                  </button>
                )}
              </Show>
            </span>
          )}
        </For>
      </div>
      <div class="task-rows" role="rowgroup" style={{ height: `${count() * ROW_HEIGHT}px` }}>
        <For each={indexes()}>
          {(index) => (
            <TaskLine
              index={index}
              task={props.pages.rows()[index]}
              now={now()}
              selection={props.selection}
              tabbable={index === Math.min(Math.max(focused(), first()), last() - 1)}
              onFocus={() => setFocused(index)}
            />
          )}
        </For>
      </div>
    </div>
  )
}
