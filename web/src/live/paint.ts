import { shortId } from '../format.ts'
import { AHEAD, type Block, type Geometry, laneMiddle, SCALE_HEIGHT, toX, WINDOW_MS } from './geometry.ts'
import { layOut } from './lanes.ts'
import { OUTCOMES, type Ring } from './ring.ts'

const NAMES = [
  'surface',
  'ink-soft',
  'line',
  'line-strong',
  'assigned',
  'running',
  'completed-bar',
  'failed',
  'cancelled',
  'on-accent',
] as const
export type Palette = Record<(typeof NAMES)[number], string> & { mono: string; sans: string }

/** The colours of the theme that is shown. */
export function readPalette(): Palette {
  const style = getComputedStyle(document.documentElement)
  const read = (name: string) => style.getPropertyValue(`--${name}`).trim()
  const colours = Object.fromEntries(NAMES.map((name) => [name, read(name)])) as Palette
  return { ...colours, mono: read('mono'), sans: read('sans') }
}

const TOOTH = 3
const LABEL_WIDTH = 56
/** Beside the label of a failed one. */
const MARK_WIDTH = 18
const TICK_MS = 10_000
/** The least room for a time below the scale, px. */
const TIME_WIDTH = 72

export interface Scene {
  ring: Ring
  geometry: Geometry
  /** Workers that are gone, whose rows are dimmed. */
  gone: ReadonlySet<number>
  now: number
  width: number
}

/** Draws the lanes as they are now; returns how many wait in each worker. */
export function paint(
  context: CanvasRenderingContext2D,
  { ring, geometry, gone, now, width }: Scene,
  palette: Palette,
): Map<number, number> {
  const { pitch, bar, blocks } = geometry
  const blockOf = new Map(blocks.map((block) => [block.workerId, block]))
  context.clearRect(0, 0, width, geometry.height)
  paintScale(context, geometry, now, width, palette)

  const lost: number[] = []
  const begin = now - WINDOW_MS
  const waiting = layOut(ring, blocks, begin, now, (index, slot, from, started, end) => {
    const block = blockOf.get(ring.workerId[index]!)!
    const y = laneMiddle(block, slot, pitch) - bar / 2
    context.globalAlpha = gone.has(block.workerId) ? 0.55 : 1
    const isRunning = started <= end
    paintWait(context, toX(from, now, width), toX(Math.min(started, end), now, width), y + bar / 2, palette)
    if (isRunning) {
      const x = toX(Math.max(started, begin), now, width)
      paintRun(context, ring, index, x, Math.max(1, toX(end, now, width) - x - 1), y, bar, palette)
    }
    if (OUTCOMES[ring.outcome[index]!] === 'lost') {
      context.globalAlpha = 1
      paintCap(context, toX(end, now, width), y, bar, palette)
      lost.push(index)
    }
  })
  context.globalAlpha = 1
  for (const index of lost) paintConnector(context, ring, index, blockOf, geometry, now, width, palette)
  return waiting
}

function paintScale(
  context: CanvasRenderingContext2D,
  { blocks, height, pitch }: Geometry,
  now: number,
  width: number,
  palette: Palette,
) {
  context.lineWidth = 1
  context.fillStyle = palette['ink-soft']
  context.font = `11px ${palette.sans}`
  context.textBaseline = 'middle'
  context.textAlign = 'center'
  context.strokeStyle = palette.line
  context.beginPath()
  const every = TICK_MS * Math.ceil((TIME_WIDTH * WINDOW_MS) / TICK_MS / Math.max(1, width))
  for (let ago = 0; ago < WINDOW_MS; ago += TICK_MS) {
    const x = Math.round(toX(now - ago, now, width)) + 0.5
    context.moveTo(x, SCALE_HEIGHT - 4)
    context.lineTo(x, height)
    if (ago > 0 && ago % every === 0) context.fillText(`${ago / 1000} s ago`, x, 8)
  }
  for (const block of blocks) {
    for (let slot = 0; slot < block.slots; slot++) {
      const y = Math.round(laneMiddle(block, slot, pitch)) + 0.5
      context.moveTo(0, y)
      context.lineTo(width - AHEAD, y)
    }
  }
  context.stroke()
  context.textAlign = 'right'
  context.fillText('now', width, 8)
  context.strokeStyle = palette['line-strong']
  context.beginPath()
  const x = Math.round(toX(now, now, width)) + 0.5
  context.moveTo(x, SCALE_HEIGHT - 4)
  context.lineTo(x, height)
  context.stroke()
}

function paintWait(context: CanvasRenderingContext2D, from: number, to: number, y: number, palette: Palette) {
  if (to - from < 1.5) return
  context.strokeStyle = palette.assigned
  context.lineWidth = 2
  context.setLineDash([4, 3])
  context.beginPath()
  context.moveTo(Math.max(0, from), y)
  context.lineTo(to, y)
  context.stroke()
  context.setLineDash([])
}

function paintRun(
  context: CanvasRenderingContext2D,
  ring: Ring,
  index: number,
  x: number,
  width: number,
  y: number,
  bar: number,
  palette: Palette,
) {
  const outcome = OUTCOMES[ring.outcome[index]!]!
  const isHollow = outcome === 'cancelled' || outcome === 'returned'
  context.fillStyle =
    outcome === 'completed'
      ? palette['completed-bar']
      : outcome === 'failed'
        ? palette.failed
        : isHollow
          ? palette.surface
          : palette.running
  if (width < 5) context.fillRect(x, y, width, bar)
  else {
    context.beginPath()
    context.roundRect(x, y, width, bar, 2.5)
    context.fill()
  }
  if (isHollow) {
    context.strokeStyle = palette.cancelled
    context.lineWidth = 1.5
    context.strokeRect(x + 0.75, y + 0.75, Math.max(0.5, width - 1.5), bar - 1.5)
    mark(context, x + width - bar / 2 - 2, y + bar / 2, bar * 0.25, '/', palette.cancelled, width)
  }
  if (outcome === 'failed')
    mark(context, x + width - bar / 2 - 2, y + bar / 2, bar * 0.25, 'x', palette.surface, width)
  if (width < LABEL_WIDTH + (outcome === 'failed' ? MARK_WIDTH : 0) || bar < 10 || isHollow) return
  context.fillStyle = outcome === 'completed' ? '#ffffff' : palette['on-accent']
  context.font = `500 10px ${palette.mono}`
  context.textAlign = 'left'
  context.textBaseline = 'middle'
  const attempt = ring.attempt[index]!
  const label = attempt > 1 ? `${shortId(ring.taskId[index]!)} ×${attempt}` : shortId(ring.taskId[index]!)
  if (attempt === 1 || width > LABEL_WIDTH + 16) context.fillText(label, x + 6, y + bar / 2 + 0.5)
}

/** Form beside colour: a cross for failed, a stroke for cancelled. */
function mark(
  context: CanvasRenderingContext2D,
  x: number,
  y: number,
  radius: number,
  form: 'x' | '/',
  colour: string,
  width: number,
) {
  if (width < radius * 6) return
  context.strokeStyle = colour
  context.lineWidth = 1.5
  context.beginPath()
  context.moveTo(x - radius, y + radius)
  context.lineTo(x + radius, y - radius)
  if (form === 'x') {
    context.moveTo(x - radius, y - radius)
    context.lineTo(x + radius, y + radius)
  }
  context.stroke()
}

/** The torn end of what was lost with its worker. */
function paintCap(context: CanvasRenderingContext2D, x: number, y: number, bar: number, palette: Palette) {
  context.fillStyle = palette.failed
  context.beginPath()
  context.moveTo(x - 5, y - 1)
  const teeth = Math.max(2, Math.round(bar / 4))
  const step = (bar + 2) / teeth
  for (let tooth = 0; tooth < teeth; tooth++) {
    context.lineTo(x + TOOTH, y - 1 + (tooth + 0.5) * step)
    context.lineTo(x - 1, y - 1 + (tooth + 1) * step)
  }
  context.lineTo(x - 5, y + 1 + bar)
  context.closePath()
  context.fill()
}

/** From where an attempt was lost to where the next one begins. */
function paintConnector(
  context: CanvasRenderingContext2D,
  ring: Ring,
  index: number,
  blockOf: Map<number, Block>,
  { pitch }: Geometry,
  now: number,
  width: number,
  palette: Palette,
) {
  const next = ring.find(ring.taskId[index]!, ring.attempt[index]! + 1)
  if (next === undefined || ring.slot[next]! < 0 || Number.isNaN(ring.started[next]!)) return
  const [fromBlock, toBlock] = [blockOf.get(ring.workerId[index]!), blockOf.get(ring.workerId[next]!)]
  if (!fromBlock || !toBlock || ring.slot[next]! >= toBlock.slots) return
  const x1 = toX(ring.ended[index]!, now, width) + TOOTH
  const y1 = laneMiddle(fromBlock, ring.slot[index]!, pitch)
  const x2 = toX(ring.started[next]!, now, width)
  const y2 = laneMiddle(toBlock, ring.slot[next]!, pitch)
  if (x2 < 0) return
  const reach = Math.max(14, (x2 - x1) / 2)
  context.strokeStyle = palette.failed
  context.fillStyle = palette.failed
  context.lineWidth = 1.25
  context.beginPath()
  context.moveTo(x1, y1)
  context.bezierCurveTo(x1 + reach, y1, x2 - reach, y2, x2 - 3, y2)
  context.stroke()
  context.beginPath()
  context.arc(x2, y2, 3, 0, 2 * Math.PI)
  context.fill()
}
