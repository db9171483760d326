import { Refusal } from './route.ts'

export interface Intake {
  /**
   * Reads the body of a request.
   *
   * @param limit bytes that it may have
   * @throws 413 beyond the limit, 408 when it has not arrived in time, 429 when others need the room that it takes,
   *   400 when the connection ends before it is whole
   */
  receive(request: Request, limit: number): Promise<Uint8Array>
  /** How many bodies are being received. */
  readonly receiving: number
}

export interface IntakeOptions {
  /** Of all bodies that are being received at once. */
  maxBytes: number
  maxBodies?: number
  timeoutMs: number
}

const MIB = 1024 * 1024
const MAX_BODIES = 4096
/** Bodies up to this size are read in one piece: they cost little while they come. */
const SMALL = 16 * 1024
/** What a body costs before its first byte. */
const OVERHEAD = 1024
/** The rest of a body that was refused is not read. */
const CLOSE = { Connection: 'close' }

interface Body {
  bytes: number
  readonly since: number
  /** Ends its reading with this refusal. */
  refuse(refusal: Refusal): void
}

/**
 * Receives bodies before anything is done for them. A body that comes slowly takes no place of others: it has until a
 * deadline, and when there is no room for more, the body that has kept the most bytes for the longest time goes.
 */
export function createIntake({ maxBytes, maxBodies = MAX_BODIES, timeoutMs }: IntakeOptions): Intake {
  const bodies = new Set<Body>()
  let held = 0

  function makeRoom() {
    while (bodies.size > maxBodies || held > maxBytes) {
      const now = performance.now()
      const cost = ({ bytes, since }: Body) => (bytes + OVERHEAD) * (now - since + 1)
      let dearest: Body | null = null
      for (const body of bodies) if (!dearest || cost(body) > cost(dearest)) dearest = body
      if (!dearest) return
      leave(dearest)
      dearest.refuse(tooMany())
    }
  }

  function leave(body: Body) {
    if (bodies.delete(body)) held -= body.bytes
  }

  function take(body: Body, bytes: number) {
    body.bytes += bytes
    held += bytes
    makeRoom()
  }

  return {
    async receive(request, limit) {
      const declared = request.headers.get('content-length')
      if (Number(declared ?? 0) > limit) throw tooLarge(limit)
      const { promise: refused, reject: refuse } = Promise.withResolvers<never>()
      refused.catch(() => {})
      const body: Body = { bytes: 0, since: performance.now(), refuse }
      const timer = setTimeout(() => refuse(tooSlow(timeoutMs)), timeoutMs)
      bodies.add(body)
      makeRoom()
      try {
        if (declared !== null && Number(declared) <= SMALL)
          return await Promise.race([request.bytes(), refused])
        return await readChunks(request, limit, refused, (bytes) => take(body, bytes))
      } catch (error) {
        throw error instanceof Refusal
          ? error
          : new Refusal(400, 'the connection ended before the body was whole')
      } finally {
        clearTimeout(timer)
        leave(body)
      }
    },
    get receiving() {
      return bodies.size
    },
  }
}

async function readChunks(
  request: Request,
  limit: number,
  refused: Promise<never>,
  onBytes: (count: number) => void,
): Promise<Uint8Array> {
  if (!request.body) return new Uint8Array()
  const reader = request.body.getReader()
  const chunks: Uint8Array[] = []
  let length = 0
  try {
    for (;;) {
      const { done, value } = await Promise.race([reader.read(), refused])
      if (done) return Buffer.concat(chunks)
      length += value.byteLength
      if (length > limit) throw tooLarge(limit)
      chunks.push(value)
      onBytes(value.byteLength)
    }
  } catch (error) {
    reader.cancel().catch(() => {})
    throw error
  }
}

const tooLarge = (limit: number) => new Refusal(413, `the body must be at most ${limit / MIB} MiB`, CLOSE)

const tooSlow = (timeoutMs: number) =>
  new Refusal(408, `the body must arrive within ${timeoutMs} ms (BODY_TIMEOUT)`, CLOSE)

const tooMany = () => new Refusal(429, 'too many bodies are being received; try again', CLOSE, 'too_many')
