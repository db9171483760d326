import { batch, createEffect, createSignal, on, onCleanup } from 'solid-js'
import type { LineView, NewsView } from '../../src/scheduler/logs/views.ts'
import { createSseReader } from '../../src/shared/core/sse.ts'

/** Lines that a page keeps: as many as anybody scrolls through, and no more than a browser lays out at once. */
export const SHOWN = 500
const RECONNECT_MS = 1000

export type Line = LineView
export type Standing = Omit<NewsView, 'lines'>

/** What a task says, for as long as it runs: kept up to date by one request that is answered bit by bit. */
export function createOutput(id: () => string, isEnded: () => boolean) {
  const [lines, setLines] = createSignal<Line[]>([])
  const [leftOut, setLeftOut] = createSignal(0)
  const [standing, setStanding] = createSignal<Standing | null>(null)
  const [isLost, setLost] = createSignal(false)
  let lastId = ''
  let fresh: Line[] = []
  let frame = 0

  function show() {
    frame = 0
    const all = [...lines(), ...fresh]
    fresh = []
    const over = Math.max(0, all.length - SHOWN)
    batch(() => {
      setLeftOut((before) => before + over)
      setLines(over > 0 ? all.slice(over) : all)
    })
  }

  async function follow(signal: AbortSignal) {
    let isOver = false
    while (!isOver && !signal.aborted) {
      try {
        const response = await fetch(`/api/tasks/${id()}/logs/stream?after=${lastId}`, { signal })
        if (response.status === 404) return
        if (!response.ok || !response.body) throw new Error(`status ${response.status}`)
        setLost(false)
        const read = createSseReader((message) => {
          const data = JSON.parse(message.data)
          if (message.event === 'message') {
            lastId = message.id
            fresh.push(data)
            frame ||= requestAnimationFrame(show)
          } else setStanding(data)
          isOver = message.event === 'end'
        })
        const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
        for (let part = await reader.read(); !part.done; part = await reader.read()) read(part.value)
      } catch {
        if (!signal.aborted) setLost(true)
      }
      if (!isOver) await new Promise((resolve) => setTimeout(resolve, RECONNECT_MS))
    }
  }

  // One that is run again says more, after what it said before.
  createEffect(
    on([id, isEnded], ([now], before) => {
      if (before?.[0] !== now) {
        lastId = ''
        fresh = []
        setLines([])
        setLeftOut(0)
        setStanding(null)
      }
      const abort = new AbortController()
      void follow(abort.signal)
      onCleanup(() => abort.abort())
    }),
  )
  onCleanup(() => cancelAnimationFrame(frame))
  return { lines, leftOut, standing, isLost }
}
