import { createEffect, onCleanup } from 'solid-js'

/** Names the browser's tab after what is shown. */
export function useTitle(title: () => string): void {
  createEffect(() => {
    document.title = `${title()} · TaskMaster`
  })
  onCleanup(() => {
    document.title = 'TaskMaster'
  })
}
