import type { Random } from './random.ts'

const ANSWER_LIMIT_MS = 3000
const PAUSE_MS = { min: 50, max: 300 }

export interface Answer {
  task_id?: string
  status?: string
  count?: number
  /** Of a workflow: the ids by their keys. */
  tasks?: Record<string, string>
}

export interface Answered {
  status: number
  body: Answer
  /** How often it was asked: what was asked more than once may have been done more than once. */
  sent: number
}

export interface AskOptions {
  urls: string[]
  random: Random
  /** Monotonic ms after which nothing is asked any more. */
  giveUpAt: () => number
  /** Told of each answer that says that something is wrong with the service. */
  onServerError: (status: number) => void
}

export type Ask = (path: string, body: object) => Promise<Answered | null>

/** Asks one of the schedulers after the other until one answers; null when it is too late. */
export function createAsk({ urls, random, giveUpAt, onServerError }: AskOptions): Ask {
  return async (path, body) => {
    let sent = 0
    for (let turn = random.integer(0, urls.length - 1); performance.now() < giveUpAt(); turn++) {
      try {
        sent++
        const response = await fetch(`${urls[turn % urls.length]}${path}`, {
          method: 'POST',
          headers: { 'Content-Type': 'application/json' },
          body: JSON.stringify(body),
          signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
        })
        const answer = (await response.json()) as Answer
        const { status } = response
        if (status < 500 && status !== 429) return { status, body: answer, sent }
        if (status >= 500) onServerError(status)
      } catch {
        // No answer, or half of one: it may have been done all the same.
      }
      await Bun.sleep(random.integer(PAUSE_MS.min, PAUSE_MS.max))
    }
    return null
  }
}
