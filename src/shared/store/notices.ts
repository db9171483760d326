import type { Sql } from './connect.ts'

/** What a statement returned: a channel and what is told on it, one after the other. Null: nothing. */
export type Notices = string[] | null | undefined

type Teller = (notices: string[]) => void

const tellers = new WeakMap<Sql, Teller>()

/** Passes on what a statement of `sql` returned, now if it is committed, or when its transaction is. */
export function tell(sql: Sql, notices: Notices): void {
  if (notices && notices.length > 0) tellers.get(sql)?.(notices)
}

/** Says who passes on what statements of `sql` return. */
export function tellBy(sql: Sql, teller: Teller): void {
  tellers.set(sql, teller)
}

/** Keeps what statements of a transaction return. */
export function keepNotices(tx: Sql): string[] {
  const kept: string[] = []
  tellBy(tx, (notices) => void kept.push(...notices))
  return kept
}

/** A column that has the notices of a statement in one of its rows: they are long. */
export const noticesOnce = (sql: Sql) => sql`
  CASE WHEN row_number() OVER () = 1 THEN (SELECT notices FROM noted) END AS notices`

/** Passes on what a statement returned by `noticesOnce`; its rows are then without. */
export function tellOnce<Row>(sql: Sql, rows: (Row & { notices?: Notices })[]): Row[] {
  for (const row of rows) {
    tell(sql, row.notices)
    delete row.notices
  }
  return rows
}
