import { createEffect, createSignal, For, onCleanup, Show } from 'solid-js'
import { createStore } from 'solid-js/store'
import type { Inputs, Schedule } from '../api.ts'
import type { PreviewInput } from '../queries.ts'
import { reasonOf } from '../reason.ts'
import { TickPreview } from './TickPreview.tsx'

const PRIORITIES = ['LOW', 'MEDIUM', 'HIGH', 'CRITICAL'] as const
const CATCH_UPS = [
  { value: 'last', name: 'Run the latest missed tick' },
  { value: 'all', name: 'Run all that were missed' },
  { value: 'skip', name: 'Skip what was missed' },
] as const
const OVERLAPS = [
  { value: 'allow', name: 'Start beside it' },
  { value: 'skip', name: 'Skip the tick' },
  { value: 'queue', name: 'Wait for its end' },
] as const
const HERE = Intl.DateTimeFormat().resolvedOptions().timeZone
const ZONES = ['UTC', ...Intl.supportedValuesOf('timeZone').filter((zone) => zone !== 'UTC')]
/** Typing is over when nothing was typed for so long, in ms. */
const TYPED_MS = 250

export type ScheduleFields = Inputs['schedules']['create']
type Task = ScheduleFields['task']

/** Everything of a schedule, with its next ticks beside it as one types. */
export function ScheduleForm(props: {
  schedule?: Schedule
  submitName: string
  onSave: (fields: ScheduleFields) => Promise<unknown>
  onCancel?: () => void
}) {
  const { schedule } = props
  const before = (schedule?.task ?? {}) as Partial<Task>
  const [form, setForm] = createStore({
    name: schedule?.name ?? '',
    kind: schedule?.cron === null ? ('interval' as const) : ('cron' as 'cron' | 'interval'),
    cron: schedule?.cron ?? '0 9 * * MON-FRI',
    zone: schedule?.time_zone ?? HERE,
    everyS: (schedule?.every_ms ?? 300_000) / 1000,
    command: before.command ?? '',
    priority: before.priority ?? 0,
    retries: before.max_retries ?? 0,
    timeoutS: before.timeout_ms ? before.timeout_ms / 1000 : (null as number | null),
    catchUp: schedule?.catch_up ?? 'last',
    overlap: schedule?.overlap ?? 'allow',
  })
  const [fault, setFault] = createSignal<string | null>(null)
  const [isBusy, setBusy] = createSignal(false)

  const timing = (): PreviewInput =>
    form.kind === 'cron'
      ? { cron: form.cron.trim(), time_zone: form.zone.trim() }
      : { every_ms: Math.round(form.everyS * 1000), time_zone: form.zone.trim(), ...anchorOf(schedule) }
  const [typed, setTyped] = createSignal(timing())
  createEffect(() => {
    const now = timing()
    const timer = setTimeout(setTyped, TYPED_MS, now)
    onCleanup(() => clearTimeout(timer))
  })

  async function save(event: SubmitEvent) {
    event.preventDefault()
    setBusy(true)
    setFault(null)
    try {
      const task: Task = {
        ...before,
        command: form.command,
        priority: form.priority,
        max_retries: form.retries,
        timeout_ms: form.timeoutS === null ? null : Math.round(form.timeoutS * 1000),
      }
      await props.onSave({
        ...timing(),
        name: form.name,
        task,
        catch_up: form.catchUp,
        overlap: form.overlap,
      })
    } catch (error) {
      setFault(reasonOf(error))
    } finally {
      setBusy(false)
    }
  }

  return (
    <form class="panel form" onSubmit={save}>
      <label>
        Name
        <input
          required
          maxlength="255"
          value={form.name}
          onInput={(event) => setForm('name', event.currentTarget.value)}
        />
      </label>
      <label>
        Command
        <textarea
          class="mono"
          rows="2"
          required
          value={form.command}
          onInput={(event) => setForm('command', event.currentTarget.value)}
        />
      </label>
      <fieldset class="choice">
        <legend>Ticks come</legend>
        <label class="radio">
          <input
            type="radio"
            name="kind"
            checked={form.kind === 'cron'}
            onChange={() => setForm('kind', 'cron')}
          />
          by a pattern
        </label>
        <label class="radio">
          <input
            type="radio"
            name="kind"
            checked={form.kind === 'interval'}
            onChange={() => setForm('kind', 'interval')}
          />
          at an interval
        </label>
      </fieldset>
      <div class="form-grid">
        <Show
          when={form.kind === 'cron'}
          fallback={
            <label>
              Every, s
              <input
                type="number"
                min="1"
                step="any"
                required
                value={form.everyS}
                onInput={(event) => setForm('everyS', event.currentTarget.valueAsNumber)}
              />
            </label>
          }
        >
          <label>
            Pattern
            <input
              class="mono"
              required
              maxlength="200"
              spellcheck={false}
              aria-describedby="pattern-help"
              value={form.cron}
              onInput={(event) => setForm('cron', event.currentTarget.value)}
            />
          </label>
        </Show>
        <label>
          Time zone
          <input
            list="zones"
            required
            value={form.zone}
            onInput={(event) => setForm('zone', event.currentTarget.value)}
          />
          <datalist id="zones">
            <For each={ZONES}>{(zone) => <option value={zone} />}</For>
          </datalist>
        </label>
      </div>
      <p id="pattern-help" class="soft small">
        <Show when={form.kind === 'cron'} fallback="Counted from when it is created, whatever clocks do.">
          Minute, hour, day of the month, month, day of the week; seconds in front if wanted.
        </Show>
      </p>
      <TickPreview input={typed()} />
      <details open={schedule !== undefined}>
        <summary>Options</summary>
        <div class="form-grid">
          <Choice
            label="While the task before runs"
            value={form.overlap}
            options={OVERLAPS}
            onChange={(value) => setForm('overlap', value)}
          />
          <Choice
            label="Ticks that were missed"
            value={form.catchUp}
            options={CATCH_UPS}
            onChange={(value) => setForm('catchUp', value)}
          />
          <label>
            Priority
            <select
              value={form.priority}
              onChange={(event) => setForm('priority', Number(event.currentTarget.value))}
            >
              <For each={PRIORITIES}>{(name, value) => <option value={value()}>{name}</option>}</For>
              <Show when={!(form.priority in PRIORITIES)}>
                <option value={form.priority}>{form.priority}</option>
              </Show>
            </select>
          </label>
          <label>
            Retries after a failure
            <input
              type="number"
              min="0"
              max="32767"
              required
              value={form.retries}
              onInput={(event) => setForm('retries', event.currentTarget.valueAsNumber)}
            />
          </label>
          <label>
            Time limit, s
            <input
              type="number"
              min="0.001"
              step="any"
              placeholder="none"
              value={form.timeoutS ?? ''}
              onInput={(event) => setForm('timeoutS', event.currentTarget.valueAsNumber || null)}
            />
          </label>
        </div>
      </details>
      <Show when={fault()}>
        {(text) => (
          <p class="fault" role="alert">
            The schedule was not saved: {text()}
          </p>
        )}
      </Show>
      <div class="choice">
        <button type="submit" class="primary" disabled={isBusy()}>
          {props.submitName}
        </button>
        <Show when={props.onCancel}>
          <button type="button" onClick={() => props.onCancel?.()}>
            Leave it as it is
          </button>
        </Show>
      </div>
    </form>
  )
}

/** An interval that is edited goes on from where it began. */
const anchorOf = (schedule: Schedule | undefined) =>
  schedule?.anchor_at ? { anchor_at: schedule.anchor_at } : {}

function Choice<Value extends string>(props: {
  label: string
  value: Value
  options: readonly { value: Value; name: string }[]
  onChange: (value: Value) => void
}) {
  return (
    <label>
      {props.label}
      <select value={props.value} onChange={(event) => props.onChange(event.currentTarget.value as Value)}>
        <For each={props.options}>{({ value, name }) => <option value={value}>{name}</option>}</For>
      </select>
    </label>
  )
}
