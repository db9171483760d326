import { createResource } from 'solid-js'
import { type Action, DEEDS, previewMany, type Target } from '../actions.ts'
import { plural } from '../format.ts'
import { reasonOf } from '../reason.ts'
import { ConfirmDialog } from './ConfirmDialog.tsx'

const EFFECTS: Record<Action, string> = {
  cancel: 'Those that run are told to stop; those that wait never start.',
  retry: 'They run again, with all their retries.',
  runNow: 'They are due now, whatever their time.',
  discard: 'They are deleted with their history, for good.',
}

/** Counts what an action would be done to, and asks; what is confirmed is done to these and to no others. */
export function BulkDialog(props: {
  action: Action
  target: Target
  /** @param bound confines the action to what was counted */
  onConfirm: (bound: string) => void
  onClose: () => void
}) {
  const [preview] = createResource(() => previewMany(props.action, props.target))
  const name = () => DEEDS[props.action].name
  const counted = () => (preview.error ? undefined : preview())
  const label = () => {
    const found = counted()
    return found ? `${name()} ${plural(found.count, 'task')}` : name()
  }
  const text = () => {
    if (preview.error) return `They could not be counted: ${reasonOf(preview.error)}`
    const found = counted()
    if (!found) return 'Counting …'
    if (found.count === 0) return `There is nothing to ${name().toLowerCase()} among them.`
    return `${EFFECTS[props.action]} Tasks that come later are left as they are${found.is_all ? '' : ', and so are older ones, which were not looked at'}.`
  }
  return (
    <ConfirmDialog
      title={`${label()}?`}
      text={text()}
      keep="Keep them"
      confirm={label()}
      isReady={(counted()?.count ?? 0) > 0}
      onConfirm={() => {
        const found = counted()
        if (found) props.onConfirm(found.bound)
      }}
      onClose={props.onClose}
    />
  )
}
