import { createSignal, Show } from 'solid-js'
import { createStore } from 'solid-js/store'
import type { Queue } from '../api.ts'
import { limitQueue } from '../queues.ts'
import { reasonOf } from '../reason.ts'
import { Dialog } from './Dialog.tsx'

const DEFAULT_QUEUE = 'default'

/** A number, or nothing: no limit. */
type Field = number | null

/** Sets the limits of a queue; of one that has no tasks yet, its name too. */
export function LimitsDialog(props: { queue: Queue | null; onClose: () => void }) {
  const { queue } = props
  const [form, setForm] = createStore({
    name: queue?.name ?? '',
    concurrency: queue?.concurrency ?? (null as Field),
    rate: queue?.rate?.limit ?? (null as Field),
    rateS: (queue?.rate?.period_ms ?? 60_000) / 1000,
    keyConcurrency: queue?.per_key.concurrency ?? (null as Field),
    keyRate: queue?.per_key.rate?.limit ?? (null as Field),
    keyRateS: (queue?.per_key.rate?.period_ms ?? 60_000) / 1000,
  })
  const [fault, setFault] = createSignal<string | null>(null)
  const [isBusy, setBusy] = createSignal(false)
  const rate = (limit: Field, seconds: number) =>
    limit === null ? null : { limit, period_ms: Math.round(seconds * 1000) }

  async function save(event: SubmitEvent) {
    event.preventDefault()
    setBusy(true)
    setFault(null)
    try {
      await limitQueue({
        queue: form.name.trim(),
        concurrency: form.concurrency,
        rate: rate(form.rate, form.rateS),
        per_key: { concurrency: form.keyConcurrency, rate: rate(form.keyRate, form.keyRateS) },
      })
      props.onClose()
    } catch (error) {
      setFault(reasonOf(error))
    } finally {
      setBusy(false)
    }
  }

  const count = (label: string, field: 'concurrency' | 'rate' | 'keyConcurrency' | 'keyRate') => (
    <label>
      {label}
      <input
        type="number"
        min="1"
        step="1"
        placeholder="no limit"
        value={form[field] ?? ''}
        onInput={(event) => setForm(field, event.currentTarget.valueAsNumber || null)}
      />
    </label>
  )
  const seconds = (label: string, field: 'rateS' | 'keyRateS') => (
    <label>
      {label}
      <input
        type="number"
        min="0.01"
        max="86400"
        step="any"
        required
        value={form[field]}
        onInput={(event) => setForm(field, event.currentTarget.valueAsNumber)}
      />
    </label>
  )

  return (
    <Dialog title={queue ? `Limits of ${queue.name}` : 'New queue'} onClose={props.onClose}>
      <form class="dialog-form" onSubmit={save}>
        <Show when={!queue}>
          <label>
            Name
            <input
              required
              maxlength="100"
              value={form.name}
              onInput={(event) => setForm('name', event.currentTarget.value)}
            />
          </label>
        </Show>
        <div class="form-grid">
          <Show when={form.name !== DEFAULT_QUEUE}>
            <div class="wide">{count('At once', 'concurrency')}</div>
          </Show>
          {count('Starts', 'rate')}
          {seconds('in any such time, s', 'rateS')}
        </div>
        <fieldset class="form-grid">
          <legend>For each concurrency key</legend>
          <div class="wide">{count('At once, of a key', 'keyConcurrency')}</div>
          {count('Starts, of a key', 'keyRate')}
          {seconds('in any such time, s, of a key', 'keyRateS')}
        </fieldset>
        <Show when={fault()}>
          {(text) => (
            <p class="fault" role="alert">
              The limits were not saved: {text()}
            </p>
          )}
        </Show>
        <div class="dialog-actions">
          <button type="button" onClick={props.onClose}>
            Cancel
          </button>
          <button type="submit" class="primary" disabled={isBusy()}>
            Save limits
          </button>
        </div>
      </form>
    </Dialog>
  )
}
