import { createSignal } from 'solid-js'
import { tellFailed } from '../toasts.ts'

const SAID_MS = 1500

/** Copies a text to the clipboard and says so. */
export function CopyButton(props: { text: string; label: string }) {
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
    <button type="button" class="quiet copy" aria-label={props.label} onClick={copy}>
      {isCopied() ? 'Copied' : 'Copy'}
    </button>
  )
}
