import { createSignal } from 'solid-js'

export type Theme = 'system' | 'light' | 'dark'
const NEXT: Record<Theme, Theme> = { system: 'light', light: 'dark', dark: 'system' }

const [theme, setSignal] = createSignal<Theme>(
  (document.documentElement.dataset.theme as Theme | undefined) ?? 'system',
)

export { theme }

/** Counts the changes of what is seen, whoever made them, so that what is drawn by hand can follow. */
const [painted, setPainted] = createSignal(0)

export { painted }

matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => setPainted((n) => n + 1))

export function turnTheme(): void {
  const next = NEXT[theme()]
  setSignal(next)
  if (next === 'system') delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = next
  remember('theme', next === 'system' ? null : next)
  setPainted((n) => n + 1)
}

/** Keeps a small choice of this browser's; null forgets it. */
export function remember(key: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(key)
    else localStorage.setItem(key, value)
  } catch {
    // Storage may be forbidden: then it lasts as long as the page.
  }
}

export function recall(key: string): string | null {
  try {
    return localStorage.getItem(key)
  } catch {
    return null
  }
}
