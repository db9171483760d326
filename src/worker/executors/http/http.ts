import { lookup } from 'node:dns/promises'
import { parseExact } from '../../../shared/core/exact-json.ts'
import { truncate } from '../../../shared/core/output.ts'
import {
  fieldsOf,
  findPayloadFault,
  isExpected,
  MAX_REDIRECTS,
  urlOf,
} from '../../../shared/core/payloads.ts'
import { findJsonFault, MAX_RESULT_DEPTH, storableText } from '../../../shared/core/storable.ts'
import type { Json } from '../../../shared/core/task.ts'
import { headOf } from '../../../shared/core/text.ts'
import type { SlotTask } from '../../messages.ts'
import { type Executor, type ExecutorContext, Failure } from '../executor.ts'
import { createGuard } from './addresses.ts'
import { followRedirect } from './redirect.ts'
import { type Answered, type Asked, ask } from './request.ts'

/** Of an answer: what is read, and what is kept of that. */
const READ_BYTES = 1024 * 1024
const KEPT = 65_536
/** ms that the whole call may take, unless the payload says. */
const TIMEOUT_MS = 30_000
/** Headers that a result keeps. */
const KEPT_HEADERS = [
  'content-type',
  'content-length',
  'date',
  'etag',
  'last-modified',
  'location',
  'retry-after',
]

/** Calls a URL. An answer of another status than is expected is a failure; its status and body are the result. */
export const http: Executor = async (task, context) => {
  const fault = findPayloadFault('http', task.command, task.payload)
  if (fault) throw new Failure(fault, true)
  const { expect_status, timeout_ms } = fieldsOf(task.payload)
  const timeoutMs = (timeout_ms as number | undefined) ?? TIMEOUT_MS
  const signal = AbortSignal.any([context.signal, AbortSignal.timeout(timeoutMs)])
  const answered = await call(task, context, signal).catch((error) => {
    if (error instanceof Failure) throw error
    if (context.signal.aborted) throw new Failure('stopped')
    throw new Failure(signal.aborted ? `no answer in ${timeoutMs} ms` : reasonOf(error))
  })
  const result = resultOf(answered)
  context.say(
    'log',
    `${answered.status} with ${answered.body.length} bytes${answered.isCut ? ' or more' : ''}`,
  )
  if (isExpected(answered.status, expect_status)) return result
  const body = typeof result.body === 'string' ? result.body : JSON.stringify(result.body)
  throw new Failure(`answered with status ${answered.status}: ${truncate(body, 1000)}`)
}

async function call(
  task: SlotTask,
  { settings, say }: ExecutorContext,
  signal: AbortSignal,
): Promise<Answered> {
  const guard = createGuard(settings.allowPrivate)
  const limits = { guard, resolve: (host: string) => resolve(host, signal), maxBytes: READ_BYTES, signal }
  const redirects = (fieldsOf(task.payload).max_redirects as number | undefined) ?? MAX_REDIRECTS
  let asked = requestOf(task)
  for (let left = redirects; ; left--) {
    say('log', `${asked.method} ${asked.url.href}`)
    const answered = await ask(asked, limits)
    const next = followRedirect(asked, answered.status, answered.headers.location)
    if (!next) return answered
    if (left === 0 && redirects > 0) throw new Failure(`redirected more than ${redirects} times`)
    if (left === 0) return answered
    asked = next
  }
}

function requestOf({ taskId, attempt, command, payload, parents }: SlotTask): Asked {
  const { method, headers, send_parents: sendParents, body: own } = fieldsOf(payload)
  const body: unknown = sendParents
    ? { ...fieldsOf(own ?? null), parents: parents ? parseExact(parents) : {} }
    : own
  const given = Object.entries((headers ?? {}) as Record<string, string>)
  const isText = typeof body === 'string'
  const has = (name: string) => given.some(([key]) => key.toLowerCase() === name)
  return {
    url: new URL(urlOf(command, payload)),
    method: (method as string | undefined) ?? (body === undefined || body === null ? 'GET' : 'POST'),
    headers: {
      'User-Agent': 'TaskMaster',
      ...(body !== undefined && body !== null && !isText && !has('content-type')
        ? { 'Content-Type': 'application/json' }
        : {}),
      // The same for every attempt: whoever is called can tell a repeated call.
      ...(has('idempotency-key') ? {} : { 'Idempotency-Key': taskId }),
      ...Object.fromEntries(given),
      'Taskmaster-Task-Id': taskId,
      'Taskmaster-Attempt': String(attempt),
    },
    body: body === undefined || body === null ? null : isText ? body : JSON.stringify(body),
  }
}

/** Nothing ends a lookup that hangs; it is left behind when the time is up. */
async function resolve(host: string, signal: AbortSignal): Promise<string[]> {
  const aborted = Promise.withResolvers<never>()
  const onAbort = () => aborted.reject(new Failure(`${host} could not be looked up in time`))
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    const found = await Promise.race([lookup(host, { all: true }), aborted.promise])
    return found.map(({ address }) => address)
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

function resultOf({ status, headers, body, isCut }: Answered): { [key: string]: Json; body: Json } {
  const kept = KEPT_HEADERS.flatMap((name) => {
    const value = headers[name]
    return typeof value === 'string' ? [[name, storableText(headOf(value, 1000))] as const] : []
  })
  return { status, headers: Object.fromEntries(kept), body: bodyOf(headers['content-type'], body, isCut) }
}

function bodyOf(type: string | undefined, bytes: Buffer, isCut: boolean): Json {
  // Of what is cut, a character whose end is missing is left out.
  const text = new TextDecoder().decode(bytes, { stream: isCut })
  if (!isCut && text.length <= KEPT && /^application\/([\w.+-]+\+)?json\b/i.test(type ?? '')) {
    try {
      const body = parseExact(text)
      if (findJsonFault(body, MAX_RESULT_DEPTH - 1) === null) return body
    } catch {
      // Then it is text, whatever it says of itself.
    }
  }
  const kept = storableText(text)
  return isCut ? `${headOf(kept, KEPT)}… [truncated, more than ${bytes.length} bytes]` : truncate(kept, KEPT)
}

function reasonOf(error: unknown): string {
  const { code, message } = error as { code?: string; message?: string }
  return [code, message].filter(Boolean).join(': ') || String(error)
}
