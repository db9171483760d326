export interface Bell {
  ring(): void
  /**
   * Resolves when it has been rung since the last time, or after `ms`: true when it was rung.
   *
   * @throws the signal's reason, when that is aborted
   */
  wait(ms: number, signal: AbortSignal): Promise<boolean>
}

/** Wakes whoever waits, and remembers a ring that nobody waited for. */
export function createBell(): Bell {
  let rung = false
  let wake: (() => void) | null = null
  return {
    ring() {
      rung = true
      wake?.()
    },
    async wait(ms, signal) {
      signal.throwIfAborted()
      if (!rung) {
        await new Promise<void>((resolve, reject) => {
          const finish = () => {
            clearTimeout(timer)
            signal.removeEventListener('abort', abort)
            wake = null
          }
          const timer = setTimeout(() => {
            finish()
            resolve()
          }, ms)
          const abort = () => {
            finish()
            reject(signal.reason)
          }
          wake = () => {
            finish()
            resolve()
          }
          signal.addEventListener('abort', abort)
        })
      }
      const wasRung = rung
      rung = false
      return wasRung
    },
  }
}
