import { A, useNavigate, useParams, useSearchParams } from '@solidjs/router'
import { useQuery } from '@tanstack/solid-query'
import { createEffect, createSignal, For, onCleanup, Show } from 'solid-js'
import type { ExecutorName } from '../../../src/shared/core/task.ts'
import { ACTIONS, type Action, applies, DEEDS, doToOne, isEnded } from '../actions.ts'
import { api, type TaskDetail } from '../api.ts'
import { useDialogs } from '../dialogs.ts'
import { live } from '../events.ts'
import { formatInstant, formatUtc, priorityName, shortId } from '../format.ts'
import { createOutput } from '../output.ts'
import { ConfirmDialog } from '../parts/ConfirmDialog.tsx'
import { CopyButton } from '../parts/CopyButton.tsx'
import { Empty } from '../parts/Empty.tsx'
import { OutputPanel } from '../parts/OutputPanel.tsx'
import { Relatives } from '../parts/Relatives.tsx'
import { ResultPanel } from '../parts/ResultPanel.tsx'
import { StateMark } from '../parts/StateMark.tsx'
import { Timeline } from '../parts/Timeline.tsx'
import { WhyPanel } from '../parts/WhyPanel.tsx'
import { queries, queryClient } from '../queries.ts'
import { isInvalid, isNotFound, reasonOf } from '../reason.ts'
import { useTitle } from '../title.ts'
import { tellDone, tellFailed } from '../toasts.ts'

const FOLLOW_MS = 1000

/** One task: what became of it, attempt by attempt. */
export default function TaskPage() {
  const params = useParams<{ id: string }>()
  const task = useQuery(() => ({
    ...queries.task(params.id),
    refetchInterval: ({ state }: { state: { data?: TaskDetail | undefined } }) =>
      state.data && isEnded(state.data.state) ? false : FOLLOW_MS,
  }))
  useTitle(() => `Task ${shortId(params.id)}`)
  return (
    <Show
      when={!task.error && task.data}
      fallback={
        <Show when={task.error} fallback={<p class="soft">Loading …</p>}>
          <Show
            when={isNotFound(task.error) || isInvalid(task.error)}
            fallback={
              <Empty level="h1" title="The task cannot be shown" text={reasonOf(task.error)}>
                <button type="button" class="primary" onClick={() => task.refetch()}>
                  Try again
                </button>
              </Empty>
            }
          >
            <Empty
              level="h1"
              title="There is no such task"
              text="It may have been discarded, or kept for its time and then removed."
            >
              <A href="/tasks" class="button primary">
                See all tasks
              </A>
            </Empty>
          </Show>
        </Show>
      }
    >
      {(shown) => <Found task={shown()} />}
    </Show>
  )
}

function Found(props: { task: TaskDetail }) {
  const [params] = useSearchParams<{ attempt?: string }>()
  const output = createOutput(
    () => props.task.id,
    () => isEnded(props.task.state),
  )
  // It may have ended between two looks.
  createEffect(() => {
    const state = output.standing()?.state
    if (state && isEnded(state) && !isEnded(props.task.state)) {
      void queryClient.invalidateQueries({ queryKey: ['task', props.task.id] })
    }
  })
  const [now, setNow] = createSignal(live.shownAt())
  const timer = setInterval(() => isEnded(props.task.state) || setNow(live.shownAt()), 200)
  onCleanup(() => clearInterval(timer))
  return (
    <>
      <header class="page-head">
        <div>
          <p class="task-state">
            <StateMark state={props.task.state} />
            <Show when={props.task.cancel_requested_at && !isEnded(props.task.state)}>
              <span class="soft">, told to stop</span>
            </Show>
          </p>
          <h1>{props.task.name || props.task.command}</h1>
          <p class="soft">
            <code>{props.task.id}</code> <CopyButton text={props.task.id} label="Copy the id" />
          </p>
        </div>
        <Deeds task={props.task} />
      </header>
      <Show when={props.task.state === 'pending' || props.task.state === 'retrying'}>
        <WhyPanel taskId={props.task.id} />
      </Show>
      <section class="panel" aria-labelledby="attempts-title">
        <h2 id="attempts-title">Attempts</h2>
        <Show
          when={props.task.attempts.length > 0}
          fallback={
            <p class="soft">
              {isEnded(props.task.state)
                ? 'It ended before a worker had it.'
                : `No worker has it yet. It is due at ${formatInstant(new Date(props.task.due_at))}.`}
            </p>
          }
        >
          <Timeline task={props.task} now={now()} chosen={Number(params.attempt) || null} />
        </Show>
      </section>
      <Show when={output.lines().length > 0 || props.task.executor !== 'simulate'}>
        <OutputPanel id={props.task.id} isEnded={isEnded(props.task.state)} output={output} />
      </Show>
      <Relatives task={props.task} />
      <div class="columns">
        <ResultPanel task={props.task} progress={output.standing()?.progress ?? props.task.progress} />
        <Facts task={props.task} />
      </div>
    </>
  )
}

function Facts(props: { task: TaskDetail }) {
  const times = () =>
    (
      [
        'scheduled_at',
        'picked_at',
        'started_at',
        'completed_at',
        'failed_at',
        'cancelled_at',
        'retry_at',
      ] as const
    )
      .map((field) => [field, props.task[field]] as const)
      .filter((pair): pair is readonly [(typeof pair)[0], string] => pair[1] !== null)
  const named = (field: string) => field[0]!.toUpperCase() + field.slice(1, -3)
  return (
    <section class="panel" aria-labelledby="facts-title">
      <h2 id="facts-title">Facts</h2>
      <dl class="facts">
        <For each={times()}>
          {([field, time]) => (
            <>
              <dt>{named(field)}</dt>
              <dd title={formatUtc(new Date(time))}>{formatInstant(new Date(time))}</dd>
            </>
          )}
        </For>
        <Show when={props.task.worker_id !== null}>
          <dt>Worker</dt>
          <dd>
            <A href={`/workers/${props.task.worker_id}`}>{props.task.worker ?? props.task.worker_id}</A>
          </dd>
        </Show>
        <Show when={props.task.schedule_id}>
          {(id) => (
            <>
              <dt>Schedule</dt>
              <dd>
                <A href={`/schedules/${id()}`}>{shortId(id())}</A>
              </dd>
            </>
          )}
        </Show>
        <dt>Priority</dt>
        <dd>{priorityName(props.task.priority)}</dd>
        <dt>Queue</dt>
        <dd>
          <A href="/queues">{props.task.queue}</A>
        </dd>
        <Show when={props.task.concurrency_key}>
          {(key) => (
            <>
              <dt>Concurrency key</dt>
              <dd class="mono">{key()}</dd>
            </>
          )}
        </Show>
        <Show when={props.task.labels.length > 0}>
          <dt>Labels</dt>
          <dd>{props.task.labels.join(', ')}</dd>
        </Show>
        <dt>Attempts</dt>
        <dd>
          {props.task.attempt}, {props.task.failures} failed, {props.task.losses} lost with a worker
        </dd>
        <dt>Retries</dt>
        <dd>up to {props.task.max_retries}</dd>
        <dt>Executor</dt>
        <dd>{props.task.executor}</dd>
      </dl>
    </section>
  )
}

function Deeds(props: { task: TaskDetail }) {
  const dialogs = useDialogs()
  const navigate = useNavigate()
  const [isBusy, setBusy] = createSignal(false)
  const asked = () =>
    dialogs.name() === 'cancel' || dialogs.name() === 'discard'
      ? (dialogs.name() as 'cancel' | 'discard')
      : null

  async function run(what: string, work: () => Promise<unknown>) {
    setBusy(true)
    try {
      await work()
      tellDone(`Task ${what}`)
      await queryClient.invalidateQueries({ queryKey: ['task', props.task.id] })
    } catch (error) {
      tellFailed(`The task was not ${what}: ${reasonOf(error)}`)
    } finally {
      setBusy(false)
    }
  }
  const perform = (action: Action) =>
    run(DEEDS[action].done, async () => {
      await doToOne(action, props.task.id)
      if (action === 'discard') navigate('/tasks')
    })
  const duplicate = () =>
    run('duplicated', async () => {
      const { command, name, description, executor, priority, payload, max_retries, timeout_ms } = props.task
      const { queue, concurrency_key, labels } = props.task
      const copy = await api.tasks.submit.mutate({
        command,
        name,
        description,
        executor: executor as ExecutorName,
        priority,
        payload,
        max_retries,
        timeout_ms,
        queue,
        concurrency_key,
        labels,
      })
      navigate(`/tasks/${copy.task_id}`)
    })

  return (
    <div class="choice">
      <For each={ACTIONS.filter((action) => applies(action, props.task.state))}>
        {(action) => (
          <button
            type="button"
            classList={{ danger: DEEDS[action].destroys }}
            disabled={isBusy()}
            onClick={() =>
              DEEDS[action].destroys ? dialogs.open(action as 'cancel' | 'discard') : perform(action)
            }
          >
            {DEEDS[action].name}
          </button>
        )}
      </For>
      <button type="button" disabled={isBusy()} onClick={duplicate}>
        Duplicate
      </button>
      <Show when={asked()}>
        {(action) => (
          <ConfirmDialog
            title={`${DEEDS[action()].name} this task?`}
            text={
              action() === 'cancel'
                ? 'If it runs, its worker is told to stop it; if it waits, it never starts.'
                : 'It is deleted with its history, for good.'
            }
            keep="Keep it"
            confirm={`${DEEDS[action()].name} task`}
            onConfirm={() => {
              const chosen = action()
              dialogs.close()
              perform(chosen)
            }}
            onClose={dialogs.close}
          />
        )}
      </Show>
    </div>
  )
}
