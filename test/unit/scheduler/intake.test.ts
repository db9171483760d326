import { expect, test } from 'bun:test'
import { createIntake, type IntakeOptions } from '../../../src/scheduler/rest/intake.ts'

const KIB = 1024
const OPTIONS: IntakeOptions = { maxBytes: 100 * KIB, timeoutMs: 60_000 }

/** A request whose body comes as it is told to. */
function upload(headers: Record<string, string> = {}) {
  let source!: ReadableStreamDefaultController<Uint8Array>
  let cancelled = false
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      source = controller
    },
    cancel() {
      cancelled = true
    },
  })
  const request = new Request('http://localhost/', {
    method: 'POST',
    headers,
    body,
    duplex: 'half',
  } as RequestInit)
  return {
    request,
    send: (bytes: number) => source.enqueue(new Uint8Array(bytes)),
    end: () => source.close(),
    fail: () => source.error(new Error('reset')),
    isCancelled: () => cancelled,
  }
}

const settled = async () => await Bun.sleep(5)

test('a body is handed over whole, with or without its length', async () => {
  const intake = createIntake(OPTIONS)
  for (const headers of [{}, { 'content-length': '5' }, { 'content-length': String(40 * KIB) }]) {
    const { request, send, end } = upload(headers)
    const reading = intake.receive(request, 64 * KIB)
    send(2)
    send(3)
    end()
    expect((await reading).byteLength).toBe(5)
  }
  expect(intake.receiving).toBe(0)
})

test('a body that is too large is 413, declared or not, and the rest of it is not read', async () => {
  const intake = createIntake(OPTIONS)
  const declared = upload({ 'content-length': String(64 * KIB + 1) })
  expect(intake.receive(declared.request, 64 * KIB)).rejects.toMatchObject({ status: 413 })
  const { request, send, isCancelled } = upload()
  const reading = intake.receive(request, 64 * KIB)
  send(40 * KIB)
  send(40 * KIB)
  await expect(reading).rejects.toMatchObject({ status: 413, headers: { Connection: 'close' } })
  await settled()
  expect(isCancelled()).toBe(true)
})

test.each([{}, { 'content-length': '100' }, { 'content-length': String(60 * KIB) }])(
  'a body that does not arrive in time is 408: %j',
  async (headers) => {
    const intake = createIntake({ ...OPTIONS, timeoutMs: 30 })
    const { request, send } = upload(headers)
    const reading = intake.receive(request, 64 * KIB)
    send(1)
    await expect(reading).rejects.toMatchObject({ status: 408, headers: { Connection: 'close' } })
    expect(intake.receiving).toBe(0)
  },
)

test('a connection that ends before the body is whole is the caller’s fault', async () => {
  const intake = createIntake(OPTIONS)
  const { request, fail } = upload()
  const reading = intake.receive(request, 64 * KIB)
  fail()
  await expect(reading).rejects.toMatchObject({ status: 400 })
})

test('when there is no room, the body that took the most for the longest goes, and the others arrive', async () => {
  const intake = createIntake(OPTIONS)
  const hog = upload()
  const reading = intake.receive(hog.request, 1000 * KIB)
  hog.send(90 * KIB)
  await settled()
  const late = upload()
  const arriving = intake.receive(late.request, 1000 * KIB)
  late.send(20 * KIB)
  await expect(reading).rejects.toMatchObject({ status: 429, code: 'too_many' })
  late.end()
  expect((await arriving).byteLength).toBe(20 * KIB)
  expect(intake.receiving).toBe(0)
})

test('uploads that drip take no place of others, however many they are', async () => {
  const intake = createIntake({ ...OPTIONS, maxBodies: 32 })
  const drips = Array.from({ length: 32 }, () => upload())
  const dripping = drips.map(({ request }) =>
    intake.receive(request, 1000 * KIB).catch(({ status }) => status),
  )
  for (const { send } of drips) send(1)
  await settled()
  const { request, send, end } = upload()
  const reading = intake.receive(request, 1000 * KIB)
  send(50 * KIB)
  end()
  expect((await reading).byteLength).toBe(50 * KIB)
  expect(intake.receiving).toBe(31)
  for (const { fail } of drips) fail()
  expect((await Promise.all(dripping)).sort()).toEqual([...Array<number>(31).fill(400), 429])
})
