import { describe, expect, test } from 'bun:test'
import { checkEvidence } from '../../../../src/cli/chaos/check.ts'
import { CHECKS } from '../../../../src/cli/chaos/checks.ts'
import type { Evidence, HistoryEvent, SubmissionRecord } from '../../../../src/cli/chaos/evidence.ts'
import type { AttemptRow, TaskRow } from '../../../../src/shared/store/evidence.ts'

/** A history in which everything was kept: tasks that completed, failed, were lost, retried and cancelled. */
function goodEvidence(): Evidence {
  return {
    submissions: [
      ...['done', 'retried', 'spent', 'moved', 'doomed', 'stopped', 'never', 'timed'].map((id) =>
        submission(id, { cancelAsked: id === 'stopped' || id === 'never', cancelConfirmed: id === 'never' }),
      ),
      submission('after', { dependsOn: ['done', 'moved'] }),
      ...['blaming', 'skipped', 'anyway'].map((id) => submission(id, { dependsOn: ['spent'] })),
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
    ],
    attempts: [
      past('retried', 1, 'failed', { error: 'simulated failure' }),
      past('moved', 1, 'lost'),
      ...[1, 2, 3, 4].map((attempt) => past('doomed', attempt, 'lost', { pickedAt: 100 * attempt })),
      past('never', 1, 'returned'),
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
        completed: 5,
        failed: 4,
        cancelled: 3,
        'ever:completed': 5,
        'ever:failed': 4,
        'ever:cancelled': 3,
        'worker:7': 5,
        'submitted:LOW': 12,
      }),
    ),
    clockErrorMs: 1,
    maxLosses: 5,
  }
}

const edge = (taskId: string, dependsOn: string) => ({ taskId, dependsOn })
/** Of a task that no worker had. */
const untouched = { attempt: 0, pickedAt: null, workerId: null }

const submission = (id: string, rest: Partial<SubmissionRecord> = {}): SubmissionRecord => ({
  key: `key-${id}`,
  acknowledged: [id],
  refusals: [],
  scheduledAt: null,
  dependsOn: [],
  cancelAsked: false,
  cancelConfirmed: false,
  ...rest,
})

const task = (id: string, rest: Partial<TaskRow>): TaskRow => ({
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

const past = (
  taskId: string,
  attempt: number,
  outcome: AttemptRow['outcome'],
  rest: Partial<AttemptRow> = {},
): AttemptRow => ({ taskId, attempt, outcome, pickedAt: 100, startedAt: 110, error: null, ...rest })

function ran(
  taskId: string,
  attempt: number,
  at: number,
  end?: HistoryEvent['event'],
  endedAt = at + 10,
): HistoryEvent[] {
  const event = { taskId, attempt, pid: 1 }
  const start: HistoryEvent = { ...event, event: 'start', at }
  return end ? [start, { ...event, event: end, at: endedAt }] : [start]
}

function violated(evidence: Evidence): string[] {
  return checkEvidence(evidence)
    .filter(({ violations }) => violations.length > 0)
    .map(({ name }) => name)
}

const find = <T extends { id: string }>(rows: T[], id: string) => rows.find((row) => row.id === id) as T

/** Each check, with what must make it fail. */
const BAD: Record<string, { [what: string]: (evidence: Evidence) => void }> = {
  'no acknowledged task is lost': {
    'an acknowledged task that is not in the table': (e) => {
      e.submissions.push(submission('gone'))
    },
  },
  'one idempotency key stands for one task': {
    'two acknowledgements of one key that name different tasks': (e) => {
      e.submissions[0]?.acknowledged.push('retried')
    },
    'a second task in the table under the same key': (e) => {
      e.tasks.push(task('twin', { state: 'completed', completedAt: 150, idempotencyKey: 'key-done' }))
    },
    'an answer that should not have been given': (e) => {
      e.submissions[0]?.refusals.push('409 conflict')
    },
  },
  'every task comes to one end': {
    'a task that runs for ever': (e) => {
      Object.assign(find(e.tasks, 'done'), { state: 'running', completedAt: null })
    },
    'a task that is both completed and cancelled': (e) => {
      find(e.tasks, 'done').cancelledAt = 160
    },
  },
  'the attempts of a task are numbered without a gap, each with one outcome': {
    'an attempt that is missing': (e) => {
      e.attempts = e.attempts.filter(({ taskId, attempt }) => taskId !== 'doomed' || attempt !== 3)
    },
    'an attempt with two outcomes': (e) => {
      e.attempts.push(past('moved', 1, 'failed', { error: 'simulated failure' }))
    },
    'an outcome both behind the task and in it': (e) => {
      e.attempts.push(past('done', 1, 'lost'))
    },
  },
  'the accepted outcome is the one that its attempt had': {
    'a success of an attempt that failed': (e) => {
      Object.assign(find(e.tasks, 'spent'), { state: 'completed', failedAt: null, completedAt: 150 })
    },
    'a success of an attempt that never ended': (e) => {
      e.history = e.history.filter(({ taskId, event }) => taskId !== 'done' || event === 'start')
    },
    'a failure of an attempt that succeeded': (e) => {
      Object.assign(find(e.tasks, 'done'), {
        state: 'failed',
        completedAt: null,
        failedAt: 150,
        failures: 1,
        error: 'simulated failure',
      })
    },
    'an earlier failure of an attempt that succeeded': (e) => {
      for (const event of e.history) if (event.event === 'failed') event.event = 'completed'
    },
    'a failure that no executor knows': (e) => {
      find(e.tasks, 'spent').error = 'something else'
    },
    'a time that is up before it was': (e) => {
      find(e.tasks, 'timed').timeoutMs = null
    },
    'a task given up before it lost enough workers': (e) => {
      find(e.tasks, 'doomed').losses = 4
    },
  },
  'nothing is cancelled that nobody cancelled': {
    'a cancelled task that nobody asked to cancel': (e) => {
      for (const record of e.submissions) record.cancelAsked = false
    },
  },
  'what was confirmed as cancelled stays so': {
    'a task that completed after its cancellation was confirmed': (e) => {
      Object.assign(e.submissions[0] as SubmissionRecord, { cancelAsked: true, cancelConfirmed: true })
    },
  },
  'failures and losses are charged as they happened': {
    'a loss that was charged as a failure': (e) => {
      Object.assign(find(e.tasks, 'moved'), { failures: 1, losses: 0 })
    },
    'a return that was charged': (e) => {
      find(e.tasks, 'never').losses = 2
    },
    'a task that failed with retries left': (e) => {
      find(e.tasks, 'spent').maxRetries = 3
    },
    'more retries than there were': (e) => {
      Object.assign(find(e.tasks, 'spent'), { failures: 2 })
    },
  },
  'nothing that finished is handed back': {
    'a success that was run again although its worker lived': (e) => {
      Object.assign(e.attempts.find(({ taskId }) => taskId === 'moved') as AttemptRow, {
        outcome: 'returned',
      })
      find(e.tasks, 'moved').losses = 0
    },
    'a failure that was forgotten': (e) => {
      e.history.push(...ran('never', 1, 110, 'failed'))
    },
  },
  'no attempt starts twice, nor ends twice': {
    'an attempt that two workers ran': (e) => {
      e.history.push({ taskId: 'done', attempt: 1, event: 'start', pid: 2, at: 120 })
    },
    'an attempt that ended twice': (e) => {
      e.history.push(...ran('done', 1, 0, 'failed').slice(1), ...ran('done', 1, 0, 'completed').slice(1))
    },
  },
  'what is to depend on others does': {
    'a dependency that was not stored': (e) => {
      e.edges.pop()
    },
  },
  'nothing starts before all that it depends on has ended well, and what depends on a failure ends as it is to':
    {
      'a start before what it depends on had ended': (e) => {
        e.history = e.history.map((row) =>
          row.taskId === 'done' && row.event === 'completed' ? { ...row, at: 520 } : row,
        )
      },
      'a start although what it depends on failed': (e) => {
        e.edges.push(edge('after', 'spent'))
      },
      'a start of what may go on, before the failure': (e) => {
        find(e.tasks, 'spent').failedAt = 530
      },
      'one that failed although it was to be skipped': (e) => {
        find(e.tasks, 'blaming').onParentFailure = 'skip'
      },
      'one that blames what it does not depend on': (e) => {
        find(e.tasks, 'blaming').error = 'depends on doomed, which failed'
      },
      'a dependency on nothing': (e) => {
        e.edges.push(edge('after', 'gone'))
      },
    },
  'nothing starts before its time': {
    'a start before the time in the table': (e) => {
      find(e.tasks, 'done').scheduledAt = 112
    },
    'a start before the time that was asked for': (e) => {
      Object.assign(e.submissions[0] as SubmissionRecord, { scheduledAt: 112 })
    },
  },
  'nothing starts before it is picked': {
    'a last attempt that started before it was picked': (e) => {
      find(e.tasks, 'done').pickedAt = 112
    },
    'an earlier attempt that started before it was picked': (e) => {
      Object.assign(e.attempts[0] as AttemptRow, { pickedAt: 112 })
    },
    'an attempt that the table does not know': (e) => {
      e.history.push(...ran('done', 3, 500))
    },
  },
  'what an older attempt reports after a newer one was picked is refused': {
    'a success that was taken from an attempt that was given up': (e) => {
      find(e.tasks, 'moved').attempt = 1
      e.attempts.push(past('moved', 2, 'lost'))
    },
    'a run after the task had ended': (e) => {
      e.history.push(...ran('done', 2, 500))
    },
  },
  'each tick of a schedule starts one task': {
    'a tick that is not in the ledger': (e) => {
      e.ticks.pop()
    },
    'a tick whose task was never stored': (e) => {
      Object.assign(find(e.tasks, 'done'), { tickAt: null })
    },
    'a tick that started two tasks': (e) => {
      e.tasks.push(task('twin', { state: 'completed', completedAt: 2050, scheduleId: 's', tickAt: 2000 }))
    },
    'a tick that was skipped': (e) => {
      e.ticks = e.ticks.map((row) => ({ ...row, outcome: 'skipped', taskId: null }))
    },
    'a row where there is no tick': (e) => {
      e.ticks.push({ scheduleId: 's', tickAt: 2500, outcome: 'fired', taskId: 'done' })
    },
  },
  'the counters equal the table': {
    'a counter that drifted': (e) => {
      e.counts.set('completed', 4)
    },
    'a state that counts tasks that are not there': (e) => {
      e.counts.set('running', -1)
    },
    'a lifetime counter that drifted': (e) => {
      e.counts.set('ever:failed', 2)
    },
    'a worker whose completions were counted twice': (e) => {
      e.counts.set('worker:7', 6)
    },
    'submissions that were not counted': (e) => {
      e.counts.delete('submitted:LOW')
    },
  },
}

test('a history in which every promise was kept has no violation', () => {
  expect(violated(goodEvidence())).toEqual([])
})

test('a clock error of its own is not held against a start', () => {
  const evidence = goodEvidence()
  Object.assign(find(evidence.tasks, 'done'), { scheduledAt: 110.9, pickedAt: 110.9 })
  expect(violated(evidence)).toEqual([])
})

test('a task that was never acknowledged may be there or not', () => {
  const evidence = goodEvidence()
  evidence.submissions.push(submission('unheard', { acknowledged: [] }))
  Object.assign(evidence.submissions[0] as SubmissionRecord, { acknowledged: [] })
  expect(violated(evidence)).toEqual([])
})

test('every check has a history here that makes it fail', () => {
  expect(Object.keys(BAD).sort()).toEqual(Object.keys(CHECKS).sort())
})

describe.each(Object.entries(BAD))('that %s', (name, faults) => {
  test.each(Object.entries(faults))('does not hold for %s', (_, spoil) => {
    const evidence = goodEvidence()
    spoil(evidence)
    expect(violated(evidence)).toContain(name)
  })
})
