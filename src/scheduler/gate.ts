import { AppError } from '../shared/core/error.ts'

export interface Gate {
  /**
   * Does `work` unless too much is being done already.
   *
   * @param bytes what it keeps in memory, about
   * @throws `too_many`
   */
  pass<T>(bytes: number, work: () => Promise<T>): Promise<T>
  readonly inside: number
}

/**
 * Bounds what is worked on at once, in requests and in the bytes of their bodies. Work counts until it ends,
 * not until its caller is given up on: while the database hangs, that is what piles up.
 */
export function createGate(maxRequests: number, maxBytes: number): Gate {
  let inside = 0
  let held = 0
  return {
    async pass(bytes, work) {
      if (inside >= maxRequests || (inside > 0 && held + bytes > maxBytes)) {
        throw new AppError('too_many', 'too many requests are being worked on; try again')
      }
      inside++
      held += bytes
      try {
        return await work()
      } finally {
        inside--
        held -= bytes
      }
    },
    get inside() {
      return inside
    },
  }
}
