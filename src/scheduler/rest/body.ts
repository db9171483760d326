import { AppError } from '../../shared/core/error.ts'
import { createBreath } from '../breath.ts'
import { Refusal } from './route.ts'

const MIB = 1024 * 1024
export const BODY_LIMIT = MIB
export const BATCH_BODY_LIMIT = 16 * MIB

/**
 * The JSON of a request. Only `application/json` is taken: a form on another site cannot send that, so it
 * cannot change anything here in the name of whoever looks at it.
 *
 * @throws 415, 413 beyond `limit` bytes, or `invalid` for what is no JSON
 */
export async function readJson(request: Request, limit: number): Promise<unknown> {
  const text = await readJsonText(request, limit)
  try {
    return JSON.parse(text)
  } catch {
    throw new AppError('invalid', 'the body is not valid JSON')
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
 * @throws 413 beyond `limit` bytes, or `invalid` naming the line that is no JSON
 */
export async function readNdjson(
  request: Request,
  limit: number,
  most: number,
): Promise<{ line: number; value: unknown }[]> {
  const text = await readText(request, limit)
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
    try {
      found.push({ line, value: JSON.parse(content) })
    } catch {
      throw new AppError('invalid', `line ${line}: this is not valid JSON`)
    }
  }
  return found
}

/** The text of a JSON request, unparsed; see `readJson`. */
export async function readJsonText(request: Request, limit: number): Promise<string> {
  if (typeOf(request) !== JSON_TYPE) throw new Refusal(415, `the body must be ${JSON_TYPE}`)
  return await readText(request, limit)
}

async function readText(request: Request, limit: number): Promise<string> {
  const bytes = await readBytes(request, limit)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new AppError('invalid', 'the body is not valid UTF-8')
  }
}

async function readBytes(request: Request, limit: number): Promise<Uint8Array> {
  const tooLarge = () => new Refusal(413, `the body must be at most ${limit / MIB} MiB`)
  const declared = request.headers.get('content-length')
  if (Number(declared ?? 0) > limit) throw tooLarge()
  if (declared !== null) return await request.bytes()
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of request.body ?? []) {
    length += chunk.byteLength
    if (length > limit) throw tooLarge()
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
