import { Dialog } from './Dialog.tsx'

/** Asks before something that cannot be undone; what has the focus at first undoes nothing. */
export function ConfirmDialog(props: {
  title: string
  text: string
  /** What the harmless button says. */
  keep: string
  /** What the other says. */
  confirm: string
  onConfirm: () => void
  onClose: () => void
}) {
  return (
    <Dialog title={props.title} alert onClose={props.onClose}>
      <p>{props.text}</p>
      <div class="dialog-actions">
        <button type="button" autofocus onClick={props.onClose}>
          {props.keep}
        </button>
        <button type="button" class="danger" onClick={props.onConfirm}>
          {props.confirm}
        </button>
      </div>
    </Dialog>
  )
}
