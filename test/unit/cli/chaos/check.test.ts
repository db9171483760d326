import { describe, expect, test } from 'bun:test'
import { checkEvidence } from '../../../../src/cli/chaos/check.ts'
import { CHECKS } from '../../../../src/cli/chaos/checks.ts'
import type { Disturbance, Evidence, SubmissionRecord } from '../../../../src/cli/chaos/evidence.ts'
import { judgeHealing } from '../../../../src/cli/chaos/healing.ts'
import { indexEvidence } from '../../../../src/cli/chaos/indexed.ts'
import type { AttemptRow } from '../../../../src/shared/store/evidence.ts'
import { edge, goodEvidence, past, ran, sample, submission, task } from './good-evidence.ts'

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
  'what was confirmed as deleted is gone': {
    'a deleted task that is there': (e) => {
      e.tasks.push(task('deleted', { state: 'completed', completedAt: 150 }))
    },
  },
  'no attempt of a sound worker is given up': {
    'a loss of an attempt that nothing had happened to': (e) => {
      find(e.tasks, 'thawed').attempt = 2
      e.attempts.push(past('thawed', 1, 'lost', { pickedAt: 26_000, endedAt: 26_090 }))
      e.disturbances = e.disturbances.filter(({ fault }) => fault.kind !== 'freeze')
    },
    'a loss because the whole database stood still': (e) => {
      e.attempts.push(past('thawed', 1, 'lost', { pickedAt: 21_000, endedAt: 25_010 }))
      e.disturbances = e.disturbances.filter(({ fault }) => fault.kind !== 'freeze')
    },
  },
  'a worker that was asked to end is given nothing': {
    'an attempt that was given to one that drained': (e) => {
      Object.assign(find(e.tasks, 'drained'), { workerId: 8 })
    },
  },
  'every line of an accepted attempt is stored once': {
    'a line that is missing': (e) => {
      e.lines = [{ taskId: 'drained', attempt: 2, lines: 2, different: 2 }]
    },
    'a line that is there twice, and another that is missing': (e) => {
      e.lines = [{ taskId: 'drained', attempt: 2, lines: 3, different: 2 }]
    },
    'no line at all': (e) => {
      e.lines = []
    },
  },
  'what was confirmed to run now is due by then': {
    'a task that is still to wait': (e) => {
      find(e.tasks, 'thawed').scheduledAt = 26_080
    },
  },
  'what cannot be done for now is refused as such': {
    'an answer that calls trouble of the database a fault of ours': (e) => {
      e.serverErrors.push({ status: 500, at: 24_000 })
    },
  },
  'a scheduler says when it cannot do its work, and when it can again': {
    'one that is ready while the database stands still': (e) => {
      e.readiness.push(sample(24_500, 200))
    },
    'one that is not ready when all is over': (e) => {
      e.readiness = e.readiness.filter(({ at }) => at < 60_000)
    },
  },
  'the system heals soon after each fault': {
    'no acknowledgement after one': (e) => {
      for (const record of e.submissions) record.acknowledgedAt = 80
    },
    'no start after one': (e) => {
      e.history = e.history.filter(({ at }) => at < 20_000)
    },
    'one that was never over': (e) => {
      e.disturbances.push({ ...(e.disturbances[1] as Disturbance), to: null })
    },
  },
  'no attempt starts twice, nor ends twice': {
    'an attempt that two workers ran': (e) => {
      e.history.push({ taskId: 'done', attempt: 1, event: 'start', pid: 2, at: 120, lines: 0 })
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
    'a start before anybody asked to run it now': (e) => {
      for (const record of e.submissions) if (record.runNowAskedAt !== null) record.runNowAskedAt = 26_120
    },
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
      e.counts.set('completed', 6)
    },
    'a state that counts tasks that are not there': (e) => {
      e.counts.set('running', -1)
    },
    'a lifetime counter that drifted': (e) => {
      e.counts.set('ever:failed', 2)
    },
    'a worker whose completions were not all counted': (e) => {
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

test('a lifetime counter may count what was deleted, and no more', () => {
  const evidence = goodEvidence()
  for (const record of evidence.submissions) record.retryAsked = false
  Object.assign(find(evidence.tasks, 'drained'), { failures: 1, maxRetries: 1 })
  evidence.counts.set('ever:failed', 4)
  expect(violated(evidence)).toEqual([])
  evidence.counts.set('ever:completed', 9)
  expect(violated(evidence)).toEqual(['the counters equal the table'])
})

test('a system that is out again while it heals has as much longer for it', () => {
  const evidence = goodEvidence()
  const [, outage] = evidence.disturbances as [Disturbance, Disturbance]
  const signsAt = (at: number) => ({
    ...evidence,
    submissions: [submission('done', { acknowledgedAt: at })],
    history: ran('done', 1, 0, 'completed').map((event) => ({ ...event, at })),
    disturbances: [outage, { ...outage, from: 30_000, to: 34_000 }],
  })
  const found = (at: number) => [...judgeHealing(indexEvidence(signsAt(at)))].filter((one) => one !== null)
  // The first is over at 25 s, the second at 34 s: 12 s later, and 4 s more for the first.
  expect(found(40_900)).toEqual([])
  expect(found(41_100)).toHaveLength(2)
})

test('a scheduler that is asked while the database stands still may answer that it is ready once it does not', () => {
  const evidence = goodEvidence()
  evidence.readiness.push({ ...sample(24_500, 200), answeredAt: 25_010 })
  expect(violated(evidence)).toEqual([])
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
