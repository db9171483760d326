import { AppError } from '../../shared/core/error.ts'
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

/** The text of a JSON request, unparsed; see `readJson`. */
export async function readJsonText(request: Request, limit: number): Promise<string> {
  const [type = ''] = (request.headers.get('content-type') ?? '').split(';')
  if (type.trim().toLowerCase() !== 'application/json') {
    throw new Refusal(415, 'the body must be application/json')
  }
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
