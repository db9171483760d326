import { A, useParams } from '@solidjs/router'
import { useQuery } from '@tanstack/solid-query'
import { createMemo, createSignal, For, Show } from 'solid-js'
import type { WorkflowGraph as Graph } from '../api.ts'
import { useDialogs } from '../dialogs.ts'
import { formatDuration, formatInstant, formatUtc, plural, shortId } from '../format.ts'
import { ConfirmDialog } from '../parts/ConfirmDialog.tsx'
import { Empty } from '../parts/Empty.tsx'
import { StateMark } from '../parts/StateMark.tsx'
import { WorkflowGraph } from '../parts/WorkflowGraph.tsx'
import { queries } from '../queries.ts'
import { isInvalid, isNotFound, reasonOf } from '../reason.ts'
import { useTitle } from '../title.ts'
import { describeCounts, doToWorkflow } from '../workflows.ts'

/** More are not drawn: nobody would find anything in that. */
const DRAWN = 150
/** Rows of the table, until more are asked for. */
const LISTED = 100

/** One workflow: its graph, and its tasks one by one. */
export default function WorkflowPage() {
  const params = useParams<{ id: string }>()
  const workflow = useQuery(() => queries.workflow(params.id))
  useTitle(() => workflow.data?.name || `Workflow ${shortId(params.id)}`)
  return (
    <Show
      when={!workflow.error && workflow.data}
      fallback={
        <Show when={workflow.error} fallback={<p class="soft">Loading …</p>}>
          <Show
            when={isNotFound(workflow.error) || isInvalid(workflow.error)}
            fallback={
              <Empty level="h1" title="The workflow cannot be shown" text={reasonOf(workflow.error)}>
                <button type="button" class="primary" onClick={() => workflow.refetch()}>
                  Try again
                </button>
              </Empty>
            }
          >
            <Empty
              level="h1"
              title="There is no such workflow"
              text="It goes with its tasks: those may have been discarded, or kept for their time and then removed."
            >
              <A href="/workflows" class="button primary">
                See all workflows
              </A>
            </Empty>
          </Show>
        </Show>
      }
    >
      {(shown) => <Found workflow={shown()} />}
    </Show>
  )
}

function Found(props: { workflow: Graph }) {
  return (
    <>
      <header class="page-head">
        <div>
          <p class="task-state">
            <StateMark state={props.workflow.state} />
            <span class="soft" title={formatUtc(new Date(props.workflow.created_at))}>
              , created {formatInstant(new Date(props.workflow.created_at))}
            </span>
          </p>
          <h1>{props.workflow.name || `Workflow ${shortId(props.workflow.id)}`}</h1>
          <p class="soft">{describeCounts(props.workflow.counts)}</p>
        </div>
        <Deeds workflow={props.workflow} />
      </header>
      <Show
        when={props.workflow.tasks.length <= DRAWN}
        fallback={<p class="soft">{plural(props.workflow.tasks.length, 'task')}: too many to draw.</p>}
      >
        <WorkflowGraph workflow={props.workflow} />
      </Show>
      <Listed workflow={props.workflow} />
    </>
  )
}

function Listed(props: { workflow: Graph }) {
  const [limit, setLimit] = createSignal(LISTED)
  const parents = createMemo(() => {
    const keys = new Map(props.workflow.tasks.map(({ task_id, key }) => [task_id, key]))
    const found = new Map<string, { id: string; key: string }[]>()
    for (const { task_id, depends_on } of props.workflow.edges) {
      const parent = { id: depends_on, key: keys.get(depends_on) ?? shortId(depends_on) }
      found.set(task_id, [...(found.get(task_id) ?? []), parent])
    }
    return found
  })
  return (
    <section class="panel table-panel" aria-label="Tasks of the workflow" tabindex="0">
      <table>
        <thead>
          <tr>
            <th scope="col">Key</th>
            <th scope="col">State</th>
            <th scope="col">Took</th>
            <th scope="col">Waits for</th>
            <th scope="col">Error</th>
          </tr>
        </thead>
        <tbody>
          <For each={props.workflow.tasks.slice(0, limit())}>
            {(task) => (
              <tr>
                <th scope="row">
                  <A href={`/tasks/${task.task_id}`} class="line-link">
                    {task.key}
                  </A>
                </th>
                <td>
                  <StateMark state={task.state} />
                </td>
                <td>{task.duration === null ? '–' : formatDuration(1000 * task.duration)}</td>
                <td>
                  <span class="relatives">
                    <For each={parents().get(task.task_id)} fallback="–">
                      {({ id, key }) => <A href={`/tasks/${id}`}>{key}</A>}
                    </For>
                  </span>
                </td>
                <td>{task.error ?? ''}</td>
              </tr>
            )}
          </For>
        </tbody>
      </table>
      <Show when={props.workflow.tasks.length > limit()}>
        <button type="button" onClick={() => setLimit((rows) => rows + LISTED)}>
          More
        </button>
      </Show>
    </section>
  )
}

function Deeds(props: { workflow: Graph }) {
  const dialogs = useDialogs()
  const [isBusy, setBusy] = createSignal(false)
  const ended = () => props.workflow.counts.failed + props.workflow.counts.cancelled
  async function perform(action: 'cancel' | 'retry') {
    setBusy(true)
    await doToWorkflow(action, props.workflow.id)
    setBusy(false)
  }
  return (
    <div class="choice">
      <Show when={props.workflow.state === 'running'}>
        <button type="button" class="danger" disabled={isBusy()} onClick={() => dialogs.open('cancel')}>
          Cancel
        </button>
      </Show>
      <Show when={ended() > 0}>
        <button type="button" disabled={isBusy()} onClick={() => perform('retry')}>
          Retry what failed
        </button>
      </Show>
      <Show when={dialogs.name() === 'cancel'}>
        <ConfirmDialog
          title="Cancel this workflow?"
          text="What runs is told to stop; what waits never starts."
          keep="Keep it"
          confirm="Cancel workflow"
          onConfirm={() => {
            dialogs.close()
            perform('cancel')
          }}
          onClose={dialogs.close}
        />
      </Show>
    </div>
  )
}
