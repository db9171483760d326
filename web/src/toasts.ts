import { createSignal } from 'solid-js'

export interface Toast {
  id: number
  kind: 'done' | 'failed'
  text: string
}

const SHOWN_MS = 6000

const [toasts, setToasts] = createSignal<Toast[]>([])

export { toasts }

let lastId = 0

/** Says what was done, for a while. */
export const tellDone = (text: string) => show('done', text, SHOWN_MS)

/** Says what failed, until it is closed. */
export const tellFailed = (text: string) => show('failed', text, null)

export function closeToast(id: number): void {
  setToasts((all) => all.filter((toast) => toast.id !== id))
}

function show(kind: Toast['kind'], text: string, forMs: number | null) {
  const id = ++lastId
  setToasts((all) => [...all.slice(-3), { id, kind, text }])
  if (forMs !== null) setTimeout(closeToast, forMs, id)
}
