import { expect, test } from 'bun:test'
import { createWatcher } from '../../../src/client/watcher.ts'
import { waitFor } from '../../support/wait.ts'

type Event = { task: string | null; text: string }

/** A watcher of subscriptions that are only written down. */
function createStand({ maxStreams = 2, maxTasks = 3 } = {}) {
  const open: { ids: string[]; event(event: Event): void; broken(): void }[] = []
  let opened = 0
  const watcher = createWatcher<Event>({
    subscribe(ids, on) {
      const subscription = { ids, ...on }
      opened++
      open.push(subscription)
      return () => void open.splice(open.indexOf(subscription), 1)
    },
    taskOf: ({ task }) => task,
    ...{ maxStreams, maxTasks, pauseMs: 10 },
  })
  const heard: [string, string | null][] = []
  const watch = (id: string) => watcher.watch(id, (event) => heard.push([id, event?.text ?? null]))
  const settled = () => waitFor(() => open.length > 0, { what: 'a subscription' })
  return { open, watcher, heard, watch, settled, opened: () => opened }
}

test('those that are asked for together share a subscription, which ends with the last of them', async () => {
  const { open, heard, watch, settled } = createStand()
  const leave = ['a', 'b', 'a'].map(watch)
  await settled()
  expect(open.map(({ ids }) => ids)).toEqual([['a', 'b']])
  open[0]!.event({ task: 'a', text: 'started' })
  expect(heard).toEqual([
    ['a', 'started'],
    ['a', 'started'],
  ])
  leave[0]!()
  leave[1]!()
  expect(open).toHaveLength(1)
  leave[2]!()
  expect(open).toHaveLength(0)
})

test('one that breaks is opened anew, and all of its tasks are asked for', async () => {
  const { open, heard, watch, settled, opened } = createStand()
  watch('a')
  watch('b')
  await settled()
  open[0]!.broken()
  expect(heard).toEqual([
    ['a', null],
    ['b', null],
  ])
  await settled()
  expect(opened()).toBe(2)
  expect(open[0]!.ids).toEqual(['a', 'b'])
})

test('an event about no task in particular, such as a gap, makes all be asked for', async () => {
  const { open, heard, watch, settled } = createStand()
  watch('a')
  await settled()
  open[0]!.event({ task: null, text: 'gap' })
  expect(heard).toEqual([['a', null]])
})

test('when there are as many as there may be, the smallest takes those that wait', async () => {
  const { open, watch } = createStand()
  for (const ids of [['a', 'b', 'c'], ['d'], ['e']]) {
    const before = open.flatMap((subscription) => subscription.ids).length
    ids.forEach(watch)
    const all = before + ids.length
    await waitFor(() => open.flatMap((subscription) => subscription.ids).length === all, {
      what: 'all to be in',
    })
  }
  expect(open.map(({ ids }) => ids)).toEqual([
    ['a', 'b', 'c'],
    ['d', 'e'],
  ])
})

test('what fits into none is asked for now and then, until there is room', async () => {
  const { open, heard, watch, settled } = createStand({ maxStreams: 1, maxTasks: 1 })
  const leave = watch('a')
  await settled()
  watch('b')
  await waitFor(() => heard.filter(([id, text]) => id === 'b' && text === null).length >= 2, {
    what: 'two hints',
  })
  leave()
  await waitFor(() => open[0]?.ids[0] === 'b', { what: 'its subscription' })
  expect(open).toHaveLength(1)
})
