import type { Trouble } from '../../../shared/runtime/troubles.ts'
import type { HealthState } from './view.ts'

/** An error of a question, in words. */
export interface Failure {
  message: string
  code: string | null
}

/** What is known of one coordinator; the times are of this process's monotonic clock, in ms. */
export interface CoordinatorFacts {
  address: string
  id: string | null
  /** Whether the settings name it; else the table of services does. */
  isNamed: boolean
  /** What it last answered; null when it did not. */
  answer: { isStopping: boolean; troubles: Pick<Trouble, 'message' | 'code' | 'waiting'>[] } | null
  /** Why it did not. */
  failure: 'no answer' | 'no connection' | null
  /** ms since it wrote that it runs; null when that is not known. */
  silentMs: number | null
}

/** Everything that is known, to be judged. */
export interface Facts {
  now: number
  database: {
    answeredAt: number | null
    /** Since when a question waits for its answer; null when none does. */
    askedAt: number | null
    /** Of the last question, and of the last write of our own row; null when it went well. */
    readFailure: Failure | null
    writeFailure: Failure | null
    /** A caller's write that the database refused for reasons of its own, and none went well since. */
    refusal: (Failure & { at: number }) | null
  }
  feed: { currentAt: number | null; failure: Failure | null }
  coordinators: CoordinatorFacts[]
}

export interface Judgement {
  state: HealthState
  message: string | null
  code: string | null
}

export interface CoordinatorJudgement extends Judgement {
  id: string | null
  address: string
  waiting: number
  /** Everything that keeps it from its work, the longest first. */
  troubles: string[]
}

export interface Verdict extends Judgement {
  database: Judgement
  feed: Judgement
  coordinators: CoordinatorJudgement[]
}

/** ms that an answer may take. */
export const ANSWER_MS = 1000
/** ms after which a refused write says nothing any more. */
export const REFUSAL_MS = 10_000
/** ms without a sign of life after which the feed, or a coordinator's row, is behind. */
export const SILENCE_MS = 3000

const NOTHING_LOST = 'Nothing is lost: tasks wait until it does, and workers go on with what they run.'
const NOT_STORED = 'Nothing new can be stored until that is mended; what was accepted is not lost.'

const OK: Judgement = { state: 'ok', message: null, code: null }

/** Says how everything is, of what is known alone. */
export function judge(facts: Facts): Verdict {
  const database = judgeDatabase(facts)
  const feed = judgeFeed(facts, database)
  const coordinators = facts.coordinators.map((coordinator) => judgeCoordinator(coordinator, database))
  return { ...judgeAll(database, feed, coordinators), database, feed, coordinators }
}

function judgeDatabase({ now, database }: Facts): Judgement {
  const { answeredAt, askedAt, readFailure, writeFailure, refusal } = database
  if (askedAt !== null && now - askedAt > ANSWER_MS) {
    return { state: 'down', message: `PostgreSQL is not answering. ${NOTHING_LOST}`, code: null }
  }
  if (readFailure) return told('down', readFailure, NOTHING_LOST)
  if (writeFailure) return told('degraded', writeFailure, NOT_STORED)
  if (refusal && now - refusal.at <= REFUSAL_MS) return told('degraded', refusal, NOT_STORED)
  return answeredAt === null ? { state: 'unknown', message: null, code: null } : OK
}

function judgeFeed({ now, feed }: Facts, database: Judgement): Judgement {
  // While the database is down nothing happens in it, and that is told already.
  if (database.state === 'down') return { state: 'unknown', message: null, code: null }
  if (feed.currentAt === null && !feed.failure) return { state: 'unknown', message: null, code: null }
  if (feed.currentAt !== null && now - feed.currentAt <= SILENCE_MS) return OK
  const { code = null, message } = feed.failure ?? {}
  return {
    state: 'degraded',
    message: `Live updates are late: ${message ?? 'the database sends no notices.'} Tasks go on.`,
    code,
  }
}

function judgeCoordinator(facts: CoordinatorFacts, database: Judgement): CoordinatorJudgement {
  const { address, id, isNamed, answer, failure, silentMs } = facts
  const subject = `The coordinator at ${address}`
  const identity = { address, id, waiting: 0, troubles: answer?.troubles.map(inWords) ?? [] }
  if (answer) {
    const waiting = answer.troubles.reduce((sum, trouble) => sum + (trouble.waiting ?? 0), 0)
    // One cause has many effects: what waits says most, and what began first is nearest to the cause.
    const first = answer.troubles.find((trouble) => trouble.waiting) ?? answer.troubles[0]
    if (first) {
      const message = `${subject}: ${inWords(first)}`
      return { ...identity, waiting, state: 'degraded', message, code: first.code || null }
    }
    if (!answer.isStopping) return { ...identity, ...OK }
    return { ...identity, state: 'degraded', message: `${subject} is stopping.`, code: null }
  }
  if (failure === null) return { ...identity, state: 'unknown', message: null, code: null }
  // It writes that it runs, so it is only we who do not reach it: its network may not be ours.
  if (!isNamed && database.state === 'ok' && silentMs !== null && silentMs <= SILENCE_MS) {
    return {
      ...identity,
      state: 'unknown',
      message: `${subject} runs, but cannot be asked from here.`,
      code: null,
    }
  }
  const how = failure === 'no answer' ? 'does not answer' : 'cannot be reached'
  return { ...identity, state: 'down', message: `${subject} ${how}.`, code: null }
}

function inWords({ message, waiting = 0 }: Pick<Trouble, 'message' | 'waiting'>): string {
  if (waiting === 0 || message.includes(String(waiting))) return message
  return `${message} ${waiting === 1 ? '1 waits' : `${waiting} wait`}.`
}

function judgeAll(database: Judgement, feed: Judgement, coordinators: CoordinatorJudgement[]): Judgement {
  if (database.state === 'down') return database
  const troubled = coordinators.filter(({ message, state }) => message !== null && state !== 'unknown')
  const isWorking = coordinators.some(
    ({ state }) => state === 'ok' || state === 'degraded' || state === 'unknown',
  )
  const parts = [database, ...troubled, feed].filter(({ message }) => message !== null)
  const [first] = parts
  const words = parts.map(({ message }) => message)
  if (!isWorking) words.push('No coordinator can be reached, so no task is given to a worker.')
  if (words.length > 0) {
    const state = isWorking ? 'degraded' : 'down'
    return { state, message: words.join(' '), code: first?.code ?? null }
  }
  return database.state === 'unknown' ? database : OK
}

function told(state: HealthState, { message, code }: Failure, meaning: string): Judgement {
  return { state, message: `${message} ${meaning}`, code }
}

/** What is missing for a scheduler to be of use, by name; empty when nothing is. */
export function missingIn({ database, coordinators }: Verdict): string[] {
  // What a database in trouble keeps a coordinator from is no trouble of the coordinator's own.
  const isEnough = (state: HealthState) => state === 'ok' || (state === 'degraded' && database.state !== 'ok')
  const canPlace = coordinators.some(({ state }) => isEnough(state))
  return [...(database.state === 'ok' ? [] : ['database']), ...(canPlace ? [] : ['coordinator'])]
}
