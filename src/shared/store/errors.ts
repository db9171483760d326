import { AppError } from '../core/error.ts'
import { type Meaning, meaningOf, UNREACHABLE } from '../core/sqlstate.ts'

/** What the driver and the network call a database that cannot be reached. */
const NETWORK = new Set([
  'NO_ANSWER',
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ENOENT',
  'ENOTCONN',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'ENETDOWN',
  'ENETUNREACH',
  'ETIMEDOUT',
  'CONNECT_TIMEOUT',
  'CONNECTION_CLOSED',
  'CONNECTION_ENDED',
  'CONNECTION_DESTROYED',
])

const codeOf = (error: unknown): string | null => {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' ? code : null
}

/** What an error says of the database, or null when it is not the database's. */
function meaningOfError(error: unknown): Meaning | null {
  const code = codeOf(error)
  if (code === null) return null
  if (NETWORK.has(code)) return UNREACHABLE
  return (error as Error).name === 'PostgresError' && /^[0-9A-Z]{5}$/.test(code) ? meaningOf(code) : null
}

/** Whether an error says that the database cannot answer now, so that the same call may succeed later. */
export function isUnavailable(error: unknown): boolean {
  return meaningOfError(error)?.kind === 'unavailable'
}

/**
 * Whether a write may have failed for what one of its rows holds. It takes more to say that it did: that another row is
 * written in the same moment.
 */
export function mayBeOfOneRow(error: unknown): boolean {
  return meaningOfError(error)?.isGeneral === false
}

/** What went wrong with the database, for people: in plain words, and with the database's own. */
export function describeDatabaseError(error: unknown): string {
  const { message } = error as Error
  const meaning = meaningOfError(error)
  return meaning && meaning.kind !== 'internal' ? `${meaning.text} (${message})` : message
}

/** The same in plain words alone, for those who may not see the database's own. */
export function summarizeDatabaseError(error: unknown): string {
  const code = codeOf(error)
  if (code === 'NO_ANSWER') return 'PostgreSQL is not answering.'
  const meaning = meaningOfError(error)
  if (meaning === UNREACHABLE) return 'PostgreSQL cannot be reached.'
  return !meaning || meaning.kind === 'internal'
    ? `A statement failed${code ? ` (SQLSTATE ${code})` : ''}.`
    : meaning.text
}

/** The SQLSTATE of an error, or what the driver calls it. */
export const databaseCode = codeOf

/** The error as a caller may see it, when it is not for internal reasons, else the error as it was. */
export function asAppError(error: unknown): unknown {
  const meaning = meaningOfError(error)
  if (!meaning || meaning.kind === 'internal') return error
  const advice = meaning.kind === 'unavailable' ? ' Try again shortly.' : ''
  return new AppError(meaning.kind, `${meaning.text}${advice}`, { cause: error })
}
