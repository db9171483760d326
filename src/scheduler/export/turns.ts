export interface Turns {
  /** Does it when it is its turn, in the order of asking. */
  take<T>(work: () => Promise<T>): Promise<T>
}

/** Lets so many work at once; the others wait. How many wait is bounded by who asks. */
export function createTurns(atOnce: number): Turns {
  const waiting: (() => void)[] = []
  let working = 0
  return {
    async take(work) {
      if (working >= atOnce) await new Promise<void>((resolve) => waiting.push(resolve))
      else working++
      try {
        return await work()
      } finally {
        // The place goes to the next one, so that nobody can come between.
        const next = waiting.shift()
        if (next) next()
        else working--
      }
    },
  }
}
