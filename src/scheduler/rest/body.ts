import { AppError } from '../../shared/core/error.ts'
import { findInexact } from '../../shared/core/exact-json.ts'
import { createBreath } from '../breath.ts'
import type { Intake } from './intake.ts'
import { Refusal } from './route.ts'
import { hasTooManyValues, MOST_VALUES } from './values.ts'

const MIB = 1024 * 1024
export const BODY_LIMIT = MIB
export const BATCH_BODY_LIMIT = 16 * MIB

/**
 * The JSON of a request. Only `application/json` is taken: a form on another site cannot send that, so it
 * cannot change anything here in the name of whoever looks at it.
 *
 * @throws 415, or `invalid` for what is no JSON
 */
export async function readJson(request: Request): Promise<unknown> {
  const text = readJsonText(request)
  return parseBody(text, '', 'the body is not valid JSON')
}

/**
 * JSON as a value. Numbers that would come back as others are refused, wherever they are.
 *
 * @param place what stands before a fault
 * @throws `invalid`
 */
function parseBody(text: string, place: string, whenInvalid: string): unknown {
  try {
    const fault = findInexact(text)
    if (fault === null) return JSON.parse(text)
    throw new AppError('invalid', place + fault)
  } catch (error) {
    throw error instanceof AppError ? error : new AppError('invalid', whenInvalid)
  }
}

const JSON_TYPE = 'application/json'
const NDJSON_TYPE = 'application/x-ndjson'

const typeOf = (request: Request) =>
  (request.headers.get('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase()

/** Whether a body is one JSON value on each line. */
export const isNdjson = (request: Request) => typeOf(request) === NDJSON_TYPE

/**
 * The values of an NDJSON request, each with the number of its line, from 1. Empty lines are skipped.
 *
 * @param most values; one more is read, so that a caller sees that there are too many
 * @throws `invalid` naming the line that is no JSON
 */
export async function readNdjson(
  request: Request,
  most: number,
): Promise<{ line: number; value: unknown }[]> {
  const text = readText(request)
  const found: { line: number; value: unknown }[] = []
  let line = 0
  const breathe = createBreath()
  for (let from = 0; from < text.length && found.length <= most; ) {
    await breathe()
    const end = text.indexOf('\n', from)
    const content = text.slice(from, end < 0 ? text.length : end).trim()
    line++
    from = end < 0 ? text.length : end + 1
    if (content === '') continue
    found.push({ line, value: parseBody(content, `line ${line}: `, `line ${line}: this is not valid JSON`) })
  }
  return found
}

/** The text of a JSON request, unparsed; see `readJson`. */
export function readJsonText(request: Request): string {
  if (typeOf(request) !== JSON_TYPE) throw new Refusal(415, `the body must be ${JSON_TYPE}`)
  return readText(request)
}

function readText(request: Request): string {
  const bytes = received.get(request) ?? new Uint8Array()
  if (hasTooManyValues(bytes)) {
    throw new Refusal(413, `the body must have at most ${MOST_VALUES} objects, arrays and fields`)
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new AppError('invalid', 'the body is not valid UTF-8')
  }
}

/** The bodies that were received before their requests were let in. */
const received = new WeakMap<Request, Uint8Array>()

/**
 * Receives what a request has to say, if we take its kind: `readJson` and the like find it.
 *
 * @returns its size
 * @throws see `Intake.receive`
 */
export async function receiveBody(request: Request, intake: Intake, limit: number): Promise<number> {
  if (!request.body || ![JSON_TYPE, NDJSON_TYPE].includes(typeOf(request) ?? '')) return 0
  const bytes = await intake.receive(request, limit)
  received.set(request, bytes)
  return bytes.byteLength
}
