import { createSignal } from 'solid-js'
import { tellFailed } from '../toasts.ts'

const SAID_MS = 1500

/** Copies a text to the clipboard and says so; a plain one is an ordinary button with its label written on it. */
export function CopyButton(props: { text: string; label: string; isPlain?: boolean }) {
  const [isCopied, setCopied] = createSignal(false)
  async function copy() {
    try {
      await navigator.clipboard.writeText(props.text)
      setCopied(true)
      setTimeout(setCopied, SAID_MS, false)
    } catch {
      tellFailed('The browser did not let us copy. Select the text and copy it yourself.')
    }
  }
  return (
    <button
      type="button"
      classList={{ 'quiet copy': !props.isPlain }}
      aria-label={props.isPlain ? undefined : props.label}
      onClick={copy}
    >
      {isCopied() ? 'Copied' : props.isPlain ? props.label : 'Copy'}
    </button>
  )
}
