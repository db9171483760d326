/** Whose turn it is: in each round every worker with a free slot is given a task. Shared by all that place tasks. */
export interface Rounds {
  /** The worker that was given the latest task, or null. */
  readonly last: number | null
  /** Workers that were given a task in the round that goes on. */
  readonly served: ReadonlySet<number>
  /** These were given a task each, in this order. */
  note(workerIds: number[]): void
}

export function createRounds(): Rounds {
  let last: number | null = null
  const served = new Set<number>()
  return {
    get last() {
      return last
    },
    served,
    note(workerIds) {
      if (workerIds.some((id) => served.has(id))) served.clear()
      for (const id of workerIds) served.add(id)
      last = workerIds.at(-1) ?? last
    },
  }
}
