import { A } from '@solidjs/router'
import { createMemo, Show } from 'solid-js'
import type { TaskRow } from '../api.ts'
import { live } from '../events.ts'
import { expectedRunMs } from '../expected.ts'
import { formatDuration, formatInstant, priorityName, shortId } from '../format.ts'
import { standingOf } from '../live/standing.ts'
import type { Selection } from '../selection.ts'
import { StateMark } from './StateMark.tsx'

export const ROW_HEIGHT = 40

export interface TaskLineProps {
  index: number
  /** Not there while it is loaded. */
  task: TaskRow | undefined
  now: number
  selection: Selection
  tabbable: boolean
  onFocus: () => void
}

export function TaskLine(props: TaskLineProps) {
  return (
    <div
      class="task-row"
      role="row"
      aria-rowindex={props.index + 2}
      aria-selected={props.task ? props.selection.has(props.task.id) : false}
      data-index={props.index}
      data-id={props.task?.id}
      tabindex={props.tabbable ? 0 : -1}
      style={{ top: `${props.index * ROW_HEIGHT}px` }}
      onFocus={props.onFocus}
    >
      <Show
        when={props.task}
        fallback={
          <span role="gridcell" class="soft">
            Loading …
          </span>
        }
      >
        {(task) => <Cells {...props} task={task()} />}
      </Show>
    </div>
  )
}

function Cells(props: TaskLineProps & { task: TaskRow }) {
  const standing = createMemo(() => {
    live.beat()
    return standingOf(props.task, live.ring)
  })
  const due = () => Date.parse(props.task.due_at)
  const waitMs = () => Math.max(0, (standing().startedAt ?? standing().endedAt ?? props.now) - due())
  const runMs = () => (standing().endedAt ?? props.now) - standing().startedAt!
  return (
    <>
      <span role="gridcell">
        <label class="pick">
          <input
            type="checkbox"
            tabindex="-1"
            aria-label={`Select ${shortId(props.task.id)}`}
            checked={props.selection.has(props.task.id)}
            onClick={(event) => props.selection.turn(props.task.id, event.shiftKey)}
          />
        </label>
      </span>
      <span role="gridcell">
        <A href={`/tasks/${props.task.id}`} class="mono" tabindex="-1" title={props.task.id}>
          {shortId(props.task.id)}
        </A>
      </span>
      <span role="gridcell" title={props.task.name}>
        {props.task.name || <span class="soft">–</span>}
      </span>
      <span role="gridcell" class="mono" title={props.task.command}>
        {props.task.command}
      </span>
      <span role="gridcell">
        <StateMark state={standing().state} />
      </span>
      <span role="gridcell">{priorityName(props.task.priority)}</span>
      <span role="gridcell">
        <Show when={standing().worker_id} fallback={<span class="soft">–</span>}>
          {(id) => (
            <>
              {live.nameOf(id()) === `worker ${id()}` ? (props.task.worker ?? id()) : live.nameOf(id())}
              {standing().slot === null ? '' : ` · ${standing().slot! + 1}`}
            </>
          )}
        </Show>
      </span>
      <span role="gridcell" class="number">
        {standing().attempt}
      </span>
      <span role="gridcell">{formatInstant(new Date(props.task.scheduled_at))}</span>
      <span role="gridcell" class="number">
        {standing().endedAt !== null && due() > standing().endedAt!
          ? '–'
          : due() > props.now
            ? `in ${formatDuration(due() - props.now)}`
            : formatDuration(waitMs())}
      </span>
      <span role="gridcell" class="number">
        {standing().startedAt === null ? '–' : formatDuration(runMs())}
      </span>
      <span role="gridcell">
        <Show when={standing().state === 'running' && standing().startedAt !== null}>
          <Progress ranMs={runMs()} expectedMs={expectedRunMs(props.task)} />
        </Show>
      </span>
    </>
  )
}

/** Elapsed ÷ expected: an estimate, and said to be one; without a measure there is no percentage. */
function Progress(props: { ranMs: number; expectedMs: number | null }) {
  const isKnown = () => props.expectedMs !== null && props.ranMs <= props.expectedMs
  return (
    <Show
      when={isKnown()}
      fallback={<progress aria-label="Progress, unknown" title="How long it takes is not known" />}
    >
      <progress
        max={props.expectedMs!}
        value={props.ranMs}
        aria-label="Progress, estimated"
        title={`About ${Math.round((props.ranMs / props.expectedMs!) * 100)} %, an estimate from how long tasks take`}
      />
    </Show>
  )
}
