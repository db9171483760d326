import { createEffect, createMemo, createSignal, on, onCleanup, onMount } from 'solid-js'
import uPlot from 'uplot'
import { live } from '../events.ts'
import { formatCount, formatDuration } from '../format.ts'
import { percentilesOf, type Series, throughputOf } from '../live/series.ts'
import { createSeen } from '../seen.ts'
import { painted } from '../theme.ts'
import 'uplot/dist/uPlot.min.css'

const SHOWN_S = 300
const STEP_S = 5
const HEIGHT = 150
/** The least that is shown while there is little to show. */
const LEAST_S = 60

/** How the last five minutes went; kills and scalings are upright marks. */
export default function Charts() {
  const [tick, setTick] = createSignal(0)
  let holder!: HTMLElement
  const isSeen = createSeen(() => holder)
  const timer = setInterval(() => document.hidden || !isSeen() || setTick((n) => n + 1), 1000)
  onCleanup(() => clearInterval(timer))
  const end = createMemo(() => {
    tick()
    return Math.floor(live.shownAt() / 1000)
  })
  const depth = createMemo<Series>(() => {
    end()
    const from = live.samples.filter(({ at }) => at >= end() - SHOWN_S)
    return [
      from.map(({ at }) => at),
      from.map(({ queued, assigned, running }) => queued + assigned + running),
      from.map(({ assigned, running }) => assigned + running),
      from.map(({ running }) => running),
    ]
  })
  const begin = () => Math.min(live.buckets[0]?.at ?? end(), live.samples[0]?.at ?? end()) - 2
  const last = (series: Series, line: number) => series[line]!.findLast((value) => value !== null) ?? 0
  const lasting = (series: Series) =>
    series[1]!.some((value) => value !== null)
      ? [1, 2, 3].map((line) => formatDuration(last(series, line))).join(', ')
      : 'None yet'
  const throughput = createMemo(() => throughputOf(live.buckets, end() - SHOWN_S, end() - 1))
  const wait = createMemo(() => percentilesOf(live.buckets, 'wait', end() - SHOWN_S, end() - 1, STEP_S))
  const run = createMemo(() => percentilesOf(live.buckets, 'run', end() - SHOWN_S, end() - 1, STEP_S))
  return (
    <section class="panel charts" aria-labelledby="charts-title" ref={holder}>
      <header class="panel-head">
        <h2 id="charts-title">The last five minutes</h2>
        <p class="soft small">Upright lines: kills and scalings</p>
      </header>
      <div class="chart-grid">
        <Chart
          title="Pending, assigned, running"
          now={`${formatCount(last(depth(), 1))} in all`}
          series={depth()}
          begin={begin()}
          end={end()}
          lines={[
            { colour: 'pending', fill: 0.14 },
            { colour: 'assigned', fill: 0.25 },
            { colour: 'running', fill: 0.4 },
          ]}
          format={formatCount}
          least={2}
          incrs={WHOLE}
        />
        <Chart
          title="Completed, failed per second"
          now={`${formatCount(last(throughput(), 1))} completed in the last second`}
          series={throughput()}
          begin={begin()}
          end={end()}
          lines={[
            { colour: 'completed', fill: 0.2 },
            { colour: 'failed', dash: [4, 3] },
          ]}
          format={formatCount}
          least={2}
          incrs={WHOLE}
        />
        <Chart
          title="Wait, p50 p95 p99"
          now={lasting(wait())}
          series={wait()}
          begin={begin()}
          end={end()}
          lines={PERCENTILES}
          format={formatDuration}
          least={10}
        />
        <Chart
          title="Run, p50 p95 p99"
          now={lasting(run())}
          series={run()}
          begin={begin()}
          end={end()}
          lines={PERCENTILES}
          format={formatDuration}
          least={10}
        />
      </div>
    </section>
  )
}

/** Half a task is nothing that there is. */
const WHOLE = Array.from({ length: 10 }, (_, power) => [1, 2, 5].map((step) => step * 10 ** power)).flat()

interface Line {
  colour: string
  /** Opacity below the line; none without. */
  fill?: number
  dash?: number[]
}

const PERCENTILES: Line[] = [
  { colour: 'running' },
  { colour: 'running', dash: [5, 3] },
  { colour: 'running', dash: [1.5, 3] },
]

function Chart(props: {
  title: string
  now: string
  series: Series
  /** When anything was first known, epoch s. */
  begin: number
  end: number
  lines: Line[]
  format: (value: number) => string
  /** Up to where the scale goes at least. */
  least: number
  /** How far apart its lines may be. */
  incrs?: number[]
}) {
  let holder!: HTMLDivElement
  let plot: uPlot | undefined

  // Not five minutes of nothing before the first thing that happened.
  const begin = () => Math.max(props.end - SHOWN_S, Math.min(props.begin, props.end - LEAST_S))

  function build() {
    plot?.destroy()
    const style = getComputedStyle(document.documentElement)
    const read = (name: string) => style.getPropertyValue(`--${name}`).trim()
    const axis = {
      stroke: read('ink-soft'),
      font: `11px ${read('sans')}`,
      grid: { stroke: read('line'), width: 1 },
      ticks: { show: false },
    }
    plot = new uPlot(
      {
        width: holder.clientWidth,
        height: HEIGHT,
        cursor: { y: false, drag: { setScale: false } },
        legend: { show: false },
        scales: {
          x: { time: true, range: () => [begin(), props.end] },
          y: { range: (_, __, max) => [0, Math.max(props.least, (max ?? 0) * 1.15)] },
        },
        axes: [
          {
            ...axis,
            space: 70,
            size: 26,
            values: (_, at, __, ___, step) => at.map((second) => clock(second, step < 60)),
          },
          {
            ...axis,
            space: 34,
            size: 58,
            ...(props.incrs && { incrs: props.incrs }),
            values: (_, at) => at.map((value) => props.format(value)),
          },
        ],
        series: [
          {},
          ...props.lines.map(({ colour, fill, dash }) => ({
            stroke: read(colour),
            width: 1.5,
            // A stretch with nothing on either side would not be seen as a line.
            points: { show: fill === undefined && dash === undefined, size: 4, fill: read(colour) },
            spanGaps: false,
            ...(dash && { dash }),
            ...(fill && { fill: `color-mix(in srgb, ${read(colour)} ${fill * 100}%, transparent)` }),
          })),
        ],
        hooks: { draw: [(chart) => drawMarks(chart, read('failed'), read('line-strong'))] },
      },
      props.series as uPlot.AlignedData,
      holder,
    )
  }

  onMount(() => {
    build()
    const observer = new ResizeObserver(() => plot?.setSize({ width: holder.clientWidth, height: HEIGHT }))
    observer.observe(holder)
    onCleanup(() => {
      observer.disconnect()
      plot?.destroy()
    })
  })
  createEffect(on(painted, build, { defer: true }))
  createEffect(() => plot?.setData(props.series as uPlot.AlignedData))

  return (
    <figure class="chart">
      <figcaption>
        <strong>{props.title}</strong> <span class="soft small">{props.now}</span>
      </figcaption>
      <div ref={holder} role="img" aria-label={`${props.title}: ${props.now}`} />
    </figure>
  )
}

function drawMarks(chart: uPlot, kill: string, scale: string) {
  const { ctx, bbox } = chart
  ctx.save()
  ctx.lineWidth = devicePixelRatio
  for (const { type, ts } of live.log()) {
    if (type !== 'kill' && type !== 'scale') continue
    const x = Math.round(chart.valToPos(Date.parse(ts) / 1000, 'x', true)) + 0.5
    if (x < bbox.left || x > bbox.left + bbox.width) continue
    ctx.strokeStyle = type === 'kill' ? kill : scale
    ctx.setLineDash(type === 'kill' ? [] : [4, 4])
    ctx.beginPath()
    ctx.moveTo(x, bbox.top)
    ctx.lineTo(x, bbox.top + bbox.height)
    ctx.stroke()
  }
  ctx.restore()
}

function clock(second: number, withSeconds: boolean): string {
  const at = new Date(second * 1000)
  const pad = (value: number) => String(value).padStart(2, '0')
  const minute = `${at.getHours()}:${pad(at.getMinutes())}`
  return withSeconds ? `${minute}:${pad(at.getSeconds())}` : minute
}
