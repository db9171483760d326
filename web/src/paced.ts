import { type Accessor, createEffect, createSignal, onCleanup } from 'solid-js'

/** A value that changes at most every `pauseMs()` ms; the latest is never lost. */
export function createPaced<Value>(value: Accessor<Value>, pauseMs: Accessor<number>): Accessor<Value> {
  const [paced, setPaced] = createSignal(value())
  let changedAt = 0
  let timer: ReturnType<typeof setTimeout> | undefined
  const change = () => {
    changedAt = performance.now()
    setPaced(() => value())
  }
  createEffect(() => {
    value()
    clearTimeout(timer)
    const waitMs = changedAt + pauseMs() - performance.now()
    if (waitMs <= 0) change()
    else timer = setTimeout(change, waitMs)
  })
  onCleanup(() => clearTimeout(timer))
  return paced
}
