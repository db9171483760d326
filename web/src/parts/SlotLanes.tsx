import { createEffect, createMemo, createSignal, For, on, onCleanup, onMount, Show } from 'solid-js'
import { createCommands } from '../command-line.ts'
import { GONE_SHOWN_MS, live } from '../events.ts'
import { arrange, WINDOW_MS } from '../live/geometry.ts'
import { listBars } from '../live/lanes.ts'
import { type Palette, paint, readPalette } from '../live/paint.ts'
import { createSeen } from '../seen.ts'
import { painted } from '../theme.ts'
import { CopyButton } from './CopyButton.tsx'
import { Empty } from './Empty.tsx'
import { LaneGrid } from './LaneGrid.tsx'

const CALM_FRAME_MS = 1000
const KEY = [
  ['wait', 'waits'],
  ['run', 'runs'],
  ['done', 'completed'],
  ['failed', 'failed'],
  ['lost', 'lost'],
]

/** The picture that explains the system: five lanes per worker, and every task as a bar in one of them. */
export function SlotLanes() {
  const commands = createCommands()
  let canvas!: HTMLCanvasElement
  let holder!: HTMLDivElement
  const isSeen = createSeen(() => holder)
  const [width, setWidth] = createSignal(0)
  const [isGrid, setGrid] = createSignal(false)
  const [waiting, setWaiting] = createSignal<ReadonlyMap<number, number>>(new Map())
  const rows = createMemo(() => live.workers().map(({ id, slots }) => ({ workerId: id, slots })))
  const geometry = createMemo(() => arrange(rows()))
  const gone = createMemo(() => new Set(live.workers().flatMap(({ id, online }) => (online ? [] : [id]))))
  let palette: Palette = readPalette()

  onMount(() => {
    const observer = new ResizeObserver(() => setWidth(holder.clientWidth))
    observer.observe(holder)
    const context = canvas.getContext('2d')!
    const isCalm = matchMedia('(prefers-reduced-motion: reduce)')
    let frame: number | null = null
    let timer: ReturnType<typeof setTimeout> | undefined
    let toldAt = 0
    /** Until time has moved the picture by half a pixel. */
    const pauseMs = () =>
      isCalm.matches ? CALM_FRAME_MS : WINDOW_MS / Math.max(1, width()) / (devicePixelRatio || 1) / 2
    const request = () => {
      clearTimeout(timer)
      frame ??= requestAnimationFrame(draw)
    }
    const draw = (at: number) => {
      frame = null
      if (width() === 0 || isGrid() || !isSeen()) return
      timer = setTimeout(request, pauseMs())
      const now = live.shownAt()
      const waits = paint(
        context,
        { ring: live.ring, geometry: geometry(), gone: gone(), now, width: width() },
        palette,
      )
      if (at - toldAt > 500) {
        toldAt = at
        setWaiting(waits)
      }
    }
    // At once when the canvas was emptied, its colours changed or it comes into view, and when something is new.
    createEffect(on([width, geometry, painted, isSeen, isGrid], request))
    createEffect(on(live.beat, () => isCalm.matches || request(), { defer: true }))
    Object.assign(window, {
      taskmasterLanes: (ms = WINDOW_MS) => listBars(live.ring, rows(), live.shownAt() - ms, live.shownAt()),
    })
    onCleanup(() => {
      clearTimeout(timer)
      if (frame !== null) cancelAnimationFrame(frame)
      observer.disconnect()
    })
  })

  createEffect(() => {
    const ratio = devicePixelRatio || 1
    canvas.width = Math.round(width() * ratio)
    canvas.height = Math.round(geometry().height * ratio)
    canvas.getContext('2d')!.scale(ratio, ratio)
  })
  createEffect(
    on(painted, () => {
      palette = readPalette()
    }),
  )

  return (
    <section class="panel lanes" aria-label="Slot lanes">
      <header class="panel-head">
        <h2>Slot lanes</h2>
        <p class="lane-key soft small" aria-hidden="true">
          <For each={KEY}>
            {([kind, word]) => (
              <span>
                <i class={`key-${kind}`} />
                {word}
              </span>
            )}
          </For>
        </p>
        <button type="button" class="quiet" aria-pressed={isGrid()} onClick={() => setGrid(!isGrid())}>
          As a table
        </button>
      </header>
      <Show when={live.hasSnap() && live.workers().length === 0}>
        <Empty
          title="No workers are connected"
          text={
            live.figures.canScale
              ? 'Tasks wait until one is.'
              : `Tasks wait until one is. Start one in a shell: ${commands.startWorkers()}`
          }
        >
          <Show
            when={live.figures.canScale}
            fallback={<CopyButton text={commands.startWorkers()} label="Copy the command" isPlain />}
          >
            <a class="button" href="#fleet">
              Start workers
            </a>
          </Show>
        </Empty>
      </Show>
      <div class="lane-body" hidden={isGrid() || (live.hasSnap() && live.workers().length === 0)}>
        <ul class="lane-names" style={{ height: `${geometry().height}px` }} aria-hidden="true">
          <For each={live.workers()}>
            {(worker, index) => (
              <li
                classList={{ gone: !worker.online }}
                style={{
                  top: `${geometry().blocks[index()]?.top ?? 0}px`,
                  height: `${geometry().blocks[index()]?.height ?? 0}px`,
                }}
              >
                <strong title={worker.name}>{worker.name}</strong>
                <span class="soft">
                  {worker.online
                    ? `${worker.draining ? 'draining, ' : ''}${worker.busySlots} of ${worker.slots} busy${
                        waiting().get(worker.id) ? `, ${waiting().get(worker.id)} wait` : ''
                      }`
                    : `gone, shown for ${GONE_SHOWN_MS / 1000} s`}
                </span>
              </li>
            )}
          </For>
        </ul>
        <div class="lane-picture" ref={holder}>
          <canvas ref={canvas} aria-hidden="true" style={{ height: `${geometry().height}px` }} />
        </div>
      </div>
      <LaneGrid rows={rows()} shown={isGrid()} />
    </section>
  )
}
