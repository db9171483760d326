import { A, useNavigate, useParams, useSearchParams } from '@solidjs/router'
import { useQuery } from '@tanstack/solid-query'
import { Show } from 'solid-js'
import { api, type Schedule } from '../api.ts'
import { useDialogs } from '../dialogs.ts'
import { formatDuration, formatInstant, formatUtc } from '../format.ts'
import { ConfirmDialog } from '../parts/ConfirmDialog.tsx'
import { CopyButton } from '../parts/CopyButton.tsx'
import { Empty } from '../parts/Empty.tsx'
import { Ledger } from '../parts/Ledger.tsx'
import { ScheduleForm } from '../parts/ScheduleForm.tsx'
import { ScheduleMark } from '../parts/ScheduleMark.tsx'
import { queries } from '../queries.ts'
import { isInvalid, isNotFound, reasonOf } from '../reason.ts'
import { doToSchedule, refetchSchedules, timingOf } from '../schedules.ts'
import { useTitle } from '../title.ts'
import { tellDone } from '../toasts.ts'

/** One recurring schedule and what became of its ticks. */
export default function RecurringPage() {
  const params = useParams<{ id: string }>()
  const found = useQuery(() => queries.schedule(params.id))
  useTitle(() => found.data?.name ?? 'Schedule')
  return (
    <Show
      when={!found.error && found.data}
      fallback={
        <Show when={found.error} fallback={<p class="soft">Loading …</p>}>
          <Show
            when={isNotFound(found.error) || isInvalid(found.error)}
            fallback={
              <Empty level="h1" title="The schedule cannot be shown" text={reasonOf(found.error)}>
                <button type="button" class="primary" onClick={() => found.refetch()}>
                  Try again
                </button>
              </Empty>
            }
          >
            <Empty level="h1" title="There is no such schedule" text="It may have been deleted.">
              <A href="/schedules" class="button primary">
                See all schedules
              </A>
            </Empty>
          </Show>
        </Show>
      }
    >
      {(schedule) => <Found schedule={schedule()} />}
    </Show>
  )
}

function Found(props: { schedule: Schedule }) {
  const [params, setParams] = useSearchParams<{ edit?: string }>()
  const leave = () => setParams({ edit: null })
  return (
    <>
      <header class="page-head">
        <div>
          <p>
            <ScheduleMark state={props.schedule.state} />
          </p>
          <h1>{props.schedule.name}</h1>
          <p class="soft">
            <code>{props.schedule.id}</code> <CopyButton text={props.schedule.id} label="Copy the id" />
          </p>
        </div>
        <Deeds schedule={props.schedule} onEdit={() => setParams({ edit: '1' })} />
      </header>
      <Show when={params.edit}>
        <div class="narrow">
          <ScheduleForm
            schedule={props.schedule}
            submitName="Save schedule"
            onCancel={leave}
            onSave={async (fields) => {
              const { id, version } = props.schedule
              await api.schedules.edit.mutate({ ...fields, schedule_id: id, version })
              tellDone(`Schedule ${fields.name} saved`)
              await refetchSchedules()
              leave()
            }}
          />
        </div>
      </Show>
      <div class="columns">
        <Ledger schedule={props.schedule} />
        <Facts schedule={props.schedule} />
      </div>
    </>
  )
}

function Facts(props: { schedule: Schedule }) {
  return (
    <section class="panel" aria-labelledby="facts-title">
      <h2 id="facts-title">Facts</h2>
      <dl class="facts">
        <dt>When</dt>
        <dd class="mono">{timingOf(props.schedule)}</dd>
        <dt>Next tick</dt>
        <dd>
          <Show when={props.schedule.next_at} fallback="None">
            {(at) => <Instant at={at()} />}
          </Show>
        </dd>
        <Show when={props.schedule.starts_at}>
          {(at) => (
            <>
              <dt>Starts</dt>
              <dd>
                <Instant at={at()} />
              </dd>
            </>
          )}
        </Show>
        <Show when={props.schedule.ends_at}>
          {(at) => (
            <>
              <dt>Ends</dt>
              <dd>
                <Instant at={at()} />
              </dd>
            </>
          )}
        </Show>
        <dt>Overlap</dt>
        <dd>
          {props.schedule.overlap}
          {props.schedule.queued_ticks > 0 ? `, ${props.schedule.queued_ticks} waiting` : ''}
        </dd>
        <dt>Catch up</dt>
        <dd>
          {props.schedule.catch_up}
          {props.schedule.catch_up === 'skip'
            ? ''
            : `, within ${formatDuration(props.schedule.catch_up_window_ms)}`}
        </dd>
        <dt>Version</dt>
        <dd>{props.schedule.version}</dd>
        <dt>Created</dt>
        <dd>
          <Instant at={props.schedule.created_at} />
        </dd>
      </dl>
      <h2>Task of each tick</h2>
      <pre class="result">{JSON.stringify(props.schedule.task, null, 2)}</pre>
    </section>
  )
}

function Instant(props: { at: string }) {
  return <span title={formatUtc(new Date(props.at))}>{formatInstant(new Date(props.at))}</span>
}

function Deeds(props: { schedule: Schedule; onEdit: () => void }) {
  const dialogs = useDialogs()
  const navigate = useNavigate()
  const isPaused = () => props.schedule.state === 'paused'
  return (
    <div class="choice">
      <button type="button" onClick={() => doToSchedule(isPaused() ? 'resume' : 'pause', props.schedule)}>
        {isPaused() ? 'Resume' : 'Pause'}
      </button>
      <button type="button" onClick={() => doToSchedule('runNow', props.schedule)}>
        Run now
      </button>
      <button type="button" onClick={props.onEdit}>
        Edit
      </button>
      <button type="button" class="danger" onClick={() => dialogs.open('delete')}>
        Delete
      </button>
      <Show when={dialogs.name() === 'delete'}>
        <ConfirmDialog
          title="Delete this schedule?"
          text="It is deleted with its ledger, for good. The tasks that it started stay."
          keep="Keep it"
          confirm="Delete schedule"
          onConfirm={async () => {
            dialogs.close()
            if (await doToSchedule('delete', props.schedule)) navigate('/schedules')
          }}
          onClose={dialogs.close}
        />
      </Show>
    </div>
  )
}
