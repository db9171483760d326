import { type Accessor, createEffect, createMemo, createSignal, onCleanup, Show } from 'solid-js'
import { live } from '../events.ts'
import { formatDuration } from '../format.ts'
import type { Freshness } from '../live/freshness.ts'

/** A blink is no news. */
const SETTLED_MS = 1500
const BANNER_MS = 1000

const WORDS: Record<Freshness, string> = {
  connecting: 'Connecting',
  live: 'Live',
  stale: 'Out of date',
  unknown: 'No data',
  disconnected: 'Disconnected',
}

/** Whether what the page shows is current, in the header of every page. */
export function FreshnessMark() {
  const [shown, setShown] = createSignal(live.freshness())
  createEffect(() => {
    const now = live.freshness()
    if (now !== 'connecting') return setShown(now)
    const timer = setTimeout(setShown, SETTLED_MS, now)
    onCleanup(() => clearTimeout(timer))
  })
  const age = () => (live.ageMs() === null ? null : formatDuration(live.ageMs()!))
  return (
    <p class={`link link-${shown()}`} role="status" title={shown() === 'live' ? '' : detail(age())}>
      <span class="link-mark" aria-hidden="true" />
      <Show when={shown() === 'stale' && age()} fallback={WORDS[shown()]}>
        {/* It changes every second; those who listen are told once. */}
        <span class="visually-hidden">{WORDS.stale}</span>
        <span aria-hidden="true">Data is {age()} old</span>
      </Show>
    </p>
  )
}

const detail = (age: string | null) => (age === null ? 'Nothing is known yet' : `The figures are ${age} old`)

/** What is wrong with the system, and what that means, on every page. */
export function TroubleBanner() {
  const words = createMemo(() => {
    if (live.freshness() === 'disconnected') {
      return 'Connection lost. Showing the last known state; reconnecting…'
    }
    const health = live.health()
    if (health && (health.state === 'down' || health.state === 'degraded')) return health.message
    if (live.freshness() !== 'stale') return null
    return 'The scheduler sends no new figures. Showing the last known state.'
  })
  const shown = createLasting(words, BANNER_MS)
  return (
    <Show when={shown()}>
      {(text) => (
        <div class="notice banner" role="alert">
          <span>{text()}</span>
          <Show when={live.freshness() === 'disconnected'}>
            <button type="button" onClick={() => window.location.reload()}>
              Reload
            </button>
          </Show>
        </div>
      )}
    </Show>
  )
}

/** A value that must last for a while before it is there; it goes at once, and its changes are seen at once. */
function createLasting<Value>(value: Accessor<Value | null>, ms: number): Accessor<Value | null> {
  const [lasting, setLasting] = createSignal<Value | null>(null)
  createEffect(() => {
    const now = value()
    if (now === null || lasting() !== null) return setLasting(() => now)
    const timer = setTimeout(() => setLasting(() => value()), ms)
    onCleanup(() => clearTimeout(timer))
  })
  return lasting
}
