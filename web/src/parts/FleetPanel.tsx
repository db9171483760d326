import { useQuery } from '@tanstack/solid-query'
import { createSignal, For, Show } from 'solid-js'
import { api } from '../api.ts'
import { createCommands } from '../command-line.ts'
import { useDialogs } from '../dialogs.ts'
import { live } from '../events.ts'
import { plural } from '../format.ts'
import { queries } from '../queries.ts'
import { reasonOf } from '../reason.ts'
import { tellDone, tellFailed } from '../toasts.ts'
import { CopyButton } from './CopyButton.tsx'

const USUAL = [1, 3, 5, 10]
const MOST = 50

/** How many workers there are, and the end of one. */
export function FleetPanel() {
  const commands = createCommands()
  const dialogs = useDialogs()
  const [target, setTarget] = createSignal(3)
  const [isBusy, setBusy] = createSignal(false)
  const [picked, setPicked] = createSignal('')
  const names = () => live.online().map(({ name }) => name)
  const victim = () => (names().includes(picked()) ? picked() : (names()[0] ?? ''))
  const online = () => live.online().length
  const autoscaling = useQuery(queries.autoscaling)
  const kept = () => (autoscaling.data?.enabled ? autoscaling.data : null)

  async function scale(count: number) {
    setTarget(count)
    if (isBusy()) return
    setBusy(true)
    try {
      await api.workers.scale.mutate({ count })
      tellDone(`Scaling to ${plural(count, 'worker')}`)
    } catch (error) {
      tellFailed(`The fleet was not scaled: ${reasonOf(error)}`)
    } finally {
      setBusy(false)
    }
  }

  return (
    <section class="panel" id="fleet" aria-labelledby="fleet-title">
      <header class="panel-head">
        <h2 id="fleet-title">Fleet</h2>
        <p class="soft small">{live.hasSnap() ? plural(online(), 'worker') : '– workers'} online</p>
      </header>
      <Show when={live.hasSnap() && !live.figures.canScale}>
        <p class="soft small">These workers were started by hand, so they are not scaled from here.</p>
      </Show>
      <Show when={kept()}>
        {(status) => (
          <p class="soft small">
            Kept from {status().min} to {plural(status().max, 'worker')}. {status().reason}
          </p>
        )}
      </Show>
      {/* Busy ones are not disabled: they would lose the focus. */}
      <fieldset class="choice" disabled={!live.figures.canScale} aria-busy={isBusy()}>
        <legend class="label">Scale to</legend>
        <For each={USUAL}>
          {(count) => (
            <button
              type="button"
              aria-pressed={live.hasSnap() && online() === count}
              aria-label={`Scale to ${plural(count, 'worker')}`}
              onClick={() => scale(count)}
            >
              {count}
            </button>
          )}
        </For>
        <form
          onSubmit={(event) => {
            event.preventDefault()
            scale(target())
          }}
        >
          <input
            type="number"
            min="1"
            max={MOST}
            required
            aria-label="Worker count"
            value={target()}
            onInput={(event) => setTarget(event.currentTarget.valueAsNumber)}
          />
          <button type="submit">Scale</button>
        </form>
      </fieldset>
      <ShellCommand
        command={commands.command('scale', String(target() || 1))}
        label="Copy the command that scales"
      />
      <div class="choice">
        <label>
          Worker to kill
          <select value={victim()} onChange={(event) => setPicked(event.currentTarget.value)}>
            <For each={names()} fallback={<option value="">{live.hasSnap() ? 'none online' : '–'}</option>}>
              {(name) => <option value={name}>{name}</option>}
            </For>
          </select>
        </label>
        <button
          type="button"
          class="danger"
          disabled={!victim() || !live.figures.canScale}
          onClick={() => dialogs.open('kill', victim())}
        >
          Kill {victim() || 'worker'}
        </button>
      </div>
      <Show when={victim()}>
        <ShellCommand command={commands.command('kill', victim())} label="Copy the command that kills" />
      </Show>
    </section>
  )
}

function ShellCommand(props: { command: string; label: string }) {
  return (
    <p class="shell">
      <code>{props.command}</code>
      <CopyButton text={props.command} label={props.label} />
    </p>
  )
}
