/** ms that long work may take before others have their turn. */
const LIMIT_MS = 10

/** For long work in many small parts: awaited after each, it lets others have their turn when it is time. */
export function createBreath(): () => Promise<void> {
  let since = performance.now()
  return async () => {
    if (performance.now() - since < LIMIT_MS) return
    await new Promise<void>((resolve) => setImmediate(resolve))
    since = performance.now()
  }
}
