import { expect, test } from 'bun:test'
import { DUE_CHANNEL, EVENTS_CHANNEL, PARENTS_CHANNEL } from '../../../../src/shared/store/channel.ts'
import { createSender } from '../../../../src/shared/store/sender.ts'

/** A sender whose statements end when they are let go. */
function createStand() {
  const sent: [channel: string, payload: string][][] = []
  const waiting: PromiseWithResolvers<void>[] = []
  const sender = createSender((channels, payloads) => {
    sent.push(channels.map((channel, index) => [channel, payloads[index] ?? '']))
    const end = Promise.withResolvers<void>()
    waiting.push(end)
    return end.promise
  })
  const turn = () => new Promise((resolve) => setTimeout(resolve))
  return {
    sender,
    sent,
    async letGo(error?: Error) {
      await turn()
      const one = waiting.shift()
      if (error) one?.reject(error)
      else one?.resolve()
      await turn()
    },
    turn,
  }
}

const event = (type: string, count = 1) => JSON.stringify({ type, count, at: 0, rows: [] })

test('what is told while a statement is on its way goes together in the next', async () => {
  const { sender, sent, letGo, turn } = createStand()
  sender.tell([EVENTS_CHANNEL, 'one', EVENTS_CHANNEL, 'two'])
  await turn()
  sender.tell([EVENTS_CHANNEL, 'three'])
  await turn()
  sender.tell([EVENTS_CHANNEL, 'four', EVENTS_CHANNEL, 'five'])
  await letGo()
  await letGo()
  expect(sent.map((statement) => statement.map(([, payload]) => payload))).toEqual([
    ['one', 'two'],
    ['three', 'four', 'five'],
  ])
})

test('of times at which tasks are due the first is told, as it is when that is sent', async () => {
  const { sender, sent, letGo } = createStand()
  sender.tell([DUE_CHANNEL, '5000'])
  sender.tell([DUE_CHANNEL, '-20'])
  sender.tell([DUE_CHANNEL, '300'])
  await letGo()
  expect(sent).toHaveLength(1)
  const [[channel, ms] = []] = sent[0] ?? []
  expect(channel).toBe(DUE_CHANNEL)
  expect(Number(ms)).toBeWithin(-100, -19)
})

test('on other channels the same is told once', async () => {
  const { sender, sent, letGo } = createStand()
  sender.tell([PARENTS_CHANNEL, '', PARENTS_CHANNEL, ''])
  sender.tell([PARENTS_CHANNEL, ''])
  await letGo()
  expect(sent).toEqual([[[PARENTS_CHANNEL, '']]])
})

test('of more events than may wait, it is told how many there were of each type', async () => {
  const { sender, sent, letGo } = createStand()
  sender.tell([EVENTS_CHANNEL, event('assigned')])
  await letGo()
  for (let n = 0; n < 1500; n++) sender.tell([EVENTS_CHANNEL, event('completed', 2)])
  sender.tell([EVENTS_CHANNEL, event('failed', 7)])
  for (let n = 0; n < 20; n++) await letGo()
  const told = sent
    .slice(1)
    .flat()
    .map(([, payload]) => JSON.parse(payload))
  const countOf = (wanted: string) =>
    told.filter(({ type }) => type === wanted).reduce((sum, { count }) => sum + count, 0)
  expect(countOf('completed')).toBe(3000)
  expect(countOf('failed')).toBe(7)
  expect(told.length).toBe(1002)
})

test('what cannot be sent is dropped, and what comes after it is sent', async () => {
  const { sender, sent, letGo } = createStand()
  sender.tell([EVENTS_CHANNEL, 'lost'])
  await letGo(new Error('the database is away'))
  await sender.flushed()
  sender.tell([EVENTS_CHANNEL, 'next'])
  await letGo()
  expect(sent.flat().map(([, payload]) => payload)).toEqual(['lost', 'next'])
})
