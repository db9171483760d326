import { expect, test } from 'bun:test'
import pino from 'pino'
import { createExpress } from '../../../src/coordinator/express.ts'
import { createRoster } from '../../../src/coordinator/roster.ts'
import { createRounds } from '../../../src/coordinator/rounds.ts'
import { PLAIN } from '../../../src/shared/core/lane.ts'
import type { NewTask } from '../../../src/shared/core/task.ts'
import type { ExpressTask } from '../../../src/shared/store/express.ts'
import { newTask } from '../../support/store.ts'

const log = pino({ level: 'silent' })
const SHELL = { executors: ['shell', 'simulate'], labels: [] }

/** An express path whose statements are answered by the test. */
function createStand(
  workers: { id: number; slots: number; can?: typeof PLAIN }[],
  claim: Promise<unknown> | null = null,
) {
  const roster = createRoster()
  for (const { id, slots, can = PLAIN } of workers) roster.add(id, slots, can, [], 0)
  const statements: {
    tasks: { task: NewTask; workerId: number }[]
    commit: (without?: string[]) => void
    fail: () => void
  }[] = []
  const calls: string[] = []
  const given: ExpressTask[] = []
  const back: ExpressTask[] = []
  const express = createExpress({
    ...{ roster, rounds: createRounds(), log },
    store: (tasks) =>
      new Promise((resolve, reject) => {
        const claimed = tasks.map(({ task, workerId }) => {
          return { ...task, taskId: task.id, attempt: 1, workerId, parents: null }
        })
        statements.push({
          tasks,
          commit: (without = []) => resolve(claimed.filter(({ id }) => !without.includes(id))),
          fail: () => reject(new Error('the connection is gone')),
        })
      }),
    claiming: () => claim,
    dispatch(tasks) {
      for (const task of tasks) roster.placed(task.workerId, task.taskId, task.attempt, 0)
      given.push(...tasks)
    },
    giveBack: (tasks) => void back.push(...tasks),
    onRoom: () => void calls.push('room'),
    onUnsure: () => void calls.push('unsure'),
  })
  const store = (more: Partial<NewTask> = {}, isWanted = () => true) => express.store(newTask(more), isWanted)
  return { roster, express, statements, calls, given, back, store }
}

const idsOf = (tasks: { workerId: number }[]) => tasks.map(({ workerId }) => workerId)

test('tasks are spread over free slots in turns, those that come meanwhile go together, and what finds none is refused', async () => {
  const { store, statements, given } = createStand([
    { id: 1, slots: 2 },
    { id: 2, slots: 2 },
    { id: 3, slots: 1 },
  ])
  const first = store()
  const others = Array.from({ length: 6 }, () => store())
  expect(idsOf(statements[0]!.tasks)).toEqual([1])
  statements[0]!.commit()
  expect(await first).toBe('stored')
  expect(idsOf(statements[1]!.tasks)).toEqual([2, 3, 1, 2])
  statements[1]!.commit()
  expect(await Promise.all(others)).toEqual(['stored', 'stored', 'stored', 'stored', 'refused', 'refused'])
  expect(idsOf(given)).toEqual([1, 2, 3, 1, 2])
})

test('slots are promised while the statement runs, and free again when it leaves a task out', async () => {
  const { roster, store, statements, calls, given } = createStand([{ id: 1, slots: 1 }])
  const task = newTask()
  const one = store(task)
  expect(roster.get(1)).toMatchObject({ open: 0, promised: 1 })
  statements[0]!.commit([task.id])
  expect(await one).toBe('refused')
  expect(roster.get(1)).toMatchObject({ open: 0, promised: 0 })
  expect(calls).toEqual(['room'])
  expect(given).toEqual([])
})

test('a task waits for the end of a claim that may not need the slots promised to it', async () => {
  const claim = Promise.withResolvers<void>()
  const { roster, store, statements } = createStand([{ id: 1, slots: 1 }], claim.promise)
  const release = roster.promise([1])
  const one = store()
  expect(statements).toEqual([])
  release()
  claim.resolve()
  await claim.promise
  await Promise.resolve()
  expect(idsOf(statements[0]!.tasks)).toEqual([1])
  statements[0]!.commit()
  expect(await one).toBe('stored')
})

test('a task goes to a worker that runs it, and is refused when there is none, or none that takes tasks', async () => {
  const { roster, store, statements } = createStand([
    { id: 1, slots: 5 },
    { id: 2, slots: 5, can: SHELL },
  ])
  const shell = store({ executor: 'shell' })
  expect(idsOf(statements[0]!.tasks)).toEqual([2])
  statements[0]!.commit()
  expect(await shell).toBe('stored')
  expect(await store({ labels: ['gpu'] })).toBe('refused')
  roster.setAvailable(2, false)
  expect(await store({ executor: 'shell' })).toBe('refused')
})

test('a task whose worker has registered anew meanwhile is put back', async () => {
  const { roster, store, statements, given, back } = createStand([{ id: 1, slots: 1 }])
  const one = store()
  roster.add(1, 1, PLAIN, [], 0)
  statements[0]!.commit()
  expect(await one).toBe('stored')
  expect(given).toEqual([])
  expect(idsOf(back)).toEqual([1])
})

test('a statement that fails leaves its tasks in doubt, and has the tables compared', async () => {
  const { roster, express, store, statements, calls } = createStand([{ id: 1, slots: 1 }])
  const task = newTask()
  const one = store(task)
  expect(express.isOnItsWay(task.id)).toBeTrue()
  statements[0]!.fail()
  expect(await one).toBe('unknown')
  expect(express.isOnItsWay(task.id)).toBeFalse()
  expect(roster.get(1)!.promised).toBe(0)
  expect(calls).toEqual(['unsure'])
})

test('what nobody waits for any more is not stored, nor what comes after the end', async () => {
  const { express, store, statements } = createStand([{ id: 1, slots: 5 }])
  expect(await store({}, () => false)).toBe('refused')
  expect(statements).toEqual([])
  await express.close()
  expect(await store()).toBe('refused')
})
