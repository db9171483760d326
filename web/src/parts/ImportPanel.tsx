import { A } from '@solidjs/router'
import { createSignal, Show } from 'solid-js'
import { plural } from '../format.ts'
import { adviseOn } from '../reason.ts'

const CODES: Record<number, string> = { 400: 'BAD_REQUEST', 409: 'CONFLICT' }

interface Answer {
  count?: number
  error?: string
}

/** Submits many different tasks, one JSON object on each line, all or none. */
export function ImportPanel() {
  const [text, setText] = createSignal('')
  const [file, setFile] = createSignal<File | null>(null)
  const [count, setCount] = createSignal<number | null>(null)
  const [fault, setFault] = createSignal<string | null>(null)
  const [isBusy, setBusy] = createSignal(false)

  async function submit(event: SubmitEvent) {
    event.preventDefault()
    if (isBusy()) return
    setBusy(true)
    setFault(null)
    setCount(null)
    try {
      const headers = { 'Content-Type': 'application/x-ndjson' }
      const response = await fetch('/api/tasks/batch', { method: 'POST', headers, body: file() ?? text() })
      const answer: Answer = await response.json().catch(() => ({}))
      if (response.ok) setCount(answer.count ?? 0)
      else
        setFault(
          adviseOn({
            code: CODES[response.status] ?? null,
            status: response.status,
            message: answer.error ?? '',
          }),
        )
    } catch {
      setFault(adviseOn({ code: null, status: null, message: '' }))
    } finally {
      setBusy(false)
    }
  }

  return (
    <details class="panel">
      <summary>Submit many different tasks</summary>
      <form class="form" onSubmit={submit}>
        <label>
          Tasks, one JSON object on each line
          <textarea
            class="mono"
            rows="5"
            required={!file()}
            placeholder={
              '{"command": "report", "priority": "HIGH"}\n{"command": "clean", "delay_seconds": 60}'
            }
            value={text()}
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </label>
        <label>
          Or a file of such lines
          <input
            type="file"
            accept=".ndjson,.jsonl,application/x-ndjson"
            onChange={(event) => setFile(event.currentTarget.files?.[0] ?? null)}
          />
        </label>
        <p class="soft small">
          Up to 10,000 at once, for now or for their own time. All are stored, or none.
        </p>
        <Show when={fault()}>
          {(said) => (
            <p class="fault" role="alert">
              No task was submitted: {said()}
            </p>
          )}
        </Show>
        <p class="small" aria-live="polite">
          <Show when={count()}>
            {(stored) => (
              <>
                {plural(stored(), 'task')} submitted. <A href="/tasks">See all tasks</A>
              </>
            )}
          </Show>
        </p>
        <button type="submit" class="primary" disabled={isBusy()}>
          Submit tasks
        </button>
      </form>
    </details>
  )
}
