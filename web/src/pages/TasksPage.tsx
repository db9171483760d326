import { A, useSearchParams } from '@solidjs/router'
import { createEffect, createMemo, createSignal, For, on, onCleanup, Show } from 'solid-js'
import { live } from '../events.ts'
import { exportUrl } from '../exports.ts'
import { FILTER_STATES, type FilterState, isEmptyFilter, parseFilter, writeFilter } from '../filter.ts'
import { formatCount, plural } from '../format.ts'
import { BulkBar } from '../parts/BulkBar.tsx'
import { Empty } from '../parts/Empty.tsx'
import { SavedViews } from '../parts/SavedViews.tsx'
import { StateMark } from '../parts/StateMark.tsx'
import { TaskTable } from '../parts/TaskTable.tsx'
import { isInvalid, reasonOf } from '../reason.ts'
import { createSelection } from '../selection.ts'
import { createTaskPages, SORTS, type TaskPages } from '../taskpages.ts'
import { useTitle } from '../title.ts'

const REFRESH_MS = 1000
const FORMATS = ['csv', 'ndjson'] as const

/** All tasks, narrowed and sorted by what the address says. */
export default function TasksPage() {
  useTitle(() => 'Tasks')
  const [params, setParams] = useSearchParams<{ q?: string; sort?: string }>()
  const reading = createMemo(() => parseFilter(params.q ?? ''))
  const sort = () => SORTS.find((one) => one === params.sort) ?? '-scheduled'
  const selection = createSelection(() => pages.rows().map(({ id }) => id))
  const [isHeld, setHeld] = createSignal(false)
  const pages = createTaskPages(
    () => (reading().fault ? null : reading().filter),
    sort,
    () => isHeld() || selection.count() > 0,
  )
  createEffect(on([() => params.q, sort], selection.clear, { defer: true }))

  // As often as a person can follow, and only while something happens.
  let seen = -1
  const timer = setInterval(() => {
    if (live.beat() === seen || document.hidden) return
    seen = live.beat()
    pages.refresh()
  }, REFRESH_MS)
  onCleanup(() => clearInterval(timer))

  const isSearch = () => Boolean(reading().filter.text || reading().filter.worker)

  const setState = (state: FilterState | null) => {
    const { state: _, ...rest } = reading().filter
    setParams({ q: writeFilter({ ...rest, ...(state && { state }) }) || null })
  }

  return (
    <>
      <header class="page-head">
        <div>
          <h1>Tasks</h1>
          <p class="soft" aria-live="polite">
            <Show when={!pages.isPending()} fallback={reading().fault ? '' : 'Loading …'}>
              {plural(pages.total(), 'task')}
              {isEmptyFilter(reading().filter) ? '' : pages.total() === 1 ? ' matches' : ' match'}
            </Show>
          </p>
        </div>
        <Show when={!reading().fault}>
          <nav class="choice" aria-label="Export what matches">
            <For each={FORMATS}>
              {(format) => (
                <a class="button quiet" href={exportUrl(format, reading().filter, sort())} download="">
                  Export {format === 'csv' ? 'CSV' : 'NDJSON'}
                </a>
              )}
            </For>
          </nav>
        </Show>
        <SavedViews query={params.q ?? ''} onPick={(q) => setParams({ q })} />
      </header>
      <div class="filters">
        <label class="filter-query">
          <span class="visually-hidden">Filter</span>
          <input
            type="search"
            class="mono"
            placeholder="state:failed worker:name priority:>=high words"
            value={params.q ?? ''}
            onChange={(event) => setParams({ q: event.currentTarget.value.trim() || null })}
          />
        </label>
        <fieldset class="choice states">
          <legend class="visually-hidden">State</legend>
          <button type="button" aria-pressed={!reading().filter.state} onClick={() => setState(null)}>
            All
          </button>
          <For each={FILTER_STATES}>
            {(state) => (
              <button
                type="button"
                aria-pressed={reading().filter.state === state}
                onClick={() => setState(reading().filter.state === state ? null : state)}
              >
                <StateMark state={state} />
              </button>
            )}
          </For>
        </fieldset>
      </div>
      <Show when={reading().fault} fallback={list()}>
        {(fault) => (
          <Empty title="This filter cannot be read" text={fault()}>
            <button type="button" class="primary" onClick={() => setParams({ q: null })}>
              Show all tasks
            </button>
          </Empty>
        )}
      </Show>
    </>
  )

  function list() {
    return (
      <>
        <Show when={pages.fresh() > 0}>
          <button type="button" class="pill" onClick={pages.takeFresh}>
            {formatCount(pages.fresh())} new
          </button>
        </Show>
        <Show
          when={!pages.error()}
          fallback={
            <Empty title="The tasks cannot be shown" text={reasonOf(pages.error())}>
              <Show
                when={isInvalid(pages.error())}
                fallback={
                  <button type="button" class="primary" onClick={() => pages.retry()}>
                    Try again
                  </button>
                }
              >
                <button type="button" class="primary" onClick={() => setParams({ q: null })}>
                  Show all tasks
                </button>
              </Show>
            </Empty>
          }
        >
          <Show
            when={pages.isPending() || pages.total() > 0 || pages.rows().length > 0}
            fallback={
              <Show
                when={isEmptyFilter(reading().filter)}
                fallback={
                  <Show
                    when={pages.hasMore()}
                    fallback={
                      <Empty
                        title="No task matches"
                        text="Nothing is stored that meets all of these conditions."
                      >
                        <button type="button" class="primary" onClick={() => setParams({ q: null })}>
                          Show all tasks
                        </button>
                      </Empty>
                    }
                  >
                    <Empty
                      title="None of the newest tasks matches"
                      text="Name, command and the ends of the id were looked through; there are older tasks."
                    >
                      <LookFurther pages={pages} />
                    </Empty>
                  </Show>
                }
              >
                <Empty title="There are no tasks yet" text="They appear here as soon as one is scheduled.">
                  <A href="/schedule" class="button primary">
                    Schedule a task
                  </A>
                </Empty>
              </Show>
            }
          >
            <BulkBar
              selection={selection}
              filter={reading().filter}
              total={pages.total()}
              isExact={pages.isExact()}
              onDone={pages.takeFresh}
            />
            <TaskTable
              pages={pages}
              selection={selection}
              sort={sort()}
              onSort={(next) => setParams({ sort: next === '-scheduled' ? null : next })}
              onHold={setHeld}
            />
            <Show when={isSearch() && pages.hasMore() && pages.rows().length >= pages.total()}>
              <p class="table-foot soft small">
                There are older tasks that were not looked through yet. <LookFurther pages={pages} />
              </p>
            </Show>
          </Show>
        </Show>
      </>
    )
  }
}

function LookFurther(props: { pages: TaskPages }) {
  return (
    <button type="button" disabled={props.pages.isLooking()} onClick={() => props.pages.lookFurther()}>
      {props.pages.isLooking() ? 'Looking …' : 'Look through older ones'}
    </button>
  )
}
