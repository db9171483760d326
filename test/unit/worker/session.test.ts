import { expect, test } from 'bun:test'
import pino from 'pino'
import { type CoordinatorLink, UNIMPLEMENTED } from '../../../src/worker/links/link.ts'
import { type SessionOptions, startSession } from '../../../src/worker/session.ts'
import { waitFor } from '../../support/wait.ts'

const log = pino({ level: 'silent' })

/** A link that is lost when the test, or its closing, says so. */
function createLink() {
  const { promise: lost, resolve: lose } = Promise.withResolvers<string>()
  const done: string[] = []
  const link: CoordinatorLink = {
    lost,
    drain: () => void done.push('drain'),
    close() {
      done.push('close')
      lose('closed')
    },
  }
  return { link, lose, done }
}

/** A session whose coordinators are what `answer` makes of them. */
function start(
  coordinators: string[],
  answer: (address: string, tries: number) => ReturnType<SessionOptions['openStream']>,
  openPush: SessionOptions['openPush'] = () => Promise.reject(new Error('no push here')),
) {
  const tried: string[] = []
  const session = startSession({
    coordinators,
    log,
    openStream: (address) => {
      tried.push(address)
      return answer(address, tried.length)
    },
    openPush,
  })
  return { session, tried }
}

const refuse = () => Promise.reject(new Error('refused'))

test('after a coordinator that refuses the next one is tried, in turn, until one takes the worker', async () => {
  const { link } = createLink()
  const coordinators = ['a', 'b', 'c']
  const { session, tried } = start(coordinators, (_, tries) => (tries < 6 ? refuse() : Promise.resolve(link)))
  await waitFor(() => tried.length === 6, { what: 'six tries' })
  const first = coordinators.indexOf(tried[0]!)
  expect(tried).toEqual(Array.from({ length: 6 }, (_, n) => coordinators[(first + n) % 3]!))
  await session.stop()
})

test('workers begin with different coordinators', async () => {
  const first = new Set<string>()
  for (let n = 0; n < 60; n++) {
    const { session, tried } = start(['a', 'b', 'c'], () => Promise.resolve(createLink().link))
    first.add(tried[0]!)
    await session.stop()
  }
  expect([...first].sort()).toEqual(['a', 'b', 'c'])
})

test('a coordinator that is lost is tried again first, because it may be back at once', async () => {
  const links = [createLink(), createLink()]
  const { session, tried } = start(['a', 'b', 'c'], (_, tries) => Promise.resolve(links[tries - 1]!.link))
  await waitFor(() => tried.length === 1, { what: 'the first connection' })
  links[0]!.lose('the network')
  await waitFor(() => tried.length === 2, { what: 'the second connection' })
  expect(tried[1]).toBe(tried[0]!)
  await session.stop()
})

test('when the one that was lost does not come back, another takes the worker', async () => {
  const { link, lose } = createLink()
  const { session, tried } = start(['a', 'b'], (_, tries) => (tries === 2 ? refuse() : Promise.resolve(link)))
  lose('the network')
  await waitFor(() => tried.length >= 3, { what: 'the third try' })
  expect(tried[1]).toBe(tried[0]!)
  expect(tried[2]).not.toBe(tried[0]!)
  await session.stop()
})

test('it waits between tries, longer and longer, so that a dead coordinator is not stormed', async () => {
  const { session, tried } = start(['a'], refuse)
  const startedAt = performance.now()
  await waitFor(() => tried.length >= 3, { what: 'three tries' })
  await waitFor(() => performance.now() - startedAt > 150, { what: 'a moment to pass' })
  // With 100, 200, 400 ms at most before each, more than this many would be luck beyond belief.
  expect(tried.length).toBeLessThan(40)
  await session.stop()
})

test('a coordinator without a dispatch stream is served by the documented calls', async () => {
  const pushed: string[] = []
  const { link, done } = createLink()
  const { session, tried } = start(
    ['a'],
    () => Promise.resolve(UNIMPLEMENTED),
    (address) => {
      pushed.push(address)
      return Promise.resolve(link)
    },
  )
  await waitFor(() => pushed.length === 1, { what: 'the push link' })
  expect(tried).toEqual(['a'])
  session.drain()
  await session.stop()
  expect(done).toEqual(['drain', 'close'])
})

test('a drain holds after every reconnection', async () => {
  const links = [createLink(), createLink()]
  const { session, tried } = start(['a'], (_, tries) => Promise.resolve(links[tries - 1]!.link))
  await waitFor(() => tried.length === 1, { what: 'the first connection' })
  session.drain()
  links[0]!.lose('the network')
  await waitFor(() => links[1]!.done.includes('drain'), { what: 'the drain of the second' })
  await session.stop()
  expect(links[0]!.done).toEqual(['drain'])
})

test('a stop during the wait for the next try ends at once, and nothing is tried after it', async () => {
  const { session, tried } = start(['a'], refuse)
  await waitFor(() => tried.length >= 2, { what: 'two tries' })
  const startedAt = performance.now()
  await session.stop()
  expect(performance.now() - startedAt).toBeLessThan(500)
  const { length } = tried
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(tried.length).toBe(length)
})

test('a link that opens after the stop is closed', async () => {
  const { link, done } = createLink()
  const opening = Promise.withResolvers<CoordinatorLink>()
  const { session } = start(['a'], () => opening.promise)
  const stopping = session.stop()
  opening.resolve(link)
  await stopping
  expect(done).toEqual(['close'])
})
