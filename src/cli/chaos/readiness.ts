import type { ReadinessSample } from './evidence.ts'

const EVERY_MS = 300
const ANSWER_LIMIT_MS = 3000

export interface ReadinessWatch {
  readonly samples: ReadinessSample[]
  stop(): Promise<void>
}

/** Asks each scheduler again and again whether it is ready. */
export function watchReadiness(urls: string[]): ReadinessWatch {
  const samples: ReadinessSample[] = []
  let stopped = false

  async function watch(url: string) {
    while (!stopped) {
      const at = performance.timeOrigin + performance.now()
      const status = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(ANSWER_LIMIT_MS) })
        .then(async (response) => {
          await response.arrayBuffer()
          return response.status
        })
        .catch(() => 0)
      samples.push({ url, at, answeredAt: performance.timeOrigin + performance.now(), status })
      await Bun.sleep(EVERY_MS)
    }
  }

  const watching = Promise.all(urls.map(watch))
  return {
    samples,
    async stop() {
      stopped = true
      await watching
    },
  }
}
