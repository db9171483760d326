import { expect, test } from 'bun:test'
import { firingOf } from '../../../../src/coordinator/schedules/firing.ts'
import { createTimetables } from '../../../../src/coordinator/schedules/timetables.ts'
import type { Submission } from '../../../../src/shared/core/submission.ts'
import type { DueSchedule } from '../../../../src/shared/store/ticks.ts'

const NOW = new Date('2027-01-01T12:00:00Z')

const due = (task: Submission, more: Partial<DueSchedule> = {}): DueSchedule => ({
  ...{
    id: crypto.randomUUID(),
    name: 'each second',
    version: 1,
    createdAt: NOW,
    updatedAt: NOW,
    pausedAt: null,
  },
  ...{ cron: '* * * * * *', timeZone: 'UTC', everyMs: null, anchorAt: null, startsAt: null, endsAt: null },
  ...{ task, catchUp: 'all', catchUpWindowMs: 86_400_000, overlap: 'allow', queued: 0, firstQueued: null },
  ...{ ticks: 0, runningTaskId: null, now: NOW, nextAt: new Date(NOW.getTime() - 3_600_000) },
  ...more,
})
const fire = (schedule: DueSchedule) =>
  firingOf(schedule, createTimetables()(schedule), () => crypto.randomUUID())

test('each tick that fires has a task of its own, due at the tick', () => {
  const { tasks, decisions } = fire(
    due({ command: 'x', priority: 2 }, { nextAt: new Date(NOW.getTime() - 2000) }),
  )
  expect(decisions).toHaveLength(3)
  expect(tasks.map(({ tickAt }) => tickAt)).toEqual(decisions.map(({ tickAt }) => tickAt))
  expect(tasks[0]).toMatchObject({
    command: 'x',
    priority: 2,
    name: 'each second',
    scheduledAt: tasks[0]!.tickAt!,
  })
  expect(new Set(tasks.map(({ id }) => id)).size).toBe(3)
})

test('large tasks are fired a few at a time, and never none', () => {
  const { tasks, nextAt } = fire(due({ command: 'x', payload: 'y'.repeat(200_000) }))
  expect(tasks).toHaveLength(19)
  expect(nextAt!.getTime()).toBe(NOW.getTime() - 3_600_000 + 19_000)
  expect(fire(due({ command: 'x', payload: 'y'.repeat(5_000_000) })).tasks).toHaveLength(1)
})

test('a timetable is kept until its schedule is edited', () => {
  const timetableOf = createTimetables()
  const schedule = due({ command: 'x' })
  const table = timetableOf(schedule)
  expect(timetableOf({ ...schedule })).toBe(table)
  const edited = timetableOf({ ...schedule, version: 2, cron: '0 0 * * *' })
  expect(edited).not.toBe(table)
  expect(edited.next(NOW)).toEqual(new Date('2027-01-02T00:00:00Z'))
})
