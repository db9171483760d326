import { createSignal } from 'solid-js'
import { recall, remember } from './theme.ts'

/** What keys do; `g` goes first for those of two. */
export const KEYS: { keys: string[]; does: string; path?: string }[] = [
  { keys: ['/'], does: 'Search tasks' },
  { keys: ['?'], does: 'Show these keys' },
  { keys: ['g', 'h'], does: 'Go to the overview', path: '/' },
  { keys: ['g', 't'], does: 'Go to tasks', path: '/tasks' },
  { keys: ['g', 'w'], does: 'Go to workflows', path: '/workflows' },
  { keys: ['g', 's'], does: 'Go to schedule', path: '/schedule' },
  { keys: ['g', 'r'], does: 'Go to recurring schedules', path: '/schedules' },
  { keys: ['g', 'q'], does: 'Go to queues', path: '/queues' },
  { keys: ['g', 'a'], does: 'Go to activity', path: '/activity' },
]
const SEQUENCE_MS = 1500

const [areKeysOn, setOn] = createSignal(recall('keys') !== 'off')

export { areKeysOn }

export function switchKeys(on: boolean): void {
  setOn(on)
  remember('keys', on ? null : 'off')
}

export interface KeyTargets {
  go(path: string): void
  search(): void
  help(): void
}

/** Listens for the keys of the whole page. Typing in a field is left alone. */
export function listenToKeys({ go, search, help }: KeyTargets): () => void {
  let begunAt = 0
  const onKey = (event: KeyboardEvent) => {
    if (!areKeysOn() || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return
    if (document.querySelector('dialog[open]')) return
    const wasBegun = performance.now() - begunAt < SEQUENCE_MS
    begunAt = 0
    if (wasBegun) {
      const path = KEYS.find(({ keys }) => keys.length === 2 && keys[1] === event.key)?.path
      if (path) go(path)
      return
    }
    if (event.key === 'g') begunAt = performance.now()
    else if (event.key === '/') {
      event.preventDefault()
      search()
    } else if (event.key === '?') help()
  }
  addEventListener('keydown', onKey)
  return () => removeEventListener('keydown', onKey)
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches('input, textarea, select, [contenteditable]')
}
