import { createEffect, createSignal, For, onCleanup } from 'solid-js'
import { live } from '../events.ts'
import { formatDuration, shortId } from '../format.ts'
import { type Bar, type LaneRow, listBars } from '../live/lanes.ts'

const REFRESH_MS = 1000

/** The lanes in words, for those who cannot see the picture: a row per slot, told anew every second. */
export function LaneGrid(props: { rows: LaneRow[]; shown: boolean }) {
  const [tick, setTick] = createSignal(0)
  const timer = setInterval(() => setTick((n) => n + 1), REFRESH_MS)
  onCleanup(() => clearInterval(timer))
  const [current, setCurrent] = createSignal(new Map<string, Bar>())
  createEffect(() => {
    tick()
    const now = live.shownAt()
    const bars = listBars(live.ring, props.rows, now, now)
    setCurrent(
      new Map(
        bars
          .filter(({ outcome, end }) => outcome === 'none' && end >= now)
          .map((bar) => [`${bar.workerId}/${bar.slot}`, bar]),
      ),
    )
  })
  const tell = (workerId: number, slot: number) => {
    const bar = current().get(`${workerId}/${slot}`)
    if (!bar) return ['Idle', '', '']
    const isWaiting = bar.started === Number.POSITIVE_INFINITY
    const since = formatDuration(live.shownAt() - (isWaiting ? bar.from : bar.started))
    const attempt = bar.attempt > 1 ? `${shortId(bar.taskId)}, attempt ${bar.attempt}` : shortId(bar.taskId)
    return [isWaiting ? 'Waits' : 'Runs', attempt, since]
  }
  return (
    <div
      classList={{ 'visually-hidden': !props.shown, 'lane-table': true }}
      tabindex={props.shown ? 0 : undefined}
    >
      <table>
        <caption class="visually-hidden">What each slot does</caption>
        <thead>
          <tr>
            <th scope="col">Slot</th>
            <th scope="col">Does</th>
            <th scope="col">Task</th>
            <th scope="col">For</th>
          </tr>
        </thead>
        <tbody>
          <For each={live.online()}>
            {(worker) => (
              <For each={Array.from({ length: worker.slots }, (_, slot) => slot)}>
                {(slot) => (
                  <tr aria-label={`${worker.name} slot ${slot + 1}`}>
                    <th scope="row">
                      {worker.name} slot {slot + 1}
                    </th>
                    <td>{tell(worker.id, slot)[0]}</td>
                    <td class="mono">{tell(worker.id, slot)[1]}</td>
                    <td>{tell(worker.id, slot)[2]}</td>
                  </tr>
                )}
              </For>
            )}
          </For>
        </tbody>
      </table>
    </div>
  )
}
