import { A } from '@solidjs/router'
import { useQuery } from '@tanstack/solid-query'
import { Show } from 'solid-js'
import { plural } from '../format.ts'
import { queries } from '../queries.ts'

const LISTED = 3

/** Says that queues are paused: their tasks wait, whatever workers there are. */
export default function PausedQueues() {
  const list = useQuery(() => queries.queues())
  const paused = () => list.data?.filter(({ state }) => state === 'paused') ?? []
  const due = () => paused().reduce((sum, queue) => sum + queue.due, 0)
  const named = () => {
    const names = paused().map(({ name, paused_by }) => name + (paused_by ? ` by ${paused_by}` : ''))
    return names.length > LISTED
      ? `${names.slice(0, LISTED).join(', ')} and ${names.length - LISTED} more`
      : names.join(', ')
  }
  return (
    <Show when={paused().length > 0}>
      <div class="notice">
        <span>
          <strong>{plural(paused().length, 'queue')} paused:</strong> {named()}.
          <Show when={due() > 0}> {plural(due(), 'due task')} there will not start.</Show>
        </span>
        <A class="button" href="/queues">
          See the queues
        </A>
      </div>
    </Show>
  )
}
