/** One try to write a row by itself that failed, and what else was tried in the same moment. */
export interface Trial {
  /** The error may come from what the row holds: see `mayBeOfOneRow`. */
  mayBeOfOneRow: boolean
  /** The same statement, with as much text that is harmless, was carried out; and then taken back. */
  likeWasStored: boolean
}

/** So many trials in a row; by chance alone, in a database that fails every other time, they come once in 500. */
export const TRIALS = 5

/**
 * The rule of who is to blame when a row cannot be written: what it holds is, if it fails again and again while a row
 * that differs in nothing but its contents is stored. The class of the error alone condemns no row, but acquits it: a
 * disk that is full for a large row is full, whatever the row holds. Everything else is the database's trouble, and waits.
 *
 * @param trials in the order in which they were made
 */
export function isRowAtFault(trials: Trial[]): boolean {
  const latest = trials.slice(-TRIALS)
  return latest.length === TRIALS && latest.every((trial) => trial.mayBeOfOneRow && trial.likeWasStored)
}
