import { createSignal, For } from 'solid-js'
import { api } from '../api.ts'
import { PRIORITIES, plural } from '../format.ts'
import { reasonOf } from '../reason.ts'
import { tellDone, tellFailed } from '../toasts.ts'

const MOST = 1000

/** Creates many alike tasks at once. */
export function BulkPanel() {
  const [count, setCount] = createSignal(50)
  const [command, setCommand] = createSignal('demo-job')
  const [priority, setPriority] = createSignal<(typeof PRIORITIES)[number]>('LOW')
  const [delay, setDelay] = createSignal(0)
  const [isBusy, setBusy] = createSignal(false)

  async function create(event: SubmitEvent) {
    event.preventDefault()
    if (isBusy()) return
    setBusy(true)
    try {
      const done = await api.tasks.scheduleBatch.mutate({
        count: count(),
        command: command(),
        priority: priority(),
        delay_seconds: delay(),
      })
      tellDone(`Created ${plural(done.count, 'task')}`)
    } catch (error) {
      tellFailed(`No task was created: ${reasonOf(error)}`)
    } finally {
      setBusy(false)
    }
  }

  return (
    <section class="panel" aria-labelledby="bulk-title">
      <header class="panel-head">
        <h2 id="bulk-title">Create tasks</h2>
      </header>
      <form class="bulk" onSubmit={create}>
        <label>
          Task count
          <input
            type="number"
            min="1"
            max={MOST}
            step="1"
            required
            value={count()}
            onInput={(event) => setCount(event.currentTarget.valueAsNumber)}
          />
        </label>
        <label>
          Delay, s
          <input
            type="number"
            min="0"
            step="any"
            required
            value={delay()}
            onInput={(event) => setDelay(event.currentTarget.valueAsNumber)}
          />
        </label>
        <label>
          Priority
          <select
            value={priority()}
            onChange={(event) => setPriority(event.currentTarget.value as (typeof PRIORITIES)[number])}
          >
            <For each={PRIORITIES}>{(name) => <option value={name}>{name}</option>}</For>
          </select>
        </label>
        <label>
          Command
          <input
            class="mono"
            required
            value={command()}
            onInput={(event) => setCommand(event.currentTarget.value)}
          />
        </label>
        <button type="submit" class="primary wide" aria-disabled={isBusy()}>
          Create tasks
        </button>
      </form>
    </section>
  )
}
