import { afterEach, expect, spyOn, test } from 'bun:test'
import type { Assignment } from '../../../src/shared/core/task.ts'
import { type BatchState, createBatchState } from '../../../src/worker/batch-state.ts'
import type { SlotMessage } from '../../../src/worker/messages.ts'
import { createSlotThread, type SlotEnd, type SlotThread } from '../../../src/worker/thread.ts'
import { slotSettings } from '../../support/slot-settings.ts'

const threads: SlotThread<Assignment>[] = []
afterEach(() => {
  for (const thread of threads.splice(0)) thread.stop()
})

const task = (taskId: string): Assignment => ({
  ...{ taskId, attempt: 1, command: 'x', executor: 'simulate', payload: null, priority: 0 },
  ...{ timeoutMs: null, cancelGraceMs: 1000 },
})

interface Stand {
  thread: SlotThread<Assignment>
  /** The thread's side of it. */
  state: BatchState
  batch: number
  /** As if the thread said that it is over with what it was sent. */
  sayOver(): void
  ends: SlotEnd<Assignment>[]
}

/** A slot whose thread gets none of its messages: the test does what it would do, by the same clock. */
function startThread(tasks: Assignment[]): Stand {
  const ends: SlotEnd<Assignment>[] = []
  let memory: SharedArrayBuffer | undefined
  let batch = 0
  const posts = spyOn(Worker.prototype, 'postMessage').mockImplementation((message) => {
    if ('memory' in message) memory = message.memory
    else batch = message.batch
  })
  const thread = createSlotThread<Assignment>(slotSettings(), {
    onEnds: (some) => void ends.push(...some),
    ...{ onReturn() {}, onLost() {}, onUnstarted() {} },
    ...{ onStray() {}, onReady() {}, onLines() {}, onProgress() {} },
  })
  threads.push(thread)
  thread.run([...tasks])
  const worker = posts.mock.contexts[0] as Worker
  posts.mockRestore()
  return {
    ...{ thread, state: createBatchState(memory), batch, ends },
    sayOver() {
      const data: SlotMessage = { over: batch, now: performance.now() }
      worker.onmessage?.(new MessageEvent('message', { data }))
    },
  }
}

const waitMs = (ms: number) => {
  for (const end = performance.now() + ms; performance.now() < end; );
}

test('what is about to run has its time from the end of the one before, whose end nobody has told', () => {
  const [first, second] = [task('first'), task('second')]
  const { thread, state, batch } = startThread([first, second])
  const sentAt = thread.current()!.startedAt
  expect(thread.current()!.task).toBe(first)
  expect(state.start(batch, 0, performance.now())).toBe(true)
  waitMs(5)
  expect(state.end(batch, 0, performance.now(), '')).toBe(true)
  expect(thread.current()!.task).toBe(second)
  expect(thread.current()!.startedAt - sentAt).toBeGreaterThanOrEqual(5)
})

test('what ended by a message that is on its way is not what runs', () => {
  const [first, second] = [task('first'), task('second')]
  const { thread, state, batch } = startThread([first, second])
  state.start(batch, 0, performance.now())
  state.tell(batch, 0, performance.now())
  expect(thread.current()!.task).toBe(second)
  state.start(batch, 1, performance.now())
  expect(thread.current()!.task).toBe(second)
  state.tell(batch, 1, performance.now())
  expect(thread.current()).toBeNull()
})

test('in a slot each begins where the one before has ended', () => {
  const tasks = ['a', 'b', 'c'].map(task)
  const { state, batch, ends, sayOver } = startThread(tasks)
  for (const index of tasks.keys()) {
    state.start(batch, index, performance.now())
    waitMs(1)
    state.end(batch, index, performance.now(), '')
  }
  sayOver()
  expect(ends.map((end) => end.task)).toEqual(tasks)
  for (const [n, { startedAt, endedAt }] of ends.entries()) {
    expect(endedAt - startedAt).toBeGreaterThanOrEqual(1)
    if (n > 0) expect(startedAt).toBeGreaterThanOrEqual(ends[n - 1]!.endedAt)
  }
})
