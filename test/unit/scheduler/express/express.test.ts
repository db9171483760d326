import { expect, test } from 'bun:test'
import { createExpress } from '../../../../src/scheduler/express/express.ts'
import type { Outcome } from '../../../../src/scheduler/express/line.ts'
import { createRefusals } from '../../../../src/scheduler/express/refusals.ts'
import { newTask } from '../../../../src/shared/core/task.ts'
import { newTask as dueTask } from '../../../support/store.ts'

/** Lines to coordinators in memory; what each is handed is written down. */
function createStand(addresses: string[]) {
  const handed: string[] = []
  const closed: string[] = []
  const stand = {
    addresses,
    handed,
    closed,
    outcomes: new Map<string, Outcome>(),
    isOpen: true,
    waiting: 0,
  }
  const express = createExpress(
    () => stand.addresses,
    (address) => ({
      get isOpen() {
        return stand.isOpen
      },
      get waiting() {
        return stand.waiting
      },
      async hand() {
        handed.push(address)
        return stand.outcomes.get(address) ?? 'stored'
      },
      close: () => void closed.push(address),
    }),
  )
  express.look()
  return { stand, express }
}

test('coordinators take turns, and those that are not well are not asked', async () => {
  const { stand, express } = createStand(['a', 'b'])
  for (let n = 0; n < 4; n++) expect(await express.hand(dueTask())).toBe('stored')
  expect(stand.handed).toEqual(['a', 'b', 'a', 'b'])
  stand.addresses = ['b', 'c']
  express.look()
  expect(stand.closed).toEqual(['a'])
  stand.handed.length = 0
  for (let n = 0; n < 4; n++) await express.hand(dueTask())
  expect(stand.handed.sort()).toEqual(['b', 'b', 'c', 'c'])
})

test('nobody is asked without a coordinator, without an open line, with many on their way, or for what is not due', async () => {
  const { stand, express } = createStand([])
  expect(await express.hand(dueTask())).toBe('refused')
  stand.addresses = ['a']
  express.look()
  const later = newTask({ id: crypto.randomUUID(), command: 'x', scheduledAt: new Date(Date.now() + 60_000) })
  expect(await express.hand(later)).toBe('refused')
  stand.isOpen = false
  expect(await express.hand(dueTask())).toBe('refused')
  stand.isOpen = true
  stand.waiting = 1000
  expect(await express.hand(dueTask())).toBe('refused')
  expect(stand.handed).toEqual([])
})

test('who has no slot is not asked again at once, for tasks of that kind', async () => {
  const { stand, express } = createStand(['a', 'b'])
  stand.outcomes.set('a', 'refused')
  for (let n = 0; n < 10; n++) await express.hand(dueTask())
  expect(stand.handed.filter((address) => address === 'a')).toEqual(['a'])
  stand.handed.length = 0
  for (let n = 0; n < 4; n++) await express.hand(dueTask({ executor: 'shell' }))
  expect(stand.handed.filter((address) => address === 'a')).toEqual(['a'])
})

test('the time for which nobody is asked doubles with each refusal, up to a bound, and ends with a task that is stored', () => {
  const refusals = createRefusals(() => 1)
  const waits: number[] = []
  let now = 0
  for (let n = 0; n < 8; n++) {
    refusals.refused('//', now)
    refusals.refused('//', now)
    const from = now
    while (!refusals.mayAsk('//', now)) now++
    waits.push(now - from)
  }
  expect(waits).toEqual([10, 20, 40, 80, 160, 250, 250, 250])
  expect(refusals.mayAsk('/shell/', 0)).toBeTrue()
  refusals.stored('//')
  refusals.refused('//', now)
  expect(refusals.mayAsk('//', now + 10)).toBeTrue()
})
