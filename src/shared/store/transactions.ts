import type { Sql } from './connect.ts'
import { keepNotices, tell } from './notices.ts'
import { NoAnswer } from './pool.ts'

/** Runs transactions on connections that do nothing else: a pool that serves other queries can lose a BEGIN. */
export interface Transactions {
  run<T>(work: (sql: Sql) => Promise<T>): Promise<T>
  end(): Promise<void>
}

/**
 * @param sql passes on what they told, once they are committed
 * @param open makes a pool; called again when one does not answer
 * @param limitMs how long a transaction may take, longer than the server's own timeouts
 */
export function createTransactions(sql: Sql, open: () => Sql, limitMs: number): Transactions {
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
        let notices: string[] = []
        const result = from.begin((tx) => {
          notices = keepNotices(tx as unknown as Sql)
          return work(tx as unknown as Sql)
        }) as Promise<T>
        const done = await Promise.race([result, late.promise])
        tell(sql, notices)
        return done
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
