import { expect, test } from 'bun:test'
import { createStreams, untilEnd } from '../../../src/scheduler/streams.ts'
import { waitFor } from '../../support/wait.ts'

const refusal = (work: () => unknown) => {
  try {
    work()
    return null
  } catch (error) {
    return error
  }
}

test('streams are bounded in all and of one caller, and room comes back once for each that ends', () => {
  const streams = createStreams(3, 2)
  const first = streams.open('a')
  streams.open('a')
  expect(refusal(() => streams.open('a'))).toMatchObject({
    code: 'too_many',
    message: expect.stringMatching(/at most 2/),
  })
  streams.open('b')
  expect(refusal(() => streams.open('c'))).toMatchObject({ code: 'too_many' })
  first()
  first()
  expect(streams.size).toBe(2)
  streams.open('c')
  expect(refusal(() => streams.open('a'))).toMatchObject({ code: 'too_many' })
})

/** An endless answer, and what became of it. */
function endless(stallMs: number | null) {
  const abort = new AbortController()
  const seen = { ends: 0, cancelled: false }
  let count = 0
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (count++ === 3) controller.close()
        else controller.enqueue(new TextEncoder().encode(`${count}`))
      },
      cancel() {
        seen.cancelled = true
      },
    },
    { highWaterMark: 0 },
  )
  const answer = untilEnd(new Response(body), abort.signal, stallMs, () => {
    seen.ends++
  })
  return { answer, abort, seen }
}

test('the end of a stream is told once, however it ends', async () => {
  const whole = endless(null)
  expect(await whole.answer.text()).toBe('123')
  expect(whole.seen).toEqual({ ends: 1, cancelled: false })

  const left = endless(null)
  left.abort.abort()
  await waitFor(() => left.seen.cancelled, { what: 'the source to be let go' })
  expect(left.seen.ends).toBe(1)

  const cancelled = endless(null)
  await cancelled.answer.body?.cancel()
  expect(cancelled.seen).toEqual({ ends: 1, cancelled: true })

  const empty = { ends: 0 }
  untilEnd(new Response(null), new AbortController().signal, null, () => {
    empty.ends++
  })
  expect(empty.ends).toBe(1)
})

test('a stream that nobody reads any more ends', async () => {
  const { answer, seen } = endless(20)
  const reader = answer.body!.getReader()
  await reader.read()
  await waitFor(() => seen.ends === 1, { what: 'the end' })
  expect(seen.cancelled).toBe(true)
  expect(reader.read()).rejects.toThrow('nobody reads')
})
