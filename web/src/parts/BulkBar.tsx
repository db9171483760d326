import { createSignal, For, Show } from 'solid-js'
import { ACTIONS, type Action, applies, DEEDS, doToMany } from '../actions.ts'
import { useDialogs } from '../dialogs.ts'
import type { Filter } from '../filter.ts'
import { plural } from '../format.ts'
import { reasonOf } from '../reason.ts'
import type { Selection } from '../selection.ts'
import { tellDone, tellFailed } from '../toasts.ts'
import { ConfirmDialog } from './ConfirmDialog.tsx'

/** What can be done to the selected tasks. */
export function BulkBar(props: { selection: Selection; filter: Filter; total: number; onDone: () => void }) {
  const dialogs = useDialogs()
  const [isBusy, setBusy] = createSignal(false)
  const count = () => (props.selection.isAll() ? props.total : props.selection.count())
  const asked = () => {
    const name = dialogs.name()
    return name === 'cancel' || name === 'discard' ? name : null
  }

  async function perform(action: Action) {
    setBusy(true)
    const target = props.selection.isAll() ? { filter: props.filter } : { ids: props.selection.ids() }
    try {
      const done = await doToMany(action, target)
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
          <strong>{plural(count(), 'task')}</strong> selected
        </Show>
      </p>
      <Show when={!props.selection.isAll()}>
        <button type="button" class="quiet" disabled={props.total === 0} onClick={props.selection.all}>
          Select all {plural(props.total, 'task')}
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
              onClick={() =>
                DEEDS[action].destroys ? dialogs.open(action as 'cancel' | 'discard') : perform(action)
              }
            >
              {DEEDS[action].name}
            </button>
          )}
        </For>
      </Show>
      <Show when={props.selection.count() > 0 && asked()}>
        {(action) => (
          <ConfirmDialog
            title={`${DEEDS[action()].name} ${plural(count(), 'task')}?`}
            text={
              action() === 'cancel'
                ? 'Those that run are told to stop; those that wait never start. Ended ones are left as they are.'
                : 'They are deleted with their history, for good. Only those that have ended are.'
            }
            keep="Keep them"
            confirm={`${DEEDS[action()].name} ${plural(count(), 'task')}`}
            onConfirm={() => {
              const chosen = action()
              dialogs.close()
              perform(chosen)
            }}
            onClose={dialogs.close}
          />
        )}
      </Show>
    </div>
  )
}
