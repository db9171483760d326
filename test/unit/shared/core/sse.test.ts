import { expect, test } from 'bun:test'
import { createSseReader, type SseMessage } from '../../../../src/shared/core/sse.ts'
import fc from '../../../support/property.ts'

function readAll(chunks: string[]): SseMessage[] {
  const messages: SseMessage[] = []
  const read = createSseReader((message) => messages.push(message))
  for (const chunk of chunks) read(chunk)
  return messages
}

const STREAM =
  ': connected\n\nid: 7\ndata: {"a":1}\n\n: keep-alive\n\nid: 8\r\nevent: end\r\ndata: one\r\ndata: two\r\n\r\nid: 9\ndata: unfinished\n'
const MESSAGES = [
  { id: '7', event: 'message', data: '{"a":1}' },
  { id: '8', event: 'end', data: 'one\ntwo' },
]

test('comments are skipped, lines of one message are joined, and an unfinished one waits', () => {
  expect(readAll([STREAM])).toEqual(MESSAGES)
})

test('it does not matter where the stream is cut', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(STREAM.length)), (cuts) => {
      const ends = [...cuts.sort((a, b) => a - b), STREAM.length]
      expect(readAll(ends.map((end, index) => STREAM.slice(ends[index - 1] ?? 0, end)))).toEqual(MESSAGES)
    }),
  )
})

test('a message without an id keeps the last one', () => {
  expect(readAll(['id: 1\ndata: a\n\ndata: b\n\n'])).toEqual([
    { id: '1', event: 'message', data: 'a' },
    { id: '1', event: 'message', data: 'b' },
  ])
})
