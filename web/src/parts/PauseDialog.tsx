import { createSignal, Show } from 'solid-js'
import type { Queue } from '../api.ts'
import { plural } from '../format.ts'
import { pauseQueue, resumeQueue } from '../queues.ts'
import { Dialog } from './Dialog.tsx'

/** Asks before a queue is paused or goes on, naming what waits and what runs. */
export function PauseDialog(props: { queue: Queue; onClose: () => void }) {
  const [by, setBy] = createSignal('')
  const isPaused = () => props.queue.state === 'paused'

  async function confirm(event: SubmitEvent) {
    event.preventDefault()
    const { name } = props.queue
    const work = isPaused() ? resumeQueue(name) : pauseQueue(name, by())
    props.onClose()
    await work
  }

  return (
    <Dialog title={`${isPaused() ? 'Resume' : 'Pause'} ${props.queue.name}?`} alert onClose={props.onClose}>
      <form class="dialog-form" onSubmit={confirm}>
        <Show
          when={!isPaused()}
          fallback={
            <p>
              <strong>{plural(props.queue.due, 'due task')}</strong> may start as soon as there is room.
            </p>
          }
        >
          <p>
            Nothing more of it starts until it is resumed; <strong>{plural(props.queue.held, 'task')}</strong>{' '}
            with workers {props.queue.held === 1 ? 'goes' : 'go'} on to the end.
          </p>
          <label>
            By whom, or why
            <input
              maxlength="255"
              placeholder="shown where a task waits for it"
              value={by()}
              onInput={(event) => setBy(event.currentTarget.value)}
            />
          </label>
        </Show>
        <div class="dialog-actions">
          <button type="button" autofocus onClick={props.onClose}>
            Leave it
          </button>
          <button type="submit" class={isPaused() ? 'primary' : 'danger'}>
            {isPaused() ? 'Resume queue' : 'Pause queue'}
          </button>
        </div>
      </form>
    </Dialog>
  )
}
