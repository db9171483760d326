import type { Sql } from './connect.ts'
import { NoAnswer } from './pool.ts'

/** Runs transactions on connections that do nothing else: a pool that serves other queries can lose a BEGIN. */
export interface Transactions {
  run<T>(work: (sql: Sql) => Promise<T>): Promise<T>
  end(): Promise<void>
}

/**
 * @param open makes a pool; called again when one does not answer
 * @param limitMs how long a transaction may take, longer than the server's own timeouts
 */
export function createTransactions(open: () => Sql, limitMs: number): Transactions {
  let pool = open()

  function replace(stuck: Sql) {
    if (stuck !== pool) return
    pool = open()
    stuck.end({ timeout: 0 }).catch(() => {})
  }

  return {
    async run<T>(work: (sql: Sql) => Promise<T>) {
      const from = pool
      const late = Promise.withResolvers<never>()
      const timer = setTimeout(() => {
        late.reject(new NoAnswer(limitMs))
        replace(from)
      }, limitMs)
      try {
        const result = from.begin((tx) => work(tx as unknown as Sql)) as Promise<T>
        return await Promise.race([result, late.promise])
      } finally {
        clearTimeout(timer)
      }
    },
    end: () => pool.end({ timeout: 1 }),
  }
}

const TAKEN_BACK = Symbol('taken back')

/**
 * Does something and takes it back, whether or not it could be done.
 *
 * @throws what the work threw, or the connection
 */
export async function takenBack(
  transactions: Transactions,
  work: (sql: Sql) => Promise<unknown>,
): Promise<void> {
  await transactions
    .run(async (sql) => {
      await work(sql)
      throw TAKEN_BACK
    })
    .catch((error) => {
      if (error !== TAKEN_BACK) throw error
    })
}
