import { A, useSearchParams } from '@solidjs/router'
import { useQuery } from '@tanstack/solid-query'
import { For, Show } from 'solid-js'
import type { Schedule } from '../api.ts'
import { formatDuration, formatInstant, formatUtc, shortId } from '../format.ts'
import { queries } from '../queries.ts'
import { reasonOf } from '../reason.ts'
import { outcomeOf } from '../schedules.ts'

const GLYPHS: Record<string, string> = {
  fired: '✓',
  caught_up: '↻',
  queued: '…',
  skipped: '–',
  backfilled: '↻',
  by_hand: '▸',
}

/** What became of each tick, the latest first. */
export function Ledger(props: { schedule: Schedule }) {
  const [params, setParams] = useSearchParams<{ before?: string }>()
  const ticks = useQuery(() => queries.ticks(props.schedule.id, params.before))
  return (
    <section class="panel" aria-labelledby="ledger-title">
      <h2 id="ledger-title">Ledger</h2>
      <Show when={!ticks.error} fallback={<p class="fault">{reasonOf(ticks.error)}</p>}>
        <Show
          when={(ticks.data?.ticks.length ?? 0) > 0}
          fallback={<p class="soft">{ticks.isPending ? 'Loading …' : 'No tick has come yet.'}</p>}
        >
          <section class="table-panel" aria-label="Ticks" tabindex="0">
            <table>
              <thead>
                <tr>
                  <th scope="col">Tick</th>
                  <th scope="col">Outcome</th>
                  <th scope="col">Lag</th>
                  <th scope="col">Task</th>
                  <th scope="col">Reason</th>
                </tr>
              </thead>
              <tbody>
                <For each={ticks.data?.ticks}>
                  {(tick) => (
                    <tr>
                      <th scope="row" title={formatUtc(new Date(tick.tick_at))}>
                        {formatInstant(new Date(tick.tick_at))}
                      </th>
                      <td>
                        <span aria-hidden="true">{GLYPHS[tick.outcome]}</span> {outcomeOf(tick.outcome)}
                      </td>
                      <td>{formatDuration(tick.lag_ms)}</td>
                      <td>
                        <Show when={tick.task_id} fallback="–">
                          {(id) => (
                            <A href={`/tasks/${id()}`} class="mono line-link">
                              {shortId(id())}
                            </A>
                          )}
                        </Show>
                      </td>
                      <td>{tick.reason ?? ''}</td>
                    </tr>
                  )}
                </For>
              </tbody>
            </table>
          </section>
          <div class="choice table-foot">
            <Show when={params.before}>
              <button type="button" onClick={() => setParams({ before: null })}>
                The latest
              </button>
            </Show>
            <Show when={ticks.data?.next_cursor}>
              {(cursor) => (
                <button type="button" onClick={() => setParams({ before: cursor() })}>
                  Older
                </button>
              )}
            </Show>
          </div>
        </Show>
      </Show>
    </section>
  )
}
