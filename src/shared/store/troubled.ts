import type { Troubles } from '../runtime/troubles.ts'
import { databaseCode, summarizeDatabaseError } from './errors.ts'

/**
 * Does something with the database and keeps the record of whether it is possible: a failure raises the trouble, a
 * success resolves it.
 *
 * @param what in words for people, without its end: `Due tasks cannot be claimed`
 * @throws what the work threw
 */
export async function troubled<T>(
  troubles: Troubles,
  key: string,
  what: string,
  work: () => Promise<T>,
): Promise<T> {
  try {
    const result = await work()
    troubles.resolve(key)
    return result
  } catch (error) {
    troubles.raise(key, {
      message: `${what}: ${summarizeDatabaseError(error)}`,
      code: databaseCode(error) ?? 'unknown',
    })
    throw error
  }
}
