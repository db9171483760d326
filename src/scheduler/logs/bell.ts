/** Rung any number of times before anybody listens, it was rung once. */
export interface Bell {
  ring(): void
  /** Resolves when it was rung since the last time, or after so many ms. */
  rung(limitMs: number): Promise<void>
}

export function createBell(): Bell {
  let isRung = false
  let wake: (() => void) | null = null
  return {
    ring() {
      isRung = true
      wake?.()
    },
    async rung(limitMs) {
      if (!isRung) {
        const { promise, resolve } = Promise.withResolvers<void>()
        const timer = setTimeout(resolve, limitMs)
        wake = resolve
        await promise
        wake = null
        clearTimeout(timer)
      }
      isRung = false
    },
  }
}
