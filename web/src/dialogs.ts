import { useSearchParams } from '@solidjs/router'

export type DialogName = 'kill' | 'help' | 'cancel' | 'retry' | 'runNow' | 'discard' | 'delete'

/** Which dialog is open is part of the address, like everything else one can see. */
export function useDialogs() {
  const [params, setParams] = useSearchParams<{ dialog?: string; worker?: string }>()
  const set = (dialog: DialogName | null, worker: string | null = null) =>
    setParams({ dialog, worker }, { scroll: false, replace: dialog === null })
  return {
    name: () => params.dialog,
    worker: () => params.worker,
    open: (dialog: DialogName, worker?: string) => set(dialog, worker ?? null),
    close: () => set(null),
  }
}
