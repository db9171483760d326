import { type JSX, onCleanup, onMount } from 'solid-js'

/** A native modal dialog that is open as long as it is there; the browser keeps focus in it and gives it back. */
export function Dialog(props: {
  title: string
  alert?: boolean
  onClose: () => void
  children: JSX.Element
}) {
  let dialog!: HTMLDialogElement
  const before = document.activeElement
  onMount(() => dialog.showModal())
  onCleanup(() => {
    if (before instanceof HTMLElement && before.isConnected) before.focus()
  })
  return (
    <dialog
      ref={dialog}
      role={props.alert ? 'alertdialog' : undefined}
      aria-label={props.title}
      onClose={props.onClose}
      onClick={(event) => event.target === dialog && !props.alert && dialog.close()}
    >
      <h2>{props.title}</h2>
      {props.children}
    </dialog>
  )
}
