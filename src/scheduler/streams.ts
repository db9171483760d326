import { AppError } from '../shared/core/error.ts'

export interface Streams {
  /**
   * Counts one more stream of a caller.
   *
   * @param caller its address
   * @returns what ends the count; further calls of it do nothing
   * @throws `too_many` when there are too many, of this caller or in all
   */
  open(caller: string): () => void
  /** How many are open. */
  readonly size: number
}

/** Bounds what stays open: event streams, subscriptions, exports and WebSockets. */
export function createStreams(most: number, mostPerCaller: number): Streams {
  const byCaller = new Map<string, number>()
  let size = 0
  return {
    open(caller) {
      const own = byCaller.get(caller) ?? 0
      if (size >= most) throw new AppError('too_many', 'too many streams are open; try again later')
      if (own >= mostPerCaller) {
        throw new AppError('too_many', `at most ${mostPerCaller} streams may be open from one address`)
      }
      size++
      byCaller.set(caller, own + 1)
      let isOpen = true
      return () => {
        if (!isOpen) return
        isOpen = false
        size--
        const left = (byCaller.get(caller) ?? 1) - 1
        if (left > 0) byCaller.set(caller, left)
        else byCaller.delete(caller)
      }
    },
    get size() {
      return size
    },
  }
}

/** Who a request is from, as far as counting goes: an IPv4 address, or the half of an IPv6 one that a caller is given. */
export function callerOf(request: Request, server: Bun.Server<unknown> | undefined): string {
  const address = server?.requestIP(request)?.address.replace(/^::ffff:/i, '') ?? ''
  return address.includes(':') ? address.split(':', 4).join(':') : address
}

/**
 * An answer whose end is told once, whichever side ends it. One that nobody reads for so long is ended.
 *
 * @param stallMs how long a chunk may wait to be taken; null: for ever
 */
export function untilEnd(
  answer: Response,
  signal: AbortSignal,
  stallMs: number | null,
  onEnd: () => void,
): Response {
  if (!answer.body) {
    onEnd()
    return answer
  }
  const reader = answer.body.getReader()
  let timer: Timer | undefined
  const end = () => {
    clearTimeout(timer)
    signal.removeEventListener('abort', leave)
    onEnd()
  }
  const leave = () => {
    end()
    reader.cancel().catch(() => {})
  }
  signal.addEventListener('abort', leave)
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        clearTimeout(timer)
        try {
          const { done, value } = await reader.read()
          if (done) {
            end()
            controller.close()
            return
          }
          controller.enqueue(value)
          if (stallMs === null) return
          timer = setTimeout(() => {
            leave()
            controller.error(new Error('nobody reads this stream'))
          }, stallMs)
        } catch (error) {
          end()
          controller.error(error)
        }
      },
      cancel: leave,
    },
    { highWaterMark: 0 },
  )
  return new Response(body, { status: answer.status, headers: answer.headers })
}
