import {
  type Disturbance,
  type Evidence,
  type HistoryEvent,
  newRecord,
  type SubmissionRecord,
} from '../../../../src/cli/chaos/evidence.ts'
import type { Fault } from '../../../../src/cli/chaos/faults.ts'
import type { AttemptRow, TaskRow } from '../../../../src/shared/store/evidence.ts'

/** A history in which everything was kept: tasks that completed, failed, were lost, retried and cancelled. */
export function goodEvidence(): Evidence {
  return {
    submissions: [
      ...['done', 'retried', 'spent', 'moved', 'doomed', 'stopped', 'never', 'timed'].map((id) =>
        submission(id, { cancelAsked: id === 'stopped' || id === 'never', cancelConfirmed: id === 'never' }),
      ),
      submission('after', { dependsOn: ['done', 'moved'] }),
      ...['blaming', 'skipped', 'anyway'].map((id) => submission(id, { dependsOn: ['spent'] })),
      submission('thawed', {
        acknowledgedAt: 26_000,
        scheduledAt: 90_000,
        runNowAskedAt: 26_050,
        runNowConfirmedAt: 26_070,
      }),
      submission('drained', { acknowledgedAt: 45_000, retryAsked: true }),
      submission('deleted', { discardAsked: true, discardConfirmed: true }),
      submission('kept', { acknowledgedAt: 45_000, discardAsked: true, cancelAsked: true }),
    ],
    tasks: [
      task('done', { state: 'completed', completedAt: 150, scheduleId: 's', tickAt: 2000 }),
      task('retried', {
        state: 'completed',
        completedAt: 400,
        attempt: 2,
        failures: 1,
        maxRetries: 1,
        pickedAt: 300,
      }),
      task('spent', { state: 'failed', failedAt: 150, failures: 1, error: 'simulated failure' }),
      task('moved', { state: 'completed', completedAt: 400, attempt: 2, losses: 1, pickedAt: 300 }),
      task('doomed', {
        state: 'failed',
        failedAt: 900,
        losses: 5,
        attempt: 5,
        error: 'worker lost 5 times',
        pickedAt: 500,
      }),
      task('stopped', { state: 'cancelled', cancelledAt: 150 }),
      task('never', { state: 'cancelled', cancelledAt: 150, attempt: 1, pickedAt: null, workerId: null }),
      task('timed', {
        state: 'failed',
        failedAt: 200,
        failures: 1,
        timeoutMs: 50,
        error: 'timed out after 50 ms',
      }),
      task('after', { state: 'completed', completedAt: 560, pickedAt: 500 }),
      task('blaming', {
        state: 'failed',
        failedAt: 160,
        ...untouched,
        error: 'depends on spent, which failed',
      }),
      task('skipped', {
        ...{ state: 'cancelled', cancelledAt: 160, onParentFailure: 'skip' },
        ...{ ...untouched, error: 'depends on spent, which failed' },
      }),
      task('anyway', { state: 'completed', completedAt: 560, pickedAt: 500, onParentFailure: 'continue' }),
      task('thawed', { state: 'completed', completedAt: 26_200, pickedAt: 26_100, scheduledAt: 26_060 }),
      // It failed, and was given a new life in which it did not.
      task('drained', { state: 'completed', completedAt: 45_300, pickedAt: 45_200, attempt: 2 }),
      task('kept', { state: 'cancelled', cancelledAt: 45_100, ...untouched }),
    ],
    attempts: [
      past('retried', 1, 'failed', { error: 'simulated failure' }),
      past('moved', 1, 'lost'),
      ...[1, 2, 3, 4].map((attempt) => past('doomed', attempt, 'lost', { pickedAt: 100 * attempt })),
      past('never', 1, 'returned'),
      past('drained', 1, 'failed', { pickedAt: 45_000, error: 'simulated failure' }),
    ],
    history: [
      ...ran('done', 1, 110, 'completed'),
      ...ran('retried', 1, 110, 'failed'),
      ...ran('retried', 2, 310, 'completed'),
      ...ran('spent', 1, 110, 'failed'),
      // The worker was taken for dead and finished all the same, late.
      ...ran('moved', 1, 110, 'completed', 5000),
      ...ran('moved', 2, 310, 'completed'),
      ...[1, 2, 3, 4, 5].flatMap((attempt) => ran('doomed', attempt, 100 * attempt + 10)),
      ...ran('stopped', 1, 110, 'stopped'),
      ...ran('timed', 1, 110, 'stopped'),
      ...ran('after', 1, 510, 'completed'),
      ...ran('anyway', 1, 510, 'completed'),
      ...ran('thawed', 1, 26_110, 'completed'),
      ...ran('drained', 1, 45_010, 'failed'),
      ...ran('drained', 2, 45_210, 'completed').map((event) => ({ ...event, lines: 3 })),
    ],
    edges: [
      edge('after', 'done'),
      edge('after', 'moved'),
      ...['blaming', 'skipped', 'anyway'].map((id) => edge(id, 'spent')),
    ],
    schedules: [{ id: 's', everyMs: 1000, anchorAt: 1000, endsAt: 2999 }],
    ticks: [{ scheduleId: 's', tickAt: 2000, outcome: 'fired', taskId: 'done' }],
    counts: new Map(
      Object.entries({
        completed: 7,
        failed: 4,
        cancelled: 4,
        'ever:completed': 8,
        'ever:failed': 5,
        'ever:cancelled': 4,
        'worker:7': 8,
        'submitted:LOW': 16,
      }),
    ),
    lines: [{ taskId: 'drained', attempt: 2, lines: 3, different: 3 }],
    workers: [
      { id: 7, name: 'worker-1', pid: 1 },
      { id: 8, name: 'worker-2', pid: 2 },
    ],
    clockErrorMs: 1,
    maxLosses: 5,
    weather: 'still',
    disturbances: [
      disturbance({ atMs: 0, kind: 'freeze', process: 'worker-1', forMs: 49_900 }, 50_000, {
        targets: ['worker-1'],
        from: 100,
      }),
      disturbance({ atMs: 0, kind: 'frozen-database', slowMs: 0, forMs: 5000 }, 25_000, {
        ...{ from: 19_500, inForceFrom: 20_000 },
      }),
      disturbance({ atMs: 0, kind: 'terminate', process: 'worker-2' }, 40_000, {
        ...{ targets: ['worker-2'], pids: [2] },
      }),
    ],
    ends: [],
    readiness: [sample(22_000, 200), sample(24_000, 503), sample(26_000, 200), sample(61_000, 200)],
    serverErrors: [{ status: 503, at: 24_000 }],
    liftedAt: 60_000,
  }
}

export const disturbance = (fault: Fault, to: number, rest: Partial<Disturbance> = {}): Disturbance => ({
  ...{ what: fault.kind, fault, from: to, inForceFrom: null, to, targets: [], pids: [] },
  ...rest,
})

export const sample = (at: number, status: number) => ({ url: 'a', at, answeredAt: at + 10, status })

export const edge = (taskId: string, dependsOn: string) => ({ taskId, dependsOn })
/** Of a task that no worker had. */
const untouched = { attempt: 0, pickedAt: null, workerId: null }

export const submission = (id: string, rest: Partial<SubmissionRecord> = {}): SubmissionRecord => ({
  ...newRecord(`key-${id}`),
  acknowledged: [id],
  acknowledgedAt: 80,
  ...rest,
})

export const task = (id: string, rest: Partial<TaskRow>): TaskRow => ({
  id,
  state: 'pending',
  attempt: 1,
  maxRetries: 0,
  timeoutMs: null,
  failures: 0,
  losses: 0,
  scheduledAt: 90,
  pickedAt: 100,
  startedAt: null,
  completedAt: null,
  failedAt: null,
  cancelledAt: null,
  workerId: 7,
  error: null,
  idempotencyKey: `key-${id}`,
  scheduleId: null,
  tickAt: null,
  onParentFailure: 'fail',
  ...rest,
})

export const past = (
  taskId: string,
  attempt: number,
  outcome: AttemptRow['outcome'],
  rest: Partial<AttemptRow> = {},
): AttemptRow => ({
  ...{ taskId, attempt, workerId: 7, outcome, pickedAt: 100, startedAt: 110, endedAt: 140, error: null },
  ...rest,
})

export function ran(
  taskId: string,
  attempt: number,
  at: number,
  end?: HistoryEvent['event'],
  endedAt = at + 10,
): HistoryEvent[] {
  const event = { taskId, attempt, pid: 1, lines: 0 }
  const start: HistoryEvent = { ...event, event: 'start', at }
  return end ? [start, { ...event, event: end, at: endedAt }] : [start]
}
