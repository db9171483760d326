import { expect, test } from 'bun:test'
import pino from 'pino'
import { createTaskLog } from '../../../src/shared/runtime/task-log.ts'
import { readSettings, taskLogSettings } from '../../../src/shared/settings.ts'
import { waitFor } from '../../support/wait.ts'

function createLines(level = 'info') {
  const lines: string[] = []
  const log = pino({ level }, { write: (line: string) => lines.push(JSON.parse(line).msg) })
  return { lines, log }
}

test('so many lines of each kind are written in a second, and one counts the rest', async () => {
  const { lines, log } = createLines()
  const tasks = createTaskLog(log, 2)
  for (const id of ['a', 'b', 'c', 'd']) tasks.tell('Received task', id)
  tasks.tell('Completed task', 'a')
  const written = ['Received task: task_id: a', 'Received task: task_id: b', 'Completed task: task_id: a']
  expect(lines).toEqual(written)
  await waitFor(() => lines.length === 4, { what: 'the count' })
  expect(lines).toEqual([...written, 'Received task: 2 more in a second'])
})

test.each([
  ['off', 0],
  ['all', Number.POSITIVE_INFINITY],
  ['7', 7],
  [undefined, 100],
])('TASK_LOGS=%p is %p a second', (given, perSecond) => {
  expect(readSettings(taskLogSettings, { TASK_LOGS: given }).TASK_LOGS).toBe(perSecond)
})

test('none is written when they are off, or the level is above info', () => {
  const { lines, log } = createLines()
  createTaskLog(log, 0).tell('Received task', 'a')
  const quiet = createLines('warn')
  createTaskLog(quiet.log, 10).tell('Received task', 'a')
  expect([lines, quiet.lines]).toEqual([[], []])
})
