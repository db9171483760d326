import { expect, test } from 'bun:test'
import { type Json, newTask } from '../../../src/shared/core/task.ts'
import { type Asked, hashRequest } from '../../../src/shared/idempotency.ts'
import fc from '../../support/property.ts'

function asked(fields: Partial<Asked> = {}): Asked {
  const {
    id: _,
    idempotencyKey: __,
    requestHash: ___,
    scheduledAt: ____,
    ...defaults
  } = newTask({
    id: '',
    command: 'x',
    scheduledAt: new Date(0),
  })
  return { ...defaults, at: null, ...fields }
}

/** The same JSON with the names of its objects in the opposite order. */
function reversed(value: Json): Json {
  if (Array.isArray(value)) return value.map(reversed)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([name, inner]) => [name, reversed(inner)]),
  )
}

test('a digest does not depend on the order of names, and tells different payloads apart', () => {
  const json = fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as Json)
  fc.assert(
    fc.property(json, json, (one, other) => {
      expect(hashRequest(asked({ payload: one }))).toBe(hashRequest(asked({ payload: reversed(one) })))
      const isSame = Bun.deepEquals(one, other)
      expect(hashRequest(asked({ payload: one })) === hashRequest(asked({ payload: other }))).toBe(isSame)
    }),
  )
})

test('every field counts, and so does the time that was asked for', () => {
  const at = new Date('2030-01-01T00:00:00Z')
  const digests = [
    asked(),
    asked({ command: 'y' }),
    asked({ name: 'x' }),
    asked({ description: 'x' }),
    asked({ priority: 1 }),
    asked({ maxRetries: 1 }),
    asked({ retryBackoffMs: 1 }),
    asked({ retryBackoffCapMs: 1 }),
    asked({ timeoutMs: 1 }),
    asked({ cancelGraceMs: 1 }),
    asked({ at }),
    asked({ at: new Date(at.getTime() + 1) }),
    asked({ at: { delaySeconds: 1 } }),
  ].map(hashRequest)
  expect(new Set(digests).size).toBe(digests.length)
})

test('what is left at its default is not in the digest, so that later versions give the same one', () => {
  expect(hashRequest(asked())).toBe('zzW2ZPDoXL8k39o46mmR-gHZ0xXkArqs0sAvLpLQlHo')
})
