import { TRPCClientError } from '@trpc/client'

/** What is known of a call that failed. */
export interface Failure {
  /** The scheduler's own code for it; null when it did not answer as it does. */
  code: string | null
  /** Of the answer; null when none came. */
  status: number | null
  /** What the scheduler says. */
  message: string
}

const UNREACHABLE = 'The scheduler cannot be reached. Check that it runs, then try again.'
const FOREIGN = 'Open the dashboard under the scheduler’s own address.'
const LATER = 'Wait a moment, then try again.'

/** What to do about it, by the scheduler's code. */
const ADVICE: Record<string, string> = {
  BAD_REQUEST: 'Correct it, then try again.',
  UNAUTHORIZED: FOREIGN,
  NOT_FOUND: 'It may be gone by now: look at the list again.',
  CONFLICT: 'It has changed meanwhile: look at it again.',
  TOO_MANY_REQUESTS: LATER,
  SERVICE_UNAVAILABLE: LATER,
}

/** The same of answers that are not the scheduler's usual ones: refusals before it reads, and what stands between. */
const ADVICE_BY_STATUS: Record<number, string> = {
  403: FOREIGN,
  404: 'Is that a TaskMaster scheduler, of this dashboard’s version? Reload the page.',
  413: 'Make it smaller: fewer tasks at once, or a shorter command.',
  415: 'Reload the page, then try again.',
  429: LATER,
}

/** What happened and what to do about it, in a sentence or two. */
export function adviseOn({ code, status, message }: Failure): string {
  if (code === 'INTERNAL_SERVER_ERROR') {
    const [id] = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/.exec(message) ?? []
    return id
      ? `The scheduler failed at this. Its log says why: look there for ${id}.`
      : 'The scheduler failed at this. Its log says why.'
  }
  if (code !== null) return together(message, ADVICE[code] ?? LATER)
  if (status === null) return UNREACHABLE
  const what = message || `The answer was ${status}`
  return together(what, ADVICE_BY_STATUS[status] ?? (status >= 500 ? UNREACHABLE : 'Reload the page.'))
}

/** What a person can be told of anything that was thrown. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof TRPCClientError)) return error instanceof Error ? error.message : String(error)
  if (error.data) return adviseOn({ code: error.data.code, status: null, message: error.message })
  const response = error.meta?.response as Response | undefined
  const said = (error.meta?.responseJSON as { error?: unknown } | undefined)?.error
  return adviseOn({
    code: null,
    status: response?.status ?? null,
    message: typeof said === 'string' ? said : '',
  })
}

export function isNotFound(error: unknown): boolean {
  return error instanceof TRPCClientError && error.data?.code === 'NOT_FOUND'
}

/** Whether it was what we asked for, so that asking again would not help. */
export function isInvalid(error: unknown): boolean {
  return error instanceof TRPCClientError && error.data?.code === 'BAD_REQUEST'
}

/** As two sentences; the advice is left out where the first gives it. */
function together(message: string, advice: string): string {
  const sentence = /[.!?]$/.test(message) ? message : `${message}.`
  const begun = sentence.charAt(0).toUpperCase() + sentence.slice(1)
  return /try again/i.test(begun) ? begun : `${begun} ${advice}`
}
