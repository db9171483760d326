import { expect, test } from 'bun:test'
import { createMoves } from '../../../web/src/live/moved.ts'
import { span } from './span.ts'

const LOST = span({ taskId: 'a', workerId: 1, endedAt: 50, outcome: 'lost' })

test('a lost task is followed to the worker that has it next, and to its end there', () => {
  const moves = createMoves()
  moves.put(LOST)
  expect(moves.list()).toMatchObject([{ taskId: 'a', from: 1, to: null }])
  moves.put(span({ taskId: 'a', attempt: 2, workerId: 2, startedAt: 60 }))
  expect(moves.list()).toMatchObject([{ from: 1, to: 2, attempt: 2, startedAt: 60, outcome: null }])
  moves.put(span({ taskId: 'a', attempt: 2, workerId: 2, startedAt: 60, outcome: 'completed' }))
  expect(moves.list()).toMatchObject([{ to: 2, outcome: 'completed' }])
})

test('the next attempt may be told before the loss', () => {
  const moves = createMoves()
  moves.put(span({ taskId: 'a', attempt: 2, workerId: 3 }))
  moves.put(LOST)
  expect(moves.list()).toMatchObject([{ from: 1, to: 3, attempt: 2 }])
})

test('a task that is lost twice is one move, from where it was lost last', () => {
  const moves = createMoves()
  moves.put(LOST)
  moves.put(span({ taskId: 'a', attempt: 2, workerId: 2, outcome: 'lost' }))
  moves.put(LOST)
  moves.put(span({ taskId: 'a', attempt: 3, workerId: 4 }))
  expect(moves.list()).toMatchObject([{ from: 2, to: 4, attempt: 3 }])
})

test('a retry after a failure is no move', () => {
  const moves = createMoves()
  moves.put(span({ taskId: 'a', outcome: 'failed' }))
  moves.put(span({ taskId: 'a', attempt: 2, workerId: 2 }))
  expect(moves.list()).toEqual([])
})

test('a task that is handed back before it started is a move too, and said to be one without a loss', () => {
  const moves = createMoves()
  moves.put(span({ taskId: 'a', workerId: 1, outcome: 'returned' }))
  moves.put(span({ taskId: 'a', attempt: 2, workerId: 2 }))
  moves.put(span({ taskId: 'b', workerId: 1, outcome: 'lost' }))
  expect(moves.list()).toMatchObject([
    { taskId: 'b', hadStarted: true, to: null },
    { taskId: 'a', hadStarted: false, from: 1, to: 2, attempt: 2 },
  ])
})

test('a lost task that is handed back on its way still comes from where it was lost', () => {
  const steps = [
    LOST,
    span({ taskId: 'a', attempt: 2, workerId: 2, outcome: 'returned' }),
    span({ taskId: 'a', attempt: 3, workerId: 3, startedAt: 90 }),
  ]
  for (const order of [
    [0, 1, 2],
    [1, 0, 2],
    [2, 1, 0],
    [2, 0, 1],
    [1, 2, 0],
  ]) {
    const moves = createMoves()
    for (const index of order) moves.put(steps[index]!)
    expect(moves.list()).toMatchObject([{ from: 1, to: 3, attempt: 3, startedAt: 90, hadStarted: true }])
  }
})
