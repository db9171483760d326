import { createSignal, Show } from 'solid-js'
import { api } from '../api.ts'
import { live } from '../events.ts'
import { plural } from '../format.ts'
import { reasonOf } from '../reason.ts'
import { tellDone, tellFailed } from '../toasts.ts'
import { Dialog } from './Dialog.tsx'

/** Asks before a worker is killed, naming what it holds. */
export function KillDialog(props: { worker: string; onClose: () => void }) {
  const [isBusy, setBusy] = createSignal(false)
  const worker = () => live.online().find(({ name }) => name === props.worker)
  const inFlight = () => {
    live.beat()
    return worker()?.busySlots ?? 0
  }

  async function kill() {
    setBusy(true)
    try {
      await api.workers.kill.mutate({ name: props.worker })
      tellDone(`Killed ${props.worker}`)
    } catch (error) {
      tellFailed(`${props.worker} was not killed: ${reasonOf(error)}`)
    }
    props.onClose()
  }

  return (
    <Dialog title={`Kill ${props.worker}?`} alert onClose={props.onClose}>
      <Show when={worker()} fallback={<p>No worker of that name is online.</p>}>
        <p>
          <strong>{plural(inFlight(), 'task')} in flight</strong> on this worker. The process is killed at
          once, without a goodbye; the tasks start again on other workers, with a new attempt. Nothing is
          lost.
        </p>
      </Show>
      <div class="dialog-actions">
        <button type="button" autofocus onClick={props.onClose}>
          Keep it
        </button>
        <button type="button" class="danger" disabled={isBusy() || !worker()} onClick={kill}>
          Kill worker
        </button>
      </div>
    </Dialog>
  )
}
