import { For } from 'solid-js'
import { closeToast, toasts } from '../toasts.ts'

/** What was done, told in passing: politely what went well, at once what did not. */
export function Toasts() {
  const of = (kind: 'done' | 'failed') => toasts().filter((toast) => toast.kind === kind)
  return (
    <div class="toasts" popover="manual" ref={(element) => queueMicrotask(() => element.showPopover?.())}>
      <div role="status">
        <For each={of('done')}>
          {(toast) => (
            <p class="toast">
              <span class="toast-mark" aria-hidden="true">
                ✓
              </span>
              {toast.text}
            </p>
          )}
        </For>
      </div>
      <div role="alert">
        <For each={of('failed')}>
          {(toast) => (
            <p class="toast toast-failed">
              <span class="toast-mark" aria-hidden="true">
                ✕
              </span>
              {toast.text}
              <button type="button" class="quiet" onClick={() => closeToast(toast.id)}>
                Close
              </button>
            </p>
          )}
        </For>
      </div>
    </div>
  )
}
