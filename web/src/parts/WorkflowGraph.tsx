import { A } from '@solidjs/router'
import { createMemo, For } from 'solid-js'
import type { WorkflowGraph as Graph } from '../api.ts'
import { NODE, placeGraph } from '../graph.ts'
import { StateMark } from './StateMark.tsx'

/** The tasks of a workflow, each a link with its state, and lines to those that wait for it. */
export function WorkflowGraph(props: { workflow: Graph }) {
  const ids = createMemo(() => props.workflow.tasks.map((task) => task.task_id), [], {
    equals: (before, after) => before.join() === after.join(),
  })
  // What depends on what does not change: only the states do.
  const placed = createMemo(() => placeGraph(ids(), props.workflow.edges))
  const task = createMemo(() => new Map(props.workflow.tasks.map((one) => [one.task_id, one])))
  return (
    <section class="panel graph" aria-label="Graph" tabindex="0">
      <div class="graph-area" style={{ width: `${placed().width}px`, height: `${placed().height}px` }}>
        <svg width={placed().width} height={placed().height} aria-hidden="true">
          <For each={placed().lines}>
            {({ from, path }) => (
              <path
                d={path}
                class={task().get(from)?.state === 'completed' ? 'graph-line done' : 'graph-line'}
              />
            )}
          </For>
        </svg>
        <For each={placed().nodes}>
          {({ id, x, y }) => (
            <A
              href={`/tasks/${id}`}
              class={`graph-node graph-${task().get(id)?.state}`}
              style={{ left: `${x}px`, top: `${y}px`, width: `${NODE.width}px`, height: `${NODE.height}px` }}
            >
              <span class="graph-key">{task().get(id)?.key}</span>
              <StateMark state={task().get(id)?.state ?? 'pending'} />
            </A>
          )}
        </For>
      </div>
    </section>
  )
}
