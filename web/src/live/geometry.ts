import type { LaneRow } from './lanes.ts'

/** The time that the picture shows, ms. */
export const WINDOW_MS = 60_000
/** Room right of now, px. */
export const AHEAD = 10
/** Room for the time scale, px. */
export const SCALE_HEIGHT = 22
const BLOCK_PADDING = 12

export interface Block extends LaneRow {
  /** px from the top of the picture. */
  top: number
  height: number
}

export interface Geometry {
  /** px from lane to lane. */
  pitch: number
  bar: number
  height: number
  blocks: Block[]
}

/** Places the workers below each other: the more there are, the thinner their lanes. */
export function arrange(rows: LaneRow[]): Geometry {
  const lanes = rows.reduce((sum, { slots }) => sum + slots, 0)
  const pitch = lanes <= 15 ? 19 : lanes <= 30 ? 15 : lanes <= 60 ? 10 : 6
  let top = SCALE_HEIGHT
  const blocks = rows.map((row) => {
    const height = Math.max(34, row.slots * pitch) + BLOCK_PADDING
    const block = { ...row, top, height }
    top += height
    return block
  })
  return { pitch, bar: pitch - (pitch > 12 ? 5 : 2), height: top, blocks }
}

/** The middle of a lane, px from the top. */
export const laneMiddle = (block: Block, slot: number, pitch: number): number =>
  block.top + (block.height - block.slots * pitch) / 2 + (slot + 0.5) * pitch

/** Where a moment is, px from the left. */
export const toX = (at: number, now: number, width: number): number =>
  width - AHEAD - ((now - at) / WINDOW_MS) * (width - AHEAD)
