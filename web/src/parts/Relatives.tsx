import { A } from '@solidjs/router'
import { For, Show } from 'solid-js'
import { headOf } from '../../../src/shared/core/text.ts'
import type { TaskDetail } from '../api.ts'
import { plural, shortId } from '../format.ts'
import { StateMark } from './StateMark.tsx'

/** What a task waits for and what needs it; nothing for most. */
export function Relatives(props: { task: TaskDetail }) {
  const left = () => props.task.dependents_count - props.task.dependents.length
  return (
    <Show when={props.task.depends_on.length + props.task.dependents.length > 0}>
      <section class="panel" aria-labelledby="relatives-title">
        <h2 id="relatives-title">Dependencies</h2>
        <Show when={props.task.workflow_id}>
          {(id) => (
            <p>
              <A href={`/workflows/${id()}`} class="line-link">
                Its workflow
              </A>
            </p>
          )}
        </Show>
        <Listed title="Waits for" tasks={props.task.depends_on} />
        <Listed title="Needed by" tasks={props.task.dependents} />
        <Show when={left() > 0}>
          <p class="soft">and {plural(left(), 'more task')}</p>
        </Show>
      </section>
    </Show>
  )
}

function Listed(props: { title: string; tasks: TaskDetail['depends_on'] }) {
  return (
    <Show when={props.tasks.length > 0}>
      <h3>{props.title}</h3>
      <ul class="plain-list" aria-label={props.title}>
        <For each={props.tasks}>
          {({ task_id, key, name, command, state }) => (
            <li>
              <Show when={state} fallback={<span class="soft">{shortId(task_id)}, deleted</span>}>
                {(known) => (
                  <>
                    <A href={`/tasks/${task_id}`} class="line-link">
                      {key || name || headOf(command, 60)}
                    </A>{' '}
                    <StateMark state={known()} />
                  </>
                )}
              </Show>
            </li>
          )}
        </For>
      </ul>
    </Show>
  )
}
