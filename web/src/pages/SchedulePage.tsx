import { A } from '@solidjs/router'
import { createMemo, createSignal, For, Show } from 'solid-js'
import { parseExact } from '../../../src/shared/core/exact-json.ts'
import { api } from '../api.ts'
import { live } from '../events.ts'
import { formatInstant, formatUtc, PRIORITIES, shortId, toLocalInput } from '../format.ts'
import { CopyButton } from '../parts/CopyButton.tsx'
import { ImportPanel } from '../parts/ImportPanel.tsx'
import { reasonOf } from '../reason.ts'
import { useTitle } from '../title.ts'

const SOON = [
  { name: 'Now', minutes: 0 },
  { name: '+5 min', minutes: 5 },
  { name: '+30 min', minutes: 30 },
  { name: '+1 hour', minutes: 60 },
]
/** What the command is to each executor. */
const EXECUTORS = {
  simulate: { title: 'Simulate', command: 'Command' },
  shell: { title: 'Shell', command: 'Command, for sh -c' },
  http: { title: 'HTTP', command: 'URL' },
  function: { title: 'Function', command: "Handler's name" },
} as const
const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone

/** One task for a time. */
export default function SchedulePage() {
  useTitle(() => 'Schedule')
  const [command, setCommand] = createSignal('')
  const [executor, setExecutor] = createSignal<keyof typeof EXECUTORS>('simulate')
  const [payload, setPayload] = createSignal('')
  const [name, setName] = createSignal('')
  const [priority, setPriority] = createSignal<(typeof PRIORITIES)[number]>('LOW')
  const [queue, setQueue] = createSignal('')
  const [key, setKey] = createSignal('')
  const [labels, setLabels] = createSignal('')
  const [retries, setRetries] = createSignal(0)
  const [timeoutS, setTimeoutS] = createSignal<number | null>(null)
  const [local, setLocal] = createSignal(toLocalInput(new Date(live.now())))
  const [done, setDone] = createSignal<{ id: string; at: Date } | null>(null)
  const [fault, setFault] = createSignal<string | null>(null)
  const [isBusy, setBusy] = createSignal(false)
  const at = createMemo(() => new Date(local()))
  const isTime = () => !Number.isNaN(at().getTime())

  async function schedule(event: SubmitEvent) {
    event.preventDefault()
    setBusy(true)
    setFault(null)
    try {
      const task = await api.tasks.schedule.mutate({
        command: command(),
        scheduled_at: at().toISOString(),
        executor: executor(),
        payload: parsePayload(payload()),
        priority: priority(),
        max_retries: retries(),
        ...(name() && { name: name() }),
        ...(queue().trim() && { queue: queue().trim() }),
        ...(key() && { concurrency_key: key() }),
        labels: labels()
          .split(/[\s,]+/)
          .filter(Boolean),
        ...(timeoutS() && { timeout_ms: timeoutS()! * 1000 }),
      })
      setDone({ id: task.task_id, at: new Date(task.scheduled_at) })
    } catch (error) {
      setFault(reasonOf(error))
    } finally {
      setBusy(false)
    }
  }

  return (
    <div class="narrow">
      <header class="page-head">
        <h1>Schedule a task</h1>
        <A class="button" href="/schedules">
          Recurring schedules
        </A>
      </header>
      <Show
        when={!done()}
        fallback={
          <section class="panel success" aria-labelledby="done-title">
            <h2 id="done-title">Scheduled</h2>
            <p>
              Task <code>{shortId(done()!.id)}</code> runs at <strong>{formatInstant(done()!.at)}</strong>,{' '}
              {formatUtc(done()!.at)}.
            </p>
            <div class="choice">
              <A class="button primary" href={`/tasks/${done()!.id}`}>
                View status
              </A>
              <button type="button" onClick={() => setDone(null)}>
                Schedule another
              </button>
              <CopyButton text={done()!.id} label="Copy the task's id" />
            </div>
          </section>
        }
      >
        <form class="panel form" onSubmit={schedule}>
          <label>
            Executor
            <select
              value={executor()}
              onChange={(event) => setExecutor(event.currentTarget.value as keyof typeof EXECUTORS)}
            >
              <For each={Object.entries(EXECUTORS)}>
                {([value, { title }]) => <option value={value}>{title}</option>}
              </For>
            </select>
          </label>
          <label>
            {EXECUTORS[executor()].command}
            <textarea
              class="mono"
              rows="3"
              required
              value={command()}
              onInput={(event) => setCommand(event.currentTarget.value)}
            />
          </label>
          <div class="form-row">
            <label>
              Date and time, {ZONE}
              <input
                type="datetime-local"
                step="1"
                required
                value={local()}
                onInput={(event) => setLocal(event.currentTarget.value)}
              />
            </label>
            <fieldset class="choice">
              <legend class="visually-hidden">Set the time</legend>
              <For each={SOON}>
                {({ name, minutes }) => (
                  <button
                    type="button"
                    onClick={() => setLocal(toLocalInput(new Date(live.now() + minutes * 60_000)))}
                  >
                    {name}
                  </button>
                )}
              </For>
            </fieldset>
          </div>
          <p class="soft small" aria-live="polite">
            <Show when={isTime()} fallback="Give a date and a time.">
              {formatInstant(at())} here is {formatUtc(at())}.
            </Show>
          </p>
          <details>
            <summary>Options</summary>
            <div class="form-grid">
              <label>
                Name
                <input
                  value={name()}
                  maxlength="255"
                  onInput={(event) => setName(event.currentTarget.value)}
                />
              </label>
              <label>
                Priority
                <select
                  value={priority()}
                  onChange={(event) => setPriority(event.currentTarget.value as (typeof PRIORITIES)[number])}
                >
                  <For each={PRIORITIES}>{(value) => <option value={value}>{value}</option>}</For>
                </select>
              </label>
              <label>
                Retries after a failure
                <input
                  type="number"
                  min="0"
                  max="32767"
                  required
                  value={retries()}
                  onInput={(event) => setRetries(event.currentTarget.valueAsNumber)}
                />
              </label>
              <label>
                Time limit, s
                <input
                  type="number"
                  min="0.001"
                  step="any"
                  placeholder="none"
                  value={timeoutS() ?? ''}
                  onInput={(event) => setTimeoutS(event.currentTarget.valueAsNumber || null)}
                />
              </label>
              <label>
                Queue
                <input
                  value={queue()}
                  maxlength="100"
                  placeholder="default"
                  onInput={(event) => setQueue(event.currentTarget.value)}
                />
              </label>
              <label>
                Concurrency key
                <input
                  value={key()}
                  maxlength="255"
                  placeholder="none"
                  onInput={(event) => setKey(event.currentTarget.value)}
                />
              </label>
              <label class="wide">
                Labels that its worker must have
                <input
                  value={labels()}
                  placeholder="gpu, eu"
                  onInput={(event) => setLabels(event.currentTarget.value)}
                />
              </label>
            </div>
            <label>
              Payload, as JSON
              <textarea
                class="mono"
                rows="3"
                placeholder={executor() === 'shell' ? '{"env": {"NAME": "value"}}' : 'none'}
                value={payload()}
                onInput={(event) => setPayload(event.currentTarget.value)}
              />
            </label>
          </details>
          <Show when={fault()}>
            {(text) => (
              <p class="fault" role="alert">
                The task was not scheduled: {text()}
              </p>
            )}
          </Show>
          <button type="submit" class="primary" disabled={isBusy()}>
            Schedule task
          </button>
        </form>
      </Show>
      <ImportPanel />
    </div>
  )
}

function parsePayload(text: string) {
  if (text.trim() === '') return null
  try {
    // A number that cannot be kept is refused by the server, which names its place.
    return parseExact(text)
  } catch (error) {
    throw new Error(`the payload is not JSON: ${(error as Error).message}`)
  }
}
