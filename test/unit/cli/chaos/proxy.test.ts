import { afterEach, expect, test } from 'bun:test'
import { createProxy, type TcpProxy } from '../../../../src/cli/chaos/proxy.ts'
import { waitFor } from '../../../support/wait.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** A proxy before a server that sends everything back. */
async function stand() {
  let connections = 0
  const server = Bun.listen({
    hostname: '127.0.0.1',
    port: 0,
    socket: {
      open: () => void connections++,
      close: () => void connections--,
      data: (socket, data) => void socket.write(data),
    },
  })
  const proxy = await createProxy({ host: '127.0.0.1', port: () => server.port })
  closing.push(() => server.stop(true))
  closing.push(() => proxy.close())
  return { proxy, connections: () => connections }
}

async function call(proxy: TcpProxy) {
  let heard = ''
  let closed = false
  const socket = await Bun.connect({
    hostname: '127.0.0.1',
    port: proxy.port,
    socket: {
      data: (_, data) => {
        heard += data.toString()
      },
      close: () => {
        closed = true
      },
      error() {},
    },
  })
  closing.push(() => socket.end())
  return {
    say: (text: string) => socket.write(text),
    heard: () => heard,
    closed: () => closed,
    hangUp: () => socket.end(),
  }
}

const hears = (caller: { heard: () => string }, text: string) =>
  waitFor(() => caller.heard() === text, { what: `to hear ${text}`, timeoutMs: 3000 })

test('a proxy passes everything on', async () => {
  const { proxy } = await stand()
  const caller = await call(proxy)
  caller.say('hello')
  await hears(caller, 'hello')
})

test('a megabyte passes whole', async () => {
  const { proxy } = await stand()
  const caller = await call(proxy)
  const piece = 'x'.repeat(50_000)
  for (let sent = 0; sent < 20; sent++) {
    caller.say(piece)
    await waitFor(() => caller.heard().length === (sent + 1) * 50_000, { what: 'the echo' })
  }
})

test('a delay makes the way longer and keeps the order', async () => {
  const { proxy } = await stand()
  const caller = await call(proxy)
  proxy.set({ kind: 'delay', delayMs: 50 })
  const startedAt = performance.now()
  caller.say('a')
  caller.say('b')
  await hears(caller, 'ab')
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(95)
})

test('a stall holds everything back, and nothing is lost', async () => {
  const { proxy } = await stand()
  const caller = await call(proxy)
  proxy.set({ kind: 'stall' })
  caller.say('a')
  const other = await call(proxy)
  other.say('b')
  // What is sent beside it and arrives shows that the first had time to.
  proxy.set(null)
  await hears(other, 'b')
  await hears(caller, 'a')
})

test('a hole leaves those that are open silent for good, and takes new ones without a word', async () => {
  const { proxy, connections } = await stand()
  const before = await call(proxy)
  before.say('a')
  await hears(before, 'a')
  proxy.set({ kind: 'hole' })
  before.say('b')
  const during = await call(proxy)
  during.say('c')
  await waitFor(() => connections() === 1, { what: 'only the first to be connected' })
  proxy.set(null)
  const after = await call(proxy)
  after.say('d')
  await hears(after, 'd')
  before.say('e')
  after.say('f')
  await hears(after, 'df')
  expect([before.heard(), during.heard()]).toEqual(['a', ''])
  expect([before.closed(), during.closed()]).toEqual([false, false])
})

test('the end of a connection is not seen through a hole, but once the hole is gone', async () => {
  const { proxy, connections } = await stand()
  const caller = await call(proxy)
  caller.say('a')
  await hears(caller, 'a')
  proxy.set({ kind: 'hole' })
  caller.hangUp()
  await waitFor(caller.closed, { what: 'the caller to be gone' })
  expect(connections()).toBe(1)
  proxy.set(null)
  await waitFor(() => connections() === 0, { what: 'the server to see it' })
})

test('a deaf way lets things there and nothing back', async () => {
  const { proxy, connections } = await stand()
  const caller = await call(proxy)
  proxy.set({ kind: 'deaf' })
  caller.say('a')
  await waitFor(() => connections() === 1, { what: 'the connection' })
  proxy.set(null)
  const other = await call(proxy)
  other.say('b')
  await hears(other, 'b')
  expect(caller.closed()).toBe(false)
})

test('a reset cuts what is open and takes new ones', async () => {
  const { proxy, connections } = await stand()
  const caller = await call(proxy)
  caller.say('a')
  await hears(caller, 'a')
  proxy.reset()
  await waitFor(caller.closed, { what: 'the caller to be cut' })
  await waitFor(() => connections() === 0, { what: 'the server to see it' })
  const next = await call(proxy)
  next.say('b')
  await hears(next, 'b')
})

test('a refusing way cuts everything until it is over', async () => {
  const { proxy } = await stand()
  const before = await call(proxy)
  proxy.set({ kind: 'refuse' })
  await waitFor(before.closed, { what: 'the first to be cut' })
  const during = await call(proxy)
  await waitFor(during.closed, { what: 'the second to be cut' })
  proxy.set(null)
  const after = await call(proxy)
  after.say('a')
  await hears(after, 'a')
})
