import { Dialog } from './Dialog.tsx'

/** Asks before something that cannot be undone; what has the focus at first undoes nothing. */
export function ConfirmDialog(props: {
  title: string
  text: string
  /** What the harmless button says. */
  keep: string
  /** What the other says. */
  confirm: string
  /** False while there is nothing to confirm yet; default true. */
  isReady?: boolean
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
        <button type="button" class="danger" disabled={props.isReady === false} onClick={props.onConfirm}>
          {props.confirm}
        </button>
      </div>
    </Dialog>
  )
}
