import { describe, expect, test } from 'bun:test'
import { HTTP_STATUS } from '../../../src/scheduler/failure.ts'
import { TRPC_CODE } from '../../../src/scheduler/trpc.ts'
import type { ErrorCode } from '../../../src/shared/core/error.ts'
import { adviseOn } from '../../../web/src/reason.ts'

const ID = '0194f3a0-0000-7000-8000-000000000001'

/** Each kind of error that the API gives, as it says it, and what is shown. */
const SHOWN: [ErrorCode, said: string, shown: string][] = [
  [
    'invalid',
    'count must be between 1 and 1000',
    'Count must be between 1 and 1000. Correct it, then try again.',
  ],
  [
    'invalid',
    'Invalid date format. Use ISO 8601 format.',
    'Invalid date format. Use ISO 8601 format. Correct it, then try again.',
  ],
  [
    'unauthorized',
    'other sites may not change anything here',
    'Other sites may not change anything here. Open the dashboard under the scheduler’s own address.',
  ],
  ['not_found', 'Task not found', 'Task not found. It may be gone by now: look at the list again.'],
  [
    'not_found',
    'no live worker is called worker-9',
    'No live worker is called worker-9. It may be gone by now: look at the list again.',
  ],
  [
    'conflict',
    'a completed task cannot be cancelled',
    'A completed task cannot be cancelled. It has changed meanwhile: look at it again.',
  ],
  [
    'too_many',
    'too many requests are being worked on; try again',
    'Too many requests are being worked on; try again.',
  ],
  [
    'too_many',
    'too many dashboards are open',
    'Too many dashboards are open. Wait a moment, then try again.',
  ],
  [
    'unavailable',
    'The database is not available. Try again shortly.',
    'The database is not available. Try again shortly.',
  ],
  ['unavailable', 'the server is stopping', 'The server is stopping. Wait a moment, then try again.'],
  [
    'internal',
    `Internal error ${ID}`,
    `The scheduler failed at this. Its log says why: look there for ${ID}.`,
  ],
]

describe('what is told of an error', () => {
  for (const [code, said, shown] of SHOWN)
    test(`${code}: ${said}`, () => {
      expect(adviseOn({ code: TRPC_CODE[code], status: null, message: said })).toBe(shown)
    })

  test('every kind of error that the API has is in the table above', () => {
    expect([...new Set(SHOWN.map(([code]) => code))].sort()).toEqual(
      (Object.keys(HTTP_STATUS) as ErrorCode[]).sort(),
    )
  })

  test('says what to do when nothing answered, or something else than a scheduler', () => {
    const of = (status: number | null, message = '') => adviseOn({ code: null, status, message })
    expect(of(null)).toBe('The scheduler cannot be reached. Check that it runs, then try again.')
    expect(of(502)).toBe(
      'The answer was 502. The scheduler cannot be reached. Check that it runs, then try again.',
    )
    expect(of(403, 'other sites may not change anything here')).toContain('scheduler’s own address')
    expect(of(413, 'the body must be at most 16 MiB')).toStartWith(
      'The body must be at most 16 MiB. Make it smaller',
    )
    expect(of(418)).toBe('The answer was 418. Reload the page.')
  })
})
