import { createSignal, For, Show } from 'solid-js'
import { ACTIONS, type Action, applies, DEEDS, doToMany } from '../actions.ts'
import { useDialogs } from '../dialogs.ts'
import type { Filter } from '../filter.ts'
import { plural } from '../format.ts'
import { reasonOf } from '../reason.ts'
import type { Selection } from '../selection.ts'
import { tellDone, tellFailed } from '../toasts.ts'
import { BulkDialog } from './BulkDialog.tsx'

/** What can be done to the selected tasks. */
export function BulkBar(props: {
  selection: Selection
  filter: Filter
  total: number
  /** Whether no more than the total match. */
  isExact: boolean
  onDone: () => void
}) {
  const dialogs = useDialogs()
  const [isBusy, setBusy] = createSignal(false)
  const count = () => (props.selection.isAll() ? props.total : props.selection.count())
  const asked = () => {
    const name = dialogs.name()
    return ACTIONS.find((action) => action === name) ?? null
  }
  const target = () => (props.selection.isAll() ? { filter: props.filter } : { ids: props.selection.ids() })
  // Of what is selected by a filter, only a count can tell how much it is.
  const isConfirmed = (action: Action) => DEEDS[action].destroys || props.selection.isAll()

  async function perform(action: Action, bound?: string) {
    setBusy(true)
    try {
      const done = await doToMany(action, target(), bound)
      tellDone(`${plural(done, 'task')} ${DEEDS[action].done}`)
      props.selection.clear()
      props.onDone()
    } catch (error) {
      tellFailed(`Not all could be ${DEEDS[action].done}: ${reasonOf(error)}`)
    } finally {
      setBusy(false)
    }
  }

  return (
    <div class="bulk-bar">
      <p class="small" aria-live="polite">
        <Show when={props.selection.count() > 0} fallback={<span class="soft">None selected</span>}>
          <Show
            when={!props.selection.isAll() || props.isExact}
            fallback={<strong>All that match are selected</strong>}
          >
            <strong>{plural(count(), 'task')}</strong> selected
          </Show>
        </Show>
      </p>
      <Show when={!props.selection.isAll()}>
        <button type="button" class="quiet" disabled={props.total === 0} onClick={props.selection.all}>
          {props.isExact ? `Select all ${plural(props.total, 'task')}` : 'Select all that match'}
        </button>
      </Show>
      <Show when={props.selection.count() > 0}>
        <button type="button" class="quiet" onClick={props.selection.clear}>
          Clear
        </button>
        <For each={ACTIONS.filter((action) => !props.filter.state || applies(action, props.filter.state))}>
          {(action) => (
            <button
              type="button"
              classList={{ danger: DEEDS[action].destroys }}
              disabled={isBusy()}
              onClick={() => (isConfirmed(action) ? dialogs.open(action) : perform(action))}
            >
              {DEEDS[action].name}
            </button>
          )}
        </For>
      </Show>
      <Show when={props.selection.count() > 0 && asked()}>
        {(action) => (
          <BulkDialog
            action={action()}
            target={target()}
            onConfirm={(bound) => {
              const chosen = action()
              dialogs.close()
              perform(chosen, bound)
            }}
            onClose={dialogs.close}
          />
        )}
      </Show>
    </div>
  )
}
