import { For } from 'solid-js'
import { areKeysOn, KEYS, switchKeys } from '../keyboard.ts'
import { Dialog } from './Dialog.tsx'

/** What the keys do, and the switch for those whom they disturb. */
export function HelpDialog(props: { onClose: () => void }) {
  return (
    <Dialog title="Keyboard" onClose={props.onClose}>
      <dl class="keys">
        <For each={KEYS}>
          {({ keys, does }) => (
            <div>
              <dt>
                <For each={keys}>{(key) => <kbd>{key}</kbd>}</For>
              </dt>
              <dd>{does}</dd>
            </div>
          )}
        </For>
      </dl>
      <label class="check">
        <input
          type="checkbox"
          checked={areKeysOn()}
          onChange={(event) => switchKeys(event.currentTarget.checked)}
        />
        Use these keys
      </label>
      <div class="dialog-actions">
        <button type="button" class="primary" onClick={props.onClose}>
          Close
        </button>
      </div>
    </Dialog>
  )
}
