import { AppError } from '../shared/core/error.ts'

/**
 * What `work` resolves to, unless it takes longer than `ms`. The work itself goes on: PostgreSQL gives it up
 * at its own statement timeout.
 *
 * @throws `unavailable` with this message when the time is over
 */
export async function within<T>(ms: number, message: string, work: Promise<T>): Promise<T> {
  let timer: Timer | undefined
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new AppError('unavailable', message)), ms)
  })
  try {
    return await Promise.race([work, limit])
  } finally {
    clearTimeout(timer)
  }
}
