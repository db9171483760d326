import type { Sql } from '../../../shared/store/connect.ts'
import { databaseCode, summarizeDatabaseError } from '../../../shared/store/errors.ts'
import {
  beatService,
  forgetServices,
  listCoordinators,
  type RunningService,
  type SeenService,
} from '../../../shared/store/services.ts'
import { findStates } from '../../../shared/store/tasks.ts'
import { within } from '../../deadline.ts'
import { ANSWER_MS, type Facts, type Failure } from './judge.ts'

export interface DatabaseProbe {
  /** Asks the database, for as long as an answer may take. */
  look(): Promise<void>
  facts(): Facts['database']
  /** Coordinators by the table of services, when it last answered. */
  coordinators(): SeenService[]
  /** Why the feed's sign of life could not be sent; null when it could. */
  signalFailure(): Failure | null
  /** A write of a caller went well. */
  stored(): void
  /** An error that a caller's write met: remembered when it says that the database refuses writes. */
  refused(error: unknown): void
}

const NOBODY = '00000000-0000-0000-0000-000000000000'
/** A coordinator that has been silent for longer is forgotten, unless the settings name it. */
const COORDINATOR_MS = 60_000
const MAX_COORDINATORS = 20
/** ms between two writes. */
const BEAT_MS = 900
const FORGET_MS = 3_600_000
const FORGET_EVERY = 600
/** SQLSTATEs that say that nothing can be stored, whatever it is: disk, memory, files, permissions, a standby. */
const REFUSING = /^(53[12]00|58...|25006|42501)$/

/**
 * Asks the database once in a while whether it reads and whether it writes. One question of each kind at a time: what
 * waits for an answer must not use up the connections.
 *
 * @param signal sends the sign of life by which the feed knows that it is current
 */
export function createDatabaseProbe(
  sql: Sql,
  self: RunningService,
  signal: (sql: Sql) => Promise<unknown>,
): DatabaseProbe {
  let found: SeenService[] = []
  let answeredAt: number | null = null
  let readFailure: Failure | null = null
  let writeFailure: Failure | null = null
  let signalFailure: Failure | null = null
  let refusal: (Failure & { at: number }) | null = null
  let beats = 0
  let beatAt = Number.NEGATIVE_INFINITY
  /** By kind, the question that waits, and since when. */
  const asking = new Map<string, { at: number; answer: Promise<void> }>()

  function ask(kind: string, question: () => Promise<unknown>, done: (failure: Failure | null) => void) {
    const open = asking.get(kind)
    if (open) return open.answer
    const answer = question()
      .then(
        () => done(null),
        (error) => done(failureOf(error)),
      )
      .finally(() => asking.delete(kind))
    asking.set(kind, { at: performance.now(), answer })
    return answer
  }

  // Tasks are asked for, because a database whose tasks are locked is of no use.
  const read = () =>
    ask(
      'read',
      async () => {
        const [, services] = await Promise.all([
          findStates(sql, [NOBODY]),
          listCoordinators(sql, COORDINATOR_MS, MAX_COORDINATORS),
        ])
        found = services
        answeredAt = performance.now()
      },
      (failure) => {
        readFailure = failure
      },
    )

  const write = () =>
    ask(
      'write',
      async () => {
        await beatService(sql, self)
        if (beats++ % FORGET_EVERY === 0) await forgetServices(sql, FORGET_MS)
      },
      (failure) => {
        writeFailure = failure
      },
    )

  const tell = () =>
    ask(
      'signal',
      () => signal(sql),
      (failure) => {
        signalFailure = failure
      },
    )

  return {
    async look() {
      const questions = [read()]
      if (performance.now() - beatAt >= BEAT_MS) {
        beatAt = performance.now()
        questions.push(write())
        // Nobody waits for it: a queue of notices that is full is no trouble of the database.
        void tell()
      }
      await within(ANSWER_MS, 'no answer', Promise.all(questions)).catch(() => {})
    },
    facts() {
      const waiting = ['read', 'write'].flatMap((kind) => asking.get(kind)?.at ?? [])
      const askedAt = waiting.length > 0 ? Math.min(...waiting) : null
      return { answeredAt, askedAt, readFailure, writeFailure, refusal }
    },
    coordinators: () => found,
    signalFailure: () => signalFailure,
    stored() {
      refusal = null
    },
    refused(error) {
      if (REFUSING.test(databaseCode(error) ?? '')) refusal = { ...failureOf(error), at: performance.now() }
    },
  }
}

function failureOf(error: unknown): Failure {
  return { message: summarizeDatabaseError(error), code: databaseCode(error) }
}
